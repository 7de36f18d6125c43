// expect: barrier, line 8
// Reverses pieces of 64 elements, a block going through all of them. The first 36 threads go round twice, the others
// once: in the second round they are missed.
extern "C" __global__ void reverse_pieces(float* y, const float* x, int n) {
    __shared__ float s[64];
    for (int i = threadIdx.x; i < n; i += blockDim.x) {
        s[threadIdx.x] = x[i];
        __syncthreads();  // ← how often differs between threads
        const int first = i - threadIdx.x, size = min((int)blockDim.x, n - first);
        y[i] = s[size - 1 - threadIdx.x];
        __syncthreads();
    }
}
