// C (M, N) = A (M, K) × B (K, N) with f16 in and f32 out, as on Hopper: one warp copies tiles by tensor maps, a warpgroup
// multiplies them by wgmma, mbarriers between both, four stages. C leaves by a tensor map, too.
// M: multiple of 64; N: of 64; K: of 64. Block: 160 threads; grid: (N / 64, M / 64). B is given as its transpose (N, K).
#include <cuda_fp16.h>

struct alignas(64) Map { unsigned long long words[16]; };

__device__ unsigned at(const void *p) { return static_cast<unsigned>(__cvta_generic_to_shared(p)); }

__device__ void arrive(unsigned long long *barrier) {
    asm volatile("mbarrier.arrive.release.cta.shared::cta.b64 _, [%0];" ::"r"(at(barrier)) : "memory");
}

__device__ void wait(unsigned long long *barrier, unsigned parity) {
    asm volatile("{\n.reg .pred p;\nLOOP: mbarrier.try_wait.parity.acquire.cta.shared::cta.b64 p, [%0], %1;\n@!p bra LOOP;\n}" ::"r"(at(barrier)),
                 "r"(parity)
                 : "memory");
}

__device__ void load(void *to, const Map *map, unsigned long long *barrier, int x, int y) {
    asm volatile("cp.async.bulk.tensor.2d.shared::cluster.global.mbarrier::complete_tx::bytes [%0], [%1, {%3, %4}], [%2];" ::"r"(at(to)),
                 "l"(map), "r"(at(barrier)), "r"(x), "r"(y)
                 : "memory");
}

// Tiles of 64 rows of 128 bytes, swizzled.
__device__ unsigned long long descriptor(const void *tile) {
    return static_cast<unsigned long long>((at(tile) & 0x3ffff) >> 4) | 1ull << 16 | 64ull << 32 | 1ull << 62;
}

constexpr int STAGES = 4, TILE = 64 * 64;

struct alignas(1024) Shared {
    half a[STAGES][TILE], b[STAGES][TILE];
    float c[TILE];
    unsigned long long full[STAGES], empty[STAGES];
};

extern "C" __global__ void matmul(const __grid_constant__ Map a, const __grid_constant__ Map b, const __grid_constant__ Map c, int k) {
    extern __shared__ __align__(1024) unsigned char memory[];
    Shared &shared = *reinterpret_cast<Shared *>(memory);
    const int warp = threadIdx.x / 32, lane = threadIdx.x % 32;
    if (threadIdx.x == 0) {
        for (int i = 0; i < STAGES; i++) {
            asm volatile("mbarrier.init.shared::cta.b64 [%0], 1;" ::"r"(at(&shared.full[i])) : "memory");
            asm volatile("mbarrier.init.shared::cta.b64 [%0], 1;" ::"r"(at(&shared.empty[i])) : "memory");
        }
        asm volatile("fence.mbarrier_init.release.cluster;" ::: "memory");
    }
    __syncthreads();
    if (warp == 4) {
        asm volatile("setmaxnreg.dec.sync.aligned.u32 40;");
        if (lane == 0)
            for (int step = 0; step < k / 64; step++) {
                const int stage = step % STAGES;
                if (step >= STAGES) wait(&shared.empty[stage], (step / STAGES - 1) & 1);
                asm volatile("mbarrier.arrive.expect_tx.release.cta.shared::cta.b64 _, [%0], %1;" ::"r"(at(&shared.full[stage])),
                             "r"(2 * TILE * 2)
                             : "memory");
                load(shared.a[stage], &a, &shared.full[stage], step * 64, blockIdx.y * 64);
                load(shared.b[stage], &b, &shared.full[stage], step * 64, blockIdx.x * 64);
            }
        return;
    }
    asm volatile("setmaxnreg.inc.sync.aligned.u32 232;");
    float d[32];
    for (int step = 0; step < k / 64; step++) {
        const int stage = step % STAGES;
        wait(&shared.full[stage], step / STAGES & 1);
        asm volatile("wgmma.fence.sync.aligned;" ::: "memory");
        for (int part = 0; part < 4; part++)
            asm volatile(
                "{\n.reg .pred p;\nsetp.ne.b32 p, %34, 0;\n"
                "wgmma.mma_async.sync.aligned.m64n64k16.f32.f16.f16 "
                "{%0, %1, %2, %3, %4, %5, %6, %7, %8, %9, %10, %11, %12, %13, %14, %15, "
                "%16, %17, %18, %19, %20, %21, %22, %23, %24, %25, %26, %27, %28, %29, %30, %31}, %32, %33, p, 1, 1, 0, 0;\n}"
                : "+f"(d[0]), "+f"(d[1]), "+f"(d[2]), "+f"(d[3]), "+f"(d[4]), "+f"(d[5]), "+f"(d[6]), "+f"(d[7]), "+f"(d[8]),
                  "+f"(d[9]), "+f"(d[10]), "+f"(d[11]), "+f"(d[12]), "+f"(d[13]), "+f"(d[14]), "+f"(d[15]), "+f"(d[16]),
                  "+f"(d[17]), "+f"(d[18]), "+f"(d[19]), "+f"(d[20]), "+f"(d[21]), "+f"(d[22]), "+f"(d[23]), "+f"(d[24]),
                  "+f"(d[25]), "+f"(d[26]), "+f"(d[27]), "+f"(d[28]), "+f"(d[29]), "+f"(d[30]), "+f"(d[31])
                : "l"(descriptor(shared.a[stage]) + 2 * part), "l"(descriptor(shared.b[stage]) + 2 * part), "r"(step + part));
        asm volatile("wgmma.commit_group.sync.aligned;" ::: "memory");
        asm volatile("wgmma.wait_group.sync.aligned 0;" ::: "memory");
        // One thread for the whole warpgroup.
        if (threadIdx.x == 0) arrive(&shared.empty[stage]);
    }
    for (int i = 0; i < 32; i++)
        shared.c[(16 * warp + lane / 4 + i / 2 % 2 * 8) * 64 + i / 4 * 8 + lane % 4 * 2 + i % 2] = d[i];
    asm volatile("fence.proxy.async.shared::cta;" ::: "memory");
    asm volatile("bar.sync 1, 128;" ::: "memory");
    if (threadIdx.x == 0) {
        asm volatile("cp.async.bulk.tensor.2d.global.shared::cta.bulk_group [%0, {%2, %3}], [%1];" ::"l"(&c), "r"(at(shared.c)),
                     "r"(blockIdx.x * 64), "r"(blockIdx.y * 64)
                     : "memory");
        asm volatile("cp.async.bulk.commit_group;" ::: "memory");
        asm volatile("cp.async.bulk.wait_group 0;" ::: "memory");
    }
}
