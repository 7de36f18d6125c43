// Batch normalization, rung 4: groups of rows in registers, and vector accesses.
//
//   forward    sum, m2 of each slab of rows, then of all; y = weight · x̂ + bias
//   backward   dbias = Σ dy, dweight = Σ dy · x̂ of each slab, then of all (reduce); dx
//
// In rung 3 a thread loads one float, divides, and goes on to the next. Here it takes a group of 8 rows at once: the loads are
// under way together, the mean of the group is known before its deviations are taken, and Chan's formula joins it to what was
// there (moments.cuh): a division per group instead of one per element, and no element waits for another's. Every access moves
// a vector of channels: a quarter of the requests.
//
//   layout    x [rows, channels], NHWC: a row per pixel of the batch
//   defines   see columns.cuh
//   launch    see columns.cuh; the statistics kernel runs as one slab over the slabs of the partial kernel
//   bytes     forward 12, backward 20 an element
//   FLOPs     forward 9, backward 10
//   limit     memory
//   measures  requests: a quarter of rung 3's; divisions: one for 8 rows
#include "prelude/moments.cuh"
#include "prelude/normalize.cuh"

extern "C" __global__ void __launch_bounds__(THREADS)
batchnorm_forward_partial(float* __restrict__ sum,        // [slabs, channels], Σ (x − origin)
                          float* __restrict__ m2,         // [slabs, channels]
                          const element* __restrict__ x,  // [rows, channels]
                          int rows, int channels, int slab, int width) {
    const Columns columns(rows, channels, slab, width);
    const Moments none = {splat<VEC>(0.0f), splat<VEC>(0.0f), 0};
    Moments all[STRIPS] = {none};
    vec<VEC> from[STRIPS];
    columns.for_each_strip([&](int strip, int channel) {
        all[strip] = none;
        from[strip] = origins(columns, x, channel);
    });
    columns.for_each_group([&](auto group, int i, int strip, int channel) {
        constexpr int R = decltype(group)::ROWS_OF_GROUP;
        vec<VEC> row[R];
        UNROLL for (int j = 0; j < R; ++j) row[j] = columns.load_row(x, i + j * columns.step, channel);
        UNROLL for (int j = 0; j < R; ++j) row[j] = multiply_add<VEC>(-1.0f, from[strip], row[j]);
        all[strip] = merge(all[strip], moments_of(row));
    });
    fold_columns(columns, all, merge);
    if (columns.lane > 0) return;
    const size_t slab_row = (size_t)blockIdx.y * channels;
    columns.for_each_strip([&](int strip, int channel) {
        columns.store_channels(sum + slab_row, channel, all[strip].sum);
        columns.store_channels(m2 + slab_row, channel, all[strip].m2);
    });
}

// Merges the slabs. Here the matrix is [slabs, channels], and all of it one slab: `columns` walks over slabs.
extern "C" __global__ void __launch_bounds__(THREADS)
batchnorm_forward_statistics(float* __restrict__ mean,               // [channels]
                             float* __restrict__ rstd,               // [channels]
                             float* __restrict__ running_mean,       // [channels], updated in place
                             float* __restrict__ running_var,        // [channels], updated in place
                             const float* __restrict__ partial_sum,  // [slabs, channels]
                             const float* __restrict__ partial_m2,   // [slabs, channels]
                             const element* __restrict__ x,          // [rows, channels], of which two are read
                             int slabs, int channels, int all_slabs, int width,
                             int rows, int slab, float momentum, float eps) {
    const Columns columns(slabs, channels, all_slabs, width);
    const Moments none = {splat<VEC>(0.0f), splat<VEC>(0.0f), 0};
    Moments all[STRIPS] = {none};
    columns.for_each_strip([&](int strip, int) { all[strip] = none; });
    columns.for_each_group([&](auto group, int i, int strip, int channel) {
        UNROLL for (int j = 0; j < decltype(group)::ROWS_OF_GROUP; ++j) {
            const int at = i + j * columns.step;
            const int count = min(slab, rows - at * slab);  // the last slab may be short
            all[strip] = merge(all[strip], {columns.load_row(partial_sum, at, channel),
                                            columns.load_row(partial_m2, at, channel), count});
        }
    });
    fold_columns(columns, all, merge);
    if (columns.lane > 0) return;
    columns.for_each_strip([&](int strip, int channel) {
        const auto to_rstd = [=](float m2) { return batch_rstd(m2, rows, eps); };
        const auto to_var = [=](float m2) { return unbiased(m2, rows); };
        const auto move = [=](float running, float batch) { return blend(running, batch, momentum); };
        const auto to_mean = [=](float from, float sum) { return from + sum / (float)rows; };
        const vec<VEC> center = map<VEC>(to_mean, origins(columns, x, channel), all[strip].sum);
        columns.store_channels(mean, channel, center);
        columns.store_channels(rstd, channel, map<VEC>(to_rstd, all[strip].m2));
        const vec<VEC> old_mean = columns.load_channels(running_mean, channel);
        const vec<VEC> old_var = columns.load_channels(running_var, channel);
        columns.store_channels(running_mean, channel, map<VEC>(move, old_mean, center));
        columns.store_channels(running_var, channel, map<VEC>(move, old_var, map<VEC>(to_var, all[strip].m2)));
    });
}

// Inference: rstd from the running variance. One slab of one row.
extern "C" __global__ void __launch_bounds__(THREADS)
batchnorm_forward_rstd(float* __restrict__ rstd,       // [channels]
                       const float* __restrict__ var,  // [channels]
                       int rows, int channels, int slab, int width, float eps) {
    const Columns columns(rows, channels, slab, width);
    columns.for_each_group([&](auto, int i, int, int channel) {
        const auto to_rstd = [=](float v) { return 1.0f / sqrtf(v + eps); };
        columns.store_row(rstd, i, channel, map<VEC>(to_rstd, columns.load_row(var, i, channel)));
    });
}

// Without mean and bias (null) it is also the gradient of inference, dx from dy.
extern "C" __global__ void __launch_bounds__(THREADS)
batchnorm_forward_normalize(element* __restrict__ y,           // [rows, channels]
                            const element* __restrict__ x,     // [rows, channels]
                            const float* __restrict__ mean,    // [channels], or null
                            const float* __restrict__ rstd,    // [channels]
                            const float* __restrict__ weight,  // [channels]
                            const float* __restrict__ bias,    // [channels], or null
                            int rows, int channels, int slab, int width) {
    const Columns columns(rows, channels, slab, width);
    normalize<Epilogue::NOTHING>(columns, y, x, nullptr, mean, rstd, weight, bias);
}

extern "C" __global__ void __launch_bounds__(THREADS)
batchnorm_backward_partial(float* __restrict__ dbias,       // [slabs, channels]
                           float* __restrict__ dweight,     // [slabs, channels]
                           const element* __restrict__ dy,  // [rows, channels]
                           const element* __restrict__ x,   // [rows, channels]
                           const float* __restrict__ mean,  // [channels]
                           const float* __restrict__ rstd,  // [channels]
                           int rows, int channels, int slab, int width) {
    const Columns columns(rows, channels, slab, width);
    gradient_sums<Epilogue::NOTHING>(columns, dbias, dweight, nullptr, dy, nullptr, x, mean, rstd, nullptr, nullptr);
}

extern "C" __global__ void __launch_bounds__(THREADS)
batchnorm_backward_input(element* __restrict__ dx,           // [rows, channels]
                         const element* __restrict__ dy,     // [rows, channels]
                         const element* __restrict__ x,      // [rows, channels]
                         const float* __restrict__ mean,     // [channels]
                         const float* __restrict__ rstd,     // [channels]
                         const float* __restrict__ weight,   // [channels]
                         const float* __restrict__ dbias,    // [channels]
                         const float* __restrict__ dweight,  // [channels]
                         int rows, int channels, int slab, int width) {
    const Columns columns(rows, channels, slab, width);
    gradient<Epilogue::NOTHING>(columns, dx, dy, x, mean, rstd, weight, nullptr, dbias, dweight, rows);
}
