// expect: nothing: __syncwarp() stands between reading and writing, and between rounds
// The sum of 64 elements by one warp through shared memory. No __syncthreads() is needed among the lanes of a warp.
extern "C" __global__ void reduce_last_warp(float* sum, const float* x) {
    __shared__ float s[64];
    const int t = threadIdx.x;
    s[t] = x[t];
    __syncthreads();
    if (t < 32) {
        for (int d = 32; d > 0; d /= 2) {
            const float other = s[t + d];
            __syncwarp();
            s[t] += other;
            __syncwarp();
        }
    }
    if (t == 0) *sum = s[0];
}
