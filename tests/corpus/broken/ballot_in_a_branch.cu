// expect: lanes, line 7
// The rank of each positive element among those of its warp. The ballot should be taken by all lanes, before the
// branch.
extern "C" __global__ void ranks_of_positive(int* ranks, const float* x) {
    const int t = threadIdx.x, lane = t % 32;
    if (x[t] > 0.0f) {
        const unsigned positive = __ballot_sync(0xffffffffu, 1);  // ← lanes with other elements do not come
        ranks[t] = __popc(positive & ((1u << lane) - 1u));
    }
}
