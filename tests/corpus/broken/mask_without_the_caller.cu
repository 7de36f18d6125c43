// expect: lanes, line 5
// Each lane's partner in the other half of the warp. The mask names one half, and both call.
extern "C" __global__ void partners(int* y, const int* x) {
    const int lane = threadIdx.x;
    y[lane] = __shfl_xor_sync(0x0000ffffu, x[lane], 16);  // ← lanes from 16 on are not in the mask they pass
}
