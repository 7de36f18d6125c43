// Words of eight bytes.
//! grid = 1
//! block = 64
//! [args]
//! y = "f64[64] empty"
//! x = "f64[64] index"
extern "C" __global__ void kernel(double* y, const double* x) {
    __shared__ double s[64];
    s[threadIdx.x] = x[threadIdx.x];  // ←
    __syncthreads();  // orders
    y[threadIdx.x] = s[(threadIdx.x + 32) % 64];  // ←
}
