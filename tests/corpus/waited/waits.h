// Instructions that CUDA C++ has no words for, as macros, so that they stand on the lines that use them.
#define SHARED(p) ((unsigned)__cvta_generic_to_shared(p))
#define PTX(text, ...) asm volatile(text ::__VA_ARGS__ : "memory")

// Copies of single threads.
#define COPY(bytes, to, from) \
    PTX("cp.async.ca.shared.global [%0], [%1], " #bytes ";", "r"(SHARED(to)), "l"(from))
#define COPY_OR_ZERO(to, from, read) \
    PTX("cp.async.ca.shared.global [%0], [%1], 4, %2;", "r"(SHARED(to)), "l"(from), "r"(read))
#define COMMIT() PTX("cp.async.commit_group;")
#define WAIT_GROUP(left) PTX("cp.async.wait_group " #left ";")
#define WAIT_ALL() PTX("cp.async.wait_all;")

// mbarriers.
#define INIT(bar, count) PTX("mbarrier.init.shared.b64 [%0], %1;", "r"(SHARED(bar)), "r"(count))
#define ARRIVE(bar) PTX("mbarrier.arrive.shared.b64 _, [%0];", "r"(SHARED(bar)))
#define EXPECT(bar, bytes) PTX("mbarrier.arrive.expect_tx.shared.b64 _, [%0], %1;", "r"(SHARED(bar)), "r"(bytes))
#define COPIES_ARRIVE(bar) PTX("cp.async.mbarrier.arrive.noinc.shared.b64 [%0];", "r"(SHARED(bar)))
#define WAIT(bar, parity) \
    PTX("{ .reg .pred p; AGAIN: mbarrier.try_wait.parity.shared.b64 p, [%0], %1; @!p bra AGAIN; }", \
        "r"(SHARED(bar)), "r"(parity))
#define ARRIVE_TOKEN(token, bar) \
    asm volatile("mbarrier.arrive.shared.b64 %0, [%1];" : "=l"(token) : "r"(SHARED(bar)) : "memory")
#define WAIT_TOKEN(bar, token) \
    PTX("{ .reg .pred p; AGAIN: mbarrier.test_wait.shared.b64 p, [%0], %1; @!p bra AGAIN; }", \
        "r"(SHARED(bar)), "l"(token))
#define TEST(done, bar, parity) \
    asm volatile("{ .reg .pred p; mbarrier.test_wait.parity.shared.b64 p, [%1], %2; selp.b32 %0, 1, 0, p; }" \
        : "=r"(done) : "r"(SHARED(bar)), "r"(parity) : "memory")

// Bulk copies.
#define LOAD(to, from, bytes, bar) \
    PTX("cp.async.bulk.shared::cluster.global.mbarrier::complete_tx::bytes [%0], [%1], %2, [%3];", \
        "r"(SHARED(to)), "l"(from), "r"(bytes), "r"(SHARED(bar)))
#define LOAD_FOR_ALL(to, from, bytes, bar, blocks) \
    PTX("cp.async.bulk.shared::cluster.global.mbarrier::complete_tx::bytes.multicast::cluster [%0], [%1], %2, [%3], %4;", \
        "r"(SHARED(to)), "l"(from), "r"(bytes), "r"(SHARED(bar)), "h"((short)(blocks)))
#define STORE(to, from, bytes) \
    PTX("cp.async.bulk.global.shared::cta.bulk_group [%0], [%1], %2;", "l"(to), "r"(SHARED(from)), "r"(bytes))
#define ADD(to, from, bytes) \
    PTX("cp.reduce.async.bulk.global.shared::cta.bulk_group.add.f32 [%0], [%1], %2;", \
        "l"(to), "r"(SHARED(from)), "r"(bytes))
#define BULK_COMMIT() PTX("cp.async.bulk.commit_group;")
#define BULK_WAIT(left) PTX("cp.async.bulk.wait_group " #left ";")
#define BULK_WAIT_READ(left) PTX("cp.async.bulk.wait_group.read " #left ";")
#define FENCE_PROXY() PTX("fence.proxy.async;")

// Barriers for a part of a block.
#define BAR_SYNC(id, count) PTX("bar.sync " #id ", " #count ";")
#define BAR_ARRIVE(id, count) PTX("bar.arrive " #id ", " #count ";")

// Clusters.
#define CLUSTER_ARRIVE() PTX("barrier.cluster.arrive.aligned;")
#define CLUSTER_ARRIVE_RELAXED() PTX("barrier.cluster.arrive.relaxed.aligned;")
#define CLUSTER_WAIT() PTX("barrier.cluster.wait.aligned;")
#define CLUSTER_SYNC() PTX("barrier.cluster.arrive.aligned; barrier.cluster.wait.aligned;")

static __device__ unsigned rank_in_cluster() {
    unsigned rank;
    asm volatile("mov.u32 %0, %%cluster_ctarank;" : "=r"(rank));
    return rank;
}

// The same place in the shared memory of another block, as an address of the cluster's.
static __device__ unsigned shared_of(const void* p, unsigned rank) {
    unsigned address;
    asm volatile("mapa.shared::cluster.u32 %0, %1, %2;" : "=r"(address) : "r"(SHARED(p)), "r"(rank));
    return address;
}

#define READ_OF(value, p, rank) \
    asm volatile("ld.shared::cluster.f32 %0, [%1];" : "=f"(value) : "r"(shared_of(p, rank)) : "memory")
#define WRITE_OF(p, rank, value) PTX("st.shared::cluster.f32 [%0], %1;", "r"(shared_of(p, rank)), "f"(value))
#define ARRIVE_OF(bar, rank) \
    PTX("mbarrier.arrive.release.cluster.shared::cluster.b64 _, [%0];", "r"(shared_of(bar, rank)))
#define SEND_TO(p, rank, value, bar) \
    PTX("st.async.shared::cluster.mbarrier::complete_tx::bytes.f32 [%0], %1, [%2];", \
        "r"(shared_of(p, rank)), "f"(value), "r"(shared_of(bar, rank)))
#define COPY_TO(p, rank, from, bytes, bar) \
    PTX("cp.async.bulk.shared::cluster.shared::cta.mbarrier::complete_tx::bytes [%0], [%1], %2, [%3];", \
        "r"(shared_of(p, rank)), "r"(SHARED(from)), "r"(bytes), "r"(shared_of(bar, rank)))

// Matrices of 8 by 8 halves; the first eight lanes say where rows lie.
#define READ_MATRIX(part, row) \
    asm volatile("ldmatrix.sync.aligned.m8n8.x1.shared.b16 %0, [%1];" : "=r"(part) : "r"(SHARED(row)) : "memory")
#define WRITE_MATRIX(row, part) \
    PTX("stmatrix.sync.aligned.m8n8.x1.shared.b16 [%0], {%1};", "r"(SHARED(row)), "r"(part))

// Multiplies of a warpgroup: 64 times 16 halves by 16 times 8, in parts of 8 by 8 one after the other.
static __device__ unsigned long long matrix(const void* p) {
    return SHARED(p) >> 4 | 8ull << 16 | 16ull << 32;
}

#define MULTIPLY(d, a, b) \
    asm volatile( \
        "{ .reg .pred p; setp.eq.u32 p, 1, 1; wgmma.mma_async.sync.aligned.m64n8k16.f32.f16.f16 " \
        "{%0, %1, %2, %3}, %4, %5, p, 1, 1, 0, 0; }" \
        : "+f"(d[0]), "+f"(d[1]), "+f"(d[2]), "+f"(d[3]) : "l"(matrix(a)), "l"(matrix(b)) : "memory")
#define MULTIPLY_REGISTERS(d, a, b) \
    asm volatile( \
        "{ .reg .pred p; setp.eq.u32 p, 1, 1; wgmma.mma_async.sync.aligned.m64n8k16.f32.f16.f16 " \
        "{%0, %1, %2, %3}, {%4, %5, %6, %7}, %8, p, 1, 1, 0; }" \
        : "+f"(d[0]), "+f"(d[1]), "+f"(d[2]), "+f"(d[3]) \
        : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "l"(matrix(b)) : "memory")
#define MULTIPLY_FENCE(d) \
    asm volatile("wgmma.fence.sync.aligned;" : "+f"(d[0]), "+f"(d[1]), "+f"(d[2]), "+f"(d[3])::"memory")
#define MULTIPLY_COMMIT() PTX("wgmma.commit_group.sync.aligned;")
#define MULTIPLY_WAIT(left, d) \
    asm volatile("wgmma.wait_group.sync.aligned " #left ";" \
        : "+f"(d[0]), "+f"(d[1]), "+f"(d[2]), "+f"(d[3])::"memory")
