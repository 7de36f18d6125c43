// expect: race on s, line 11
// The sum of 64 elements by one warp. Code of the years before Volta: `volatile` and the hope that the lanes of a warp
// run in step. They need not: between two rounds belongs a __syncwarp().
extern "C" __global__ void reduce_last_warp(float* sum, const float* x) {
    __shared__ float s[64];
    const int t = threadIdx.x;
    s[t] = x[t];
    __syncthreads();
    if (t < 32) {
        volatile float* lanes = s;
        for (int d = 32; d > 0; d /= 2) lanes[t] += lanes[t + d];  // ← reads what another lane may have added to or not
    }
    if (t == 0) *sum = s[0];
}
