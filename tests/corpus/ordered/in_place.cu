// Read by all before any writes, in place.
//! grid = 1
//! block = 64
//! [args]
//! x = "f32[64]"
extern "C" __global__ void kernel(float* x) {
    const float v = x[(threadIdx.x + 1) % 64];  // ←
    __syncthreads();  // orders
    x[threadIdx.x] = v;  // ←
}
