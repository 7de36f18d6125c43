// Sums, rung 3: vector accesses, several in flight, then a tree over registers.
//
//   sum        y = scale · Σ x                 backward  dx = scale · dy
//   sum_rows   y[c] = Σ_r x[r, c]              backward  dx[r, c] = dy[c]
//
// No atomics: each block writes the sum of its part, and a second launch of the same kernel, with one block (one slab),
// sums those. The order of additions depends on the sizes alone, so results repeat to the last bit. A thread adds up
// several independent sums, which are joined at the end: short chains hide the latency of the addition, and rounding
// errors grow more slowly than along one long chain. Over rung 2 an access moves a vector, and lanes hand their sums to
// each other by shuffles: two barriers instead of eight. The quantity: global load requests per float.
//
//   layout    x [n], or [rows, channels] with a row for every pixel
//   defines   see columns.cuh
//   launch    sum: ⌈n / span⌉ blocks, span a multiple of VEC; sum_rows: see columns.cuh
//   bytes     forward 4n, backward 4n
//   FLOPs     n
//   limit     memory
//   measures  requests of global loads: a quarter of rung 2's
#include "prelude/columns.cuh"
#include "prelude/reduce.cuh"

extern "C" __global__ void __launch_bounds__(THREADS)
sum_forward(result* __restrict__ y,         // [blocks]
            const element* __restrict__ x,  // [n]
            int n, int span, float scale) {
    const int first = blockIdx.x * span;
    const int count = min(span, n - first);
    constexpr int STEP = THREADS * VEC;  // neighbouring threads take neighbouring vectors
    vec<VEC> part[ROWS];
    UNROLL for (int j = 0; j < ROWS; ++j) part[j] = splat<VEC>(0.0f);
    for (int i = threadIdx.x * VEC; i < count; i += ROWS * STEP) {
        UNROLL for (int j = 0; j < ROWS; ++j) {
            // What lies behind the end reads as zero.
            vec<VEC> in = load_partial<VEC>(x + first + i + j * STEP, count - i - j * STEP, 0.0f);
            part[j] = multiply_add<VEC>(1.0f, in, part[j]);
        }
    }
    const vec<VEC> joined = add_up(part);
    float sum = 0.0f;
    UNROLL for (int v = 0; v < VEC; ++v) sum += joined[v];
    sum = block_sum(sum);
    if (threadIdx.x == 0) y[blockIdx.x] = scale * sum;
}

extern "C" __global__ void __launch_bounds__(THREADS)
sum_backward(element* __restrict__ dx,        // [n]
             const element* __restrict__ dy,  // [1]
             int n, int span, float scale) {
    const int first = blockIdx.x * span;
    const int count = min(span, n - first);
    const vec<VEC> value = splat<VEC>(scale * dy[0]);
    for (int i = threadIdx.x * VEC; i < count; i += THREADS * VEC) {
        store_partial<VEC>(dx + first + i, value, count - i);
    }
}

extern "C" __global__ void __launch_bounds__(THREADS)
sum_rows_forward(result* __restrict__ y,         // [slabs, channels]
                 const element* __restrict__ x,  // [rows, channels]
                 int rows, int channels, int slab, int width) {
    const Columns columns(rows, channels, slab, width);
    vec<VEC> sum[STRIPS];
    for (int strip = 0; strip < STRIPS; ++strip) sum[strip] = splat<VEC>(0.0f);
    columns.for_each_group([&](auto group, int i, int strip, int channel) {
        constexpr int R = decltype(group)::ROWS_OF_GROUP;
        vec<VEC> part[R];
        UNROLL for (int j = 0; j < R; ++j) part[j] = columns.load_row(x, i + j * columns.step, channel);
        sum[strip] = multiply_add<VEC>(1.0f, add_up(part), sum[strip]);
    });
    fold_columns(columns, sum, [](vec<VEC> a, vec<VEC> b) { return multiply_add<VEC>(1.0f, a, b); });
    if (columns.lane == 0) {
        result* row = y + (size_t)blockIdx.y * channels;  // one row of y for each slab
        columns.for_each_strip([&](int strip, int channel) { columns.store_channels(row, channel, sum[strip]); });
    }
}

extern "C" __global__ void __launch_bounds__(THREADS)
sum_rows_backward(element* __restrict__ dx,        // [rows, channels]
                  const element* __restrict__ dy,  // [channels]
                  int rows, int channels, int slab, int width) {
    const Columns columns(rows, channels, slab, width);
    columns.for_each_group([&](auto group, int i, int, int channel) {
        const vec<VEC> value = columns.load_channels(dy, channel);
        UNROLL for (int j = 0; j < decltype(group)::ROWS_OF_GROUP; ++j) {
            columns.store_row(dx, i + j * columns.step, channel, value);
        }
    });
}
