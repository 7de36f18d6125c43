// Floats are written one by one and read by fours.
//! grid = 1
//! block = 64
//! [args]
//! y = "f32[256] empty"
//! x = "f32[256]"
extern "C" __global__ void kernel(float4* y, const float* x) {
    __shared__ float4 s[64];
    for (int i = threadIdx.x; i < 256; i += 64) ((float*)s)[i] = x[i];  // ←
    __syncthreads();  // orders
    y[threadIdx.x] = s[threadIdx.x];  // ←
}
