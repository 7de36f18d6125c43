// Places that are counted first and filled then.
//! grid = 1
//! block = 64
//! [args]
//! y = "i32[64] zeros"
//! x = "i32[64] index"
extern "C" __global__ void kernel(int* y, const int* x) {
    __shared__ int counts[2];
    const int t = threadIdx.x;
    const bool keep = x[t] % 3 == 0;
    const unsigned kept = __ballot_sync(0xffffffffu, keep);
    if (t % 32 == 0) counts[t / 32] = __popc(kept);  // ←
    __syncthreads();  // orders
    const int before = t < 32 ? 0 : counts[0];  // ←
    if (keep) y[(before + __popc(kept & ((1u << t % 32) - 1))) & 63] = x[t];
}
