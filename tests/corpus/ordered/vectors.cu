// Four floats are written at once and read one by one.
//! grid = 1
//! block = 64
//! [args]
//! y = "f32[256] empty"
//! x = "f32[256]"
extern "C" __global__ void kernel(float* y, const float4* x) {
    __shared__ float4 s[64];
    s[threadIdx.x] = x[threadIdx.x];  // ←
    __syncthreads();  // orders
    for (int i = threadIdx.x; i < 256; i += 64) y[i] = ((const float*)s)[i];  // ←
}
