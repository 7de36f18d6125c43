// Matrix product, rung 7: the next tiles are on their way while these are multiplied.
//
//   C[M, N] = op(A) · op(B) (+ bias[N] on every row)
//
// In rung 6 a step begins with loads for which all threads wait, at one barrier, and ends with another, so that nobody
// overwrites a tile that is still read. Here the loads of the next step are issued before this step's multiplications and
// wait in registers (staged.cuh); they are stored into a second pair of tiles, which nobody reads. One barrier per step
// remains, the quantity of this rung, and the latency of global memory hides behind arithmetic. Twice the shared memory.
//
//   layout    A [M, K], or [K, M] with TRANSPOSE_A; B [K, N], or [N, K] with TRANSPOSE_B; C [M, N]; all row-major
//   defines   see tile.cuh; TRANSPOSE_A, TRANSPOSE_B; GVEC: floats per global access
//   launch    grid (⌈N / BN⌉, ⌈M / BM⌉), THREADS threads
//   requires  on a GPU, rows of A, B and C to be multiples of GVEC floats
//   bytes     4 (M·K·⌈N / BN⌉ + K·N·⌈M / BM⌉ + M·N)
//   FLOPs     2·M·N·K
//   limit     shared memory: a thread loads 16 floats for 64 multiply-adds
//   measures  barriers per step: one instead of two
#include "prelude/staged.cuh"
#include "prelude/tile.cuh"

// The tiles of one step between global and shared memory; A and B lie there as in rung 6.
struct Step {
    Staged<TRANSPOSE_A ? BK : BM, TRANSPOSE_A ? BM : BK, GVEC> of_a;
    Staged<TRANSPOSE_B ? BN : BK, TRANSPOSE_B ? BK : BN, GVEC, TRANSPOSE_B> of_b;

    __device__ __forceinline__ void load(const element* __restrict__ a, const element* __restrict__ b, int k0, int m, int n,
                                         int k) {
        const int row0 = blockIdx.y * BM, column0 = blockIdx.x * BN;
        if constexpr (TRANSPOSE_A) of_a.load(a, k0, row0, k, m);
        else of_a.load(a, row0, k0, m, k);
        if constexpr (TRANSPOSE_B) of_b.load(b, column0, k0, n, k);
        else of_b.load(b, k0, column0, k, n);
    }

    __device__ __forceinline__ void store(float* a_tile, float* b_tile) const {
        of_a.template store<TRANSPOSE_A ? BM : A_STRIDE>(a_tile);
        if constexpr (TRANSPOSE_B) of_b.template store_transposed<BN>(b_tile);
        else of_b.template store<BN>(b_tile);
    }
};

extern "C" __global__ void __launch_bounds__(THREADS, 1)
matmul_forward(result* __restrict__ c,            // [M, N]
               const element* __restrict__ a,     // [M, K] or [K, M]
               const element* __restrict__ b,     // [K, N] or [N, K]
               const element* __restrict__ bias,  // [N], or null
               int m, int n, int k) {
    __shared__ __align__(64) float a_tile[2][A_FLOATS];
    __shared__ __align__(64) float b_tile[2][B_FLOATS];

    RegisterTile tile;
    tile.clear();
    Step next;
    next.load(a, b, 0, m, n, k);
    next.store(a_tile[0], b_tile[0]);
    __syncthreads();  // the first tiles are complete
    for (int k0 = 0, now = 0; k0 < k; k0 += BK, now ^= 1) {
        const bool more = k0 + BK < k;
        if (more) next.load(a, b, k0 + BK, m, n, k);
        tile.multiply<TRANSPOSE_A ? DEPTH_MAJOR : ROW_MAJOR>(a_tile[now], b_tile[now], k - k0);
        if (more) {
            next.store(a_tile[now ^ 1], b_tile[now ^ 1]);
            __syncthreads();  // the next tiles are complete, and nobody reads these any more
        }
    }
    tile.write<GVEC == VEC ? VEC : 1>(c, bias, blockIdx.y * BM, blockIdx.x * BN, m, n);
}
