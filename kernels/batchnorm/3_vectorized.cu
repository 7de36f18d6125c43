// Batch normalization, rung 3: vector accesses, one pass for the statistics, one for the result.
//
//   forward    mean, var over the rows of each channel; x̂ = (x − mean) · rstd, rstd = 1 / √(var + eps)
//              y = weight · x̂ + bias;  running = (1 − momentum) · running + momentum · batch
//   backward   dbias = Σ dy, dweight = Σ dy · x̂;  dx = weight · rstd · (dy − dbias / rows − x̂ · dweight / rows)
//
// Rung 1 reads x once for the mean and again for the squared deviations, rung 2 is Welford's recurrence, with a division
// per element. Here groups of rows are merged (moments.cuh), a division per group, and every access moves a vector.
//
//   layout    x [rows, channels], NHWC: a row per pixel of the batch
//   launch    see columns.cuh; the statistics kernel runs as one slab over the slabs of the partial kernel
//   bytes     forward 12, backward 20 per element; FLOPs forward 7, backward 10
#include "prelude/moments.cuh"

extern "C" __global__ void __launch_bounds__(THREADS)
batchnorm_forward_partial(float* __restrict__ mean,     // [slabs, channels]
                          float* __restrict__ m2,       // [slabs, channels]
                          const float* __restrict__ x,  // [rows, channels]
                          int rows, int channels, int slab, int width) {
    const Columns columns(rows, channels, slab, width);
    const Moments none = {splat<VEC>(0.0f), splat<VEC>(0.0f), 0};
    Moments all[STRIPS] = {none};
    columns.for_each_strip([&](int strip, int) { all[strip] = none; });
    columns.for_each_group([&](auto group, int i, int strip, int channel) {
        constexpr int R = decltype(group)::ROWS_OF_GROUP;
        vec<VEC> row[R];
        UNROLL for (int j = 0; j < R; ++j) row[j] = columns.load_row(x, i + j * columns.step, channel);
        all[strip] = merge(all[strip], moments_of(row));
    });
    fold_columns(columns, all, merge);
    if (columns.lane > 0) return;
    const size_t slab_row = (size_t)blockIdx.y * channels;
    columns.for_each_strip([&](int strip, int channel) {
        columns.store_channels(mean + slab_row, channel, all[strip].mean);
        columns.store_channels(m2 + slab_row, channel, all[strip].m2);
    });
}

// Merges the slabs. Here the matrix is [slabs, channels], and all of it one slab: `columns` walks over slabs.
extern "C" __global__ void __launch_bounds__(THREADS)
batchnorm_forward_statistics(float* __restrict__ mean,                // [channels]
                             float* __restrict__ rstd,                // [channels]
                             float* __restrict__ running_mean,        // [channels], updated in place
                             float* __restrict__ running_var,         // [channels], updated in place
                             const float* __restrict__ partial_mean,  // [slabs, channels]
                             const float* __restrict__ partial_m2,    // [slabs, channels]
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
            all[strip] = merge(all[strip], {columns.load_row(partial_mean, at, channel),
                                            columns.load_row(partial_m2, at, channel), count});
        }
    });
    fold_columns(columns, all, merge);
    if (columns.lane > 0) return;
    columns.for_each_strip([&](int strip, int channel) {
        // The batch is normalized with its own (biased) variance; the running one estimates the population's.
        const float biased = 1.0f / (float)rows, unbiased = 1.0f / (float)(rows - 1);
        const auto to_rstd = [=](float m2) { return 1.0f / sqrtf(m2 * biased + eps); };
        columns.store_channels(mean, channel, all[strip].mean);
        columns.store_channels(rstd, channel, map<VEC>(to_rstd, all[strip].m2));
        const auto blend = [=](float old, float now) { return (1.0f - momentum) * old + momentum * now; };
        const vec<VEC> var = map<VEC>([=](float m2) { return m2 * unbiased; }, all[strip].m2);
        const vec<VEC> old_mean = columns.load_channels(running_mean, channel);
        const vec<VEC> old_var = columns.load_channels(running_var, channel);
        columns.store_channels(running_mean, channel, map<VEC>(blend, old_mean, all[strip].mean));
        columns.store_channels(running_var, channel, map<VEC>(blend, old_var, var));
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

// y = (x − mean) · rstd · weight + bias. Without mean and bias (null) it is also the gradient of inference, dx from dy.
extern "C" __global__ void __launch_bounds__(THREADS)
batchnorm_forward_normalize(float* __restrict__ y,             // [rows, channels]
                            const float* __restrict__ x,       // [rows, channels]
                            const float* __restrict__ mean,    // [channels], or null
                            const float* __restrict__ rstd,    // [channels]
                            const float* __restrict__ weight,  // [channels]
                            const float* __restrict__ bias,    // [channels], or null
                            int rows, int channels, int slab, int width) {
    const Columns columns(rows, channels, slab, width);
    columns.for_each_group([&](auto group, int i, int, int channel) {
        const vec<VEC> zero = splat<VEC>(0.0f);
        const vec<VEC> center = mean ? columns.load_channels(mean, channel) : zero;
        const vec<VEC> shift = bias ? columns.load_channels(bias, channel) : zero;
        const vec<VEC> scale = map<VEC>([](float r, float w) { return r * w; }, columns.load_channels(rstd, channel),
                                        columns.load_channels(weight, channel));
        constexpr int R = decltype(group)::ROWS_OF_GROUP;
        vec<VEC> row[R];  // all loads before the first store, so that they are in flight together
        UNROLL for (int j = 0; j < R; ++j) row[j] = columns.load_row(x, i + j * columns.step, channel);
        // Subtracting first keeps what a large mean leaves of x; x · scale + (bias − mean · scale) would lose it.
        const auto normalize = [](float v, float c, float s, float b) { return (v - c) * s + b; };
        UNROLL for (int j = 0; j < R; ++j) {
            columns.store_row(y, i + j * columns.step, channel, map<VEC>(normalize, row[j], center, scale, shift));
        }
    });
}

// What a slab adds to the gradients of bias and weight; column sums (reduce) finish them.
struct Sums {
    vec<VEC> dy, dy_x;  // Σ dy, Σ dy · (x − mean)
};

extern "C" __global__ void __launch_bounds__(THREADS)
batchnorm_backward_partial(float* __restrict__ dbias,       // [slabs, channels]
                           float* __restrict__ dweight,     // [slabs, channels]
                           const float* __restrict__ dy,    // [rows, channels]
                           const float* __restrict__ x,     // [rows, channels]
                           const float* __restrict__ mean,  // [channels]
                           const float* __restrict__ rstd,  // [channels]
                           int rows, int channels, int slab, int width) {
    const Columns columns(rows, channels, slab, width);
    const auto plus = [](Sums a, Sums b) {
        return Sums{multiply_add<VEC>(1.0f, a.dy, b.dy), multiply_add<VEC>(1.0f, a.dy_x, b.dy_x)};
    };
    const Sums none = {splat<VEC>(0.0f), splat<VEC>(0.0f)};
    Sums all[STRIPS];
    columns.for_each_strip([&](int strip, int) { all[strip] = none; });
    columns.for_each_group([&](auto group, int i, int strip, int channel) {
        constexpr int R = decltype(group)::ROWS_OF_GROUP;
        const vec<VEC> center = columns.load_channels(mean, channel);
        vec<VEC> upstream[R], product[R];
        UNROLL for (int j = 0; j < R; ++j) {
            upstream[j] = columns.load_row(dy, i + j * columns.step, channel);
            product[j] = columns.load_row(x, i + j * columns.step, channel);
        }
        const auto times_centered = [](float g, float v, float c) { return g * (v - c); };
        UNROLL for (int j = 0; j < R; ++j) product[j] = map<VEC>(times_centered, upstream[j], product[j], center);
        all[strip] = plus(all[strip], {add_up(upstream), add_up(product)});
    });
    fold_columns(columns, all, plus);
    if (columns.lane > 0) return;
    const size_t slab_row = (size_t)blockIdx.y * channels;
    columns.for_each_strip([&](int strip, int channel) {
        // rstd is the same in all terms of Σ dy · x̂: once at the end will do.
        const auto times = [](float a, float b) { return a * b; };
        columns.store_channels(dbias + slab_row, channel, all[strip].dy);
        columns.store_channels(dweight + slab_row, channel,
                               map<VEC>(times, all[strip].dy_x, columns.load_channels(rstd, channel)));
    });
}

extern "C" __global__ void __launch_bounds__(THREADS)
batchnorm_backward_input(float* __restrict__ dx,             // [rows, channels]
                         const float* __restrict__ dy,       // [rows, channels]
                         const float* __restrict__ x,        // [rows, channels]
                         const float* __restrict__ mean,     // [channels]
                         const float* __restrict__ rstd,     // [channels]
                         const float* __restrict__ weight,   // [channels]
                         const float* __restrict__ dbias,    // [channels]
                         const float* __restrict__ dweight,  // [channels]
                         int rows, int channels, int slab, int width) {
    const Columns columns(rows, channels, slab, width);
    const float share = 1.0f / (float)rows;
    columns.for_each_group([&](auto group, int i, int, int channel) {
        // All that does not depend on the row: dx = scale · (dy − level − (x − mean) · slope).
        const vec<VEC> center = columns.load_channels(mean, channel), r = columns.load_channels(rstd, channel);
        const vec<VEC> scale = map<VEC>([](float a, float b) { return a * b; }, r, columns.load_channels(weight, channel));
        const vec<VEC> level = map<VEC>([=](float s) { return s * share; }, columns.load_channels(dbias, channel));
        const vec<VEC> slope =
            map<VEC>([=](float s, float a) { return s * share * a; }, columns.load_channels(dweight, channel), r);
        constexpr int R = decltype(group)::ROWS_OF_GROUP;
        vec<VEC> upstream[R], row[R];
        UNROLL for (int j = 0; j < R; ++j) {
            upstream[j] = columns.load_row(dy, i + j * columns.step, channel);
            row[j] = columns.load_row(x, i + j * columns.step, channel);
        }
        const auto gradient = [](float g, float v, float c, float s, float l, float k) { return s * (g - l - (v - c) * k); };
        UNROLL for (int j = 0; j < R; ++j) {
            columns.store_row(dx, i + j * columns.step, channel,
                              map<VEC>(gradient, upstream[j], row[j], center, scale, level, slope));
        }
    });
}
