// C (M, N) = A (M, K) × B (K, N) + C, row-major, by ldmatrix and mma.sync: a warp has 16 rows and 16 columns.
// M, N: multiples of 32; K: one of 16. Block: 128 threads; grid: (N / 32, M / 32).
#include <cuda_fp16.h>

__device__ unsigned at(const void *p) { return static_cast<unsigned>(__cvta_generic_to_shared(p)); }

extern "C" __global__ void matmul(const half *a, const half *b, float *c, int m, int n, int k) {
    // Rows of 24 and 40 elements: 16-byte units of eight rows lie in different banks.
    __shared__ alignas(16) half as[32][24], bs[16][40];
    const int warp = threadIdx.x / 32, lane = threadIdx.x % 32;
    const int row = blockIdx.y * 32 + warp / 2 * 16, column = blockIdx.x * 32 + warp % 2 * 16;
    float sums[2][4];
    for (int tile = 0; tile < 2; tile++)
        for (int i = 0; i < 4; i++)
            sums[tile][i] = c[(row + lane / 4 + i / 2 * 8) * n + column + tile * 8 + lane % 4 * 2 + i % 2];
    for (int k0 = 0; k0 < k; k0 += 16) {
        for (int i = threadIdx.x; i < 512; i += 128) {
            as[i / 16][i % 16] = a[(blockIdx.y * 32 + i / 16) * k + k0 + i % 16];
            bs[i / 32][i % 32] = b[(k0 + i / 32) * n + blockIdx.x * 32 + i % 32];
        }
        __syncthreads();
        unsigned fa[4], fb[4];
        asm volatile("ldmatrix.sync.aligned.m8n8.x4.shared.b16 {%0, %1, %2, %3}, [%4];"
                     : "=r"(fa[0]), "=r"(fa[1]), "=r"(fa[2]), "=r"(fa[3])
                     : "r"(at(&as[warp / 2 * 16 + lane % 16][lane / 16 * 8])));
        asm volatile("ldmatrix.sync.aligned.m8n8.x4.trans.shared.b16 {%0, %1, %2, %3}, [%4];"
                     : "=r"(fb[0]), "=r"(fb[1]), "=r"(fb[2]), "=r"(fb[3])
                     : "r"(at(&bs[lane % 16][warp % 2 * 16 + lane / 16 * 8])));
        for (int tile = 0; tile < 2; tile++)
            asm volatile("mma.sync.aligned.m16n8k16.row.col.f32.f16.f16.f32 {%0, %1, %2, %3}, {%4, %5, %6, %7}, {%8, %9}, {%0, %1, %2, %3};"
                         : "+f"(sums[tile][0]), "+f"(sums[tile][1]), "+f"(sums[tile][2]), "+f"(sums[tile][3])
                         : "r"(fa[0]), "r"(fa[1]), "r"(fa[2]), "r"(fa[3]), "r"(fb[2 * tile]), "r"(fb[2 * tile + 1]));
        __syncthreads();
    }
    for (int tile = 0; tile < 2; tile++)
        for (int i = 0; i < 4; i++)
            c[(row + lane / 4 + i / 2 * 8) * n + column + tile * 8 + lane % 4 * 2 + i % 2] = sums[tile][i];
}

// Writes matrices of 8 × 8 by stmatrix and reads them back, transposed by movmatrix. Grid 1, block 32; out: 4 × 32 words.
extern "C" __global__ void matrices(unsigned *out) {
    __shared__ alignas(16) unsigned rows[4][32];
    const int lane = threadIdx.x;
    unsigned r[4], turned;
    for (int i = 0; i < 4; i++) r[i] = (100 * i + 2 * lane) | (100 * i + 2 * lane + 1) << 16;
    asm volatile("stmatrix.sync.aligned.m8n8.x4.shared.b16 [%0], {%1, %2, %3, %4};" ::"r"(at(&rows[lane / 8][lane % 8 * 4])),
                 "r"(r[0]), "r"(r[1]), "r"(r[2]), "r"(r[3]));
    __syncwarp();
    asm volatile("movmatrix.sync.aligned.m8n8.trans.b16 %0, %1;" : "=r"(turned) : "r"(r[3]));
    for (int i = 0; i < 3; i++) out[32 * i + lane] = rows[i][lane];
    out[96 + lane] = turned;
}
