// Barriers, pipelines, asynchronous copies and grids as the libraries of CUDA C++ have them.
#include <cooperative_groups.h>
#include <cooperative_groups/memcpy_async.h>
#include <cuda/barrier>
#include <cuda/pipeline>

namespace cg = cooperative_groups;

// Sums of tiles of 128 floats that a block copies two stages ahead. Block 128; out: a sum for each thread.
extern "C" __global__ void pipeline(const float *in, float *out, int tiles) {
    constexpr int STAGES = 2;
    __shared__ float stage[STAGES][128];
    __shared__ cuda::pipeline_shared_state<cuda::thread_scope_block, STAGES> state;
    auto block = cg::this_thread_block();
    auto pipeline = cuda::make_pipeline(block, &state);
    float sum = 0;
    for (int done = 0, asked = 0; done < tiles; done++) {
        for (; asked < tiles && asked < done + STAGES; asked++) {
            pipeline.producer_acquire();
            cuda::memcpy_async(block, stage[asked % STAGES], in + asked * 128, sizeof(float) * 128, pipeline);
            pipeline.producer_commit();
        }
        pipeline.consumer_wait();
        sum += stage[done % STAGES][127 - threadIdx.x];
        pipeline.consumer_release();
    }
    out[threadIdx.x] = sum;
}

// A tile by a bulk copy, a barrier that counts its bytes, and the tile doubled back. Block 64; in and out: 64 words.
extern "C" __global__ void bulk(const unsigned *in, unsigned *out) {
    __shared__ alignas(128) unsigned tile[64];
#pragma nv_diag_suppress static_var_with_dynamic_init
    __shared__ cuda::barrier<cuda::thread_scope_block> barrier;
    if (threadIdx.x == 0) {
        init(&barrier, blockDim.x);
        cuda::device::experimental::fence_proxy_async_shared_cta();
    }
    __syncthreads();
    cuda::barrier<cuda::thread_scope_block>::arrival_token token;
    if (threadIdx.x == 0) {
        cuda::device::experimental::cp_async_bulk_global_to_shared(tile, in, sizeof(tile), barrier);
        token = cuda::device::barrier_arrive_tx(barrier, 1, sizeof(tile));
    } else {
        token = barrier.arrive();
    }
    barrier.wait(std::move(token));
    tile[threadIdx.x] *= 2;
    cuda::device::experimental::fence_proxy_async_shared_cta();
    __syncthreads();
    if (threadIdx.x == 0) {
        cuda::device::experimental::cp_async_bulk_shared_to_global(out, tile, sizeof(tile));
        cuda::device::experimental::cp_async_bulk_commit_group();
        cuda::device::experimental::cp_async_bulk_wait_group_read<0>();
    }
}

// A block copies together and waits. Block 64; in and out: 64 words.
extern "C" __global__ void together(const unsigned *in, unsigned *out) {
    __shared__ alignas(16) unsigned tile[64];
    auto block = cg::this_thread_block();
    cg::memcpy_async(block, tile, in, sizeof(tile));
    cg::wait(block);
    auto half = cg::tiled_partition<16>(block);
    unsigned sum = tile[63 - threadIdx.x];
    for (int by = half.size() / 2; by > 0; by /= 2) sum += half.shfl_xor(sum, by);
    out[threadIdx.x] = sum;
}

// All blocks of a grid meet between rounds in which each reads its neighbour's word.
extern "C" __global__ void rounds(unsigned *words, int count) {
    cg::grid_group grid = cg::this_grid();
    for (int i = 0; i < count; i++) {
        unsigned next = 0;
        if (threadIdx.x == 0) next = words[(blockIdx.x + 1) % gridDim.x] + 1;
        grid.sync();
        if (threadIdx.x == 0) words[blockIdx.x] = next;
        grid.sync();
    }
}
