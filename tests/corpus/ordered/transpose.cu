// A tile is written by rows and read by columns.
//! grid = 1
//! block = [16, 16]
//! [args]
//! y = "f32[256] empty"
//! x = "f32[256]"
extern "C" __global__ void kernel(float* y, const float* x) {
    __shared__ float tile[16][17];
    tile[threadIdx.y][threadIdx.x] = x[16 * threadIdx.y + threadIdx.x];  // ←
    __syncthreads();  // orders
    y[16 * threadIdx.y + threadIdx.x] = tile[threadIdx.x][threadIdx.y];  // ←
}
