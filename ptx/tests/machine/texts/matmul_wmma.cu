// C (M, N) = A (M, K) × B (K, N), row-major, by wmma on global memory: a warp has 16 rows and 16 columns.
// Block: 32 threads; grid: (N / 16, M / 16).
#include <mma.h>

using namespace nvcuda;

extern "C" __global__ void halves(const half *a, const half *b, float *c, int n, int k) {
    wmma::fragment<wmma::matrix_a, 16, 16, 16, half, wmma::row_major> fa;
    wmma::fragment<wmma::matrix_b, 16, 16, 16, half, wmma::row_major> fb;
    wmma::fragment<wmma::accumulator, 16, 16, 16, float> sums;
    wmma::fill_fragment(sums, 0.0f);
    for (int k0 = 0; k0 < k; k0 += 16) {
        wmma::load_matrix_sync(fa, a + blockIdx.y * 16 * k + k0, k);
        wmma::load_matrix_sync(fb, b + k0 * n + blockIdx.x * 16, n);
        wmma::mma_sync(sums, fa, fb, sums);
    }
    wmma::store_matrix_sync(c + blockIdx.y * 16 * n + blockIdx.x * 16, sums, n, wmma::mem_row_major);
}

extern "C" __global__ void bytes(const signed char *a, const signed char *b, int *c, int n, int k) {
    __shared__ alignas(32) int tile[256];
    wmma::fragment<wmma::matrix_a, 16, 16, 16, signed char, wmma::row_major> fa;
    wmma::fragment<wmma::matrix_b, 16, 16, 16, signed char, wmma::row_major> fb;
    wmma::fragment<wmma::accumulator, 16, 16, 16, int> sums;
    wmma::fill_fragment(sums, 0);
    for (int k0 = 0; k0 < k; k0 += 16) {
        wmma::load_matrix_sync(fa, a + blockIdx.y * 16 * k + k0, k);
        wmma::load_matrix_sync(fb, b + k0 * n + blockIdx.x * 16, n);
        wmma::mma_sync(sums, fa, fb, sums);
    }
    wmma::store_matrix_sync(tile, sums, 16, wmma::mem_col_major);
    __syncwarp();
    for (int i = threadIdx.x; i < 256; i += 32) c[(blockIdx.y * 16 + i % 16) * n + blockIdx.x * 16 + i / 16] = tile[i];
}

// 8 × 8 doubles, K a multiple of 4. Grid 1.
extern "C" __global__ void doubles(const double *a, const double *b, double *c, int k) {
    wmma::fragment<wmma::matrix_a, 8, 8, 4, double, wmma::row_major> fa;
    wmma::fragment<wmma::matrix_b, 8, 8, 4, double, wmma::row_major> fb;
    wmma::fragment<wmma::accumulator, 8, 8, 4, double> sums;
    wmma::fill_fragment(sums, 0.0);
    for (int k0 = 0; k0 < k; k0 += 4) {
        wmma::load_matrix_sync(fa, a + k0, k);
        wmma::load_matrix_sync(fb, b + k0 * 8, 8);
        wmma::mma_sync(sums, fa, fb, sums);
    }
    wmma::store_matrix_sync(c, sums, 8, wmma::mem_row_major);
}
