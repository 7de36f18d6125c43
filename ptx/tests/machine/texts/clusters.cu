// What blocks of a cluster do together, by cooperative_groups and by inline PTX.
#include <cooperative_groups.h>

namespace cg = cooperative_groups;

__device__ unsigned at(const void *p) { return static_cast<unsigned>(__cvta_generic_to_shared(p)); }

// Each block gets a word of each block of its cluster. Clusters of four in x; block 32; out: a word for each thread.
extern "C" __global__ void __cluster_dims__(4, 1, 1) neighbours(unsigned *out) {
    __shared__ unsigned mine[32];
    cg::cluster_group cluster = cg::this_cluster();
    mine[threadIdx.x] = 1000 * blockIdx.x + threadIdx.x;
    cluster.sync();
    unsigned sum = 0;
    for (unsigned rank = 0; rank < cluster.num_blocks(); rank++) sum += cluster.map_shared_rank(mine, rank)[31 - threadIdx.x];
    cluster.sync();
    out[blockIdx.x * 32 + threadIdx.x] = sum + 1000000 * cluster.block_rank();
}

// A histogram that lies in the shared memory of two blocks. Clusters of two by the launch; block 64; out: 64 counts per cluster.
extern "C" __global__ void histogram(const unsigned *values, unsigned *out, unsigned count) {
    __shared__ unsigned bins[32];
    cg::cluster_group cluster = cg::this_cluster();
    if (threadIdx.x < 32) bins[threadIdx.x] = 0;
    cluster.sync();
    const unsigned threads = cluster.num_threads(), first = blockIdx.x / 2 * count;
    for (unsigned i = cluster.thread_rank(); i < count; i += threads) {
        const unsigned value = values[first + i] % 64;
        atomicAdd(cluster.map_shared_rank(&bins[value % 32], value / 32), 1);
    }
    cluster.sync();
    if (threadIdx.x < 32) out[blockIdx.x * 32 + threadIdx.x] = bins[threadIdx.x];
}

// One block copies for all of its cluster. Clusters of two; block 64; in: 64 words; out: 64 words for each block.
extern "C" __global__ void __cluster_dims__(2, 1, 1) multicast(const unsigned *in, unsigned *out) {
    __shared__ alignas(128) unsigned tile[64];
    __shared__ unsigned long long full;
    cg::cluster_group cluster = cg::this_cluster();
    if (threadIdx.x == 0) {
        asm volatile("mbarrier.init.shared::cta.b64 [%0], 1;" ::"r"(at(&full)) : "memory");
        asm volatile("mbarrier.arrive.expect_tx.shared::cta.b64 _, [%0], 256;" ::"r"(at(&full)) : "memory");
    }
    cluster.sync();
    if (cluster.block_rank() == 1 && threadIdx.x == 0) {
        unsigned short both = 3;
        asm volatile("cp.async.bulk.shared::cluster.global.mbarrier::complete_tx::bytes.multicast::cluster [%0], [%1], 256, [%2], %3;" ::"r"(
                         at(tile)),
                     "l"(in), "r"(at(&full)), "h"(both)
                     : "memory");
    }
    asm volatile("{\n.reg .pred p;\nL: mbarrier.try_wait.parity.shared::cta.b64 p, [%0], 0;\n@!p bra L;\n}" ::"r"(at(&full)) : "memory");
    out[blockIdx.x * 64 + threadIdx.x] = tile[63 - threadIdx.x];
    cluster.sync();
}

// Words go to the next block, and tell its mbarrier. Clusters of two; block 32.
extern "C" __global__ void __cluster_dims__(2, 1, 1) post(unsigned *out) {
    __shared__ alignas(16) unsigned inbox[32], sum;
    __shared__ unsigned long long full;
    cg::cluster_group cluster = cg::this_cluster();
    if (threadIdx.x == 0) {
        sum = 0;
        asm volatile("mbarrier.init.shared::cta.b64 [%0], 1;" ::"r"(at(&full)) : "memory");
        asm volatile("mbarrier.arrive.expect_tx.shared::cta.b64 _, [%0], 256;" ::"r"(at(&full)) : "memory");
    }
    cluster.sync();
    const unsigned other = cluster.block_rank() ^ 1;
    unsigned to, told, total;
    asm volatile("mapa.shared::cluster.u32 %0, %1, %2;" : "=r"(to) : "r"(at(&inbox[threadIdx.x])), "r"(other));
    asm volatile("mapa.shared::cluster.u32 %0, %1, %2;" : "=r"(total) : "r"(at(&sum)), "r"(other));
    asm volatile("mapa.shared::cluster.u32 %0, %1, %2;" : "=r"(told) : "r"(at(&full)), "r"(other));
    asm volatile("st.async.shared::cluster.mbarrier::complete_tx::bytes.u32 [%0], %1, [%2];" ::"r"(to), "r"(blockIdx.x * 100 + threadIdx.x), "r"(told)
                 : "memory");
    asm volatile("red.async.relaxed.cluster.shared::cluster.mbarrier::complete_tx::bytes.add.u32 [%0], %1, [%2];" ::"r"(total), "r"(threadIdx.x),
                 "r"(told)
                 : "memory");
    asm volatile("{\n.reg .pred p;\nL: mbarrier.try_wait.parity.acquire.cluster.shared::cta.b64 p, [%0], 0;\n@!p bra L;\n}" ::"r"(at(&full)) : "memory");
    out[blockIdx.x * 32 + threadIdx.x] = inbox[threadIdx.x] + 1000 * sum;
    cluster.sync();
}
