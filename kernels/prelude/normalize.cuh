// The passes of batch normalization over whole matrices, by vectors along columns.cuh's walk; and, by EPILOGUE, what is done to a
// normalized value before it is stored. Rungs 4, 5 and 6 are these with another EPILOGUE: the arithmetic and the order of all
// additions are the same, so a fused pass gives the bits that separate passes give.
//
//   defines   see columns.cuh
#pragma once
#include "prelude/batchnorm.cuh"
#include "prelude/columns.cuh"

enum class Epilogue {
    NOTHING,
    RELU,      // y = max(value, 0)
    RESIDUAL,  // y = max(value + other, 0)
};

// The formulas, for vectors.
__device__ __forceinline__ vec<VEC> normalized(vec<VEC> x, vec<VEC> mean, vec<VEC> scale, vec<VEC> bias) {
    return map<VEC>([](float v, float m, float s, float b) { return normalized(v, m, s, b); }, x, mean, scale, bias);
}
__device__ __forceinline__ vec<VEC> positive(vec<VEC> value) {
    return map<VEC>([](float v) { return positive(v); }, value);
}
__device__ __forceinline__ vec<VEC> gate(vec<VEC> gradient, vec<VEC> y) {
    return map<VEC>([](float g, float v) { return gate(g, v); }, gradient, y);
}
__device__ __forceinline__ vec<VEC> input_gradient(vec<VEC> dy, vec<VEC> x, vec<VEC> mean, vec<VEC> scale, vec<VEC> level,
                                                   vec<VEC> slope) {
    const auto one = [](float g, float v, float m, float s, float l, float k) { return input_gradient(g, v, m, s, l, k); };
    return map<VEC>(one, dy, x, mean, scale, level, slope);
}

// rstd · weight of a vector of channels.
__device__ __forceinline__ vec<VEC> scale_of(const Columns& columns, const float* rstd, const float* weight, int channel) {
    return map<VEC>([](float r, float w) { return r * w; }, columns.load_channels(rstd, channel),
                    columns.load_channels(weight, channel));
}

// y = epilogue((x − mean) · rstd · weight + bias, other). Without mean and bias (null) it is also the gradient of inference, dx
// from dy.
template <Epilogue EPILOGUE>
__device__ __forceinline__ void normalize(const Columns& columns, element* __restrict__ y, const element* __restrict__ x,
                                          const element* __restrict__ other, const float* __restrict__ mean,
                                          const float* __restrict__ rstd, const float* __restrict__ weight,
                                          const float* __restrict__ bias) {
    columns.for_each_group([&](auto group, int i, int, int channel) {
        const vec<VEC> zero = splat<VEC>(0.0f);
        const vec<VEC> center = mean ? columns.load_channels(mean, channel) : zero;
        const vec<VEC> shift = bias ? columns.load_channels(bias, channel) : zero;
        const vec<VEC> scale = scale_of(columns, rstd, weight, channel);
        constexpr int R = decltype(group)::ROWS_OF_GROUP;
        vec<VEC> row[R], added[R];  // all loads before the first store, so that they are in flight together
        UNROLL for (int j = 0; j < R; ++j) {
            row[j] = columns.load_row(x, i + j * columns.step, channel);
            if (EPILOGUE == Epilogue::RESIDUAL) added[j] = columns.load_row(other, i + j * columns.step, channel);
        }
        UNROLL for (int j = 0; j < R; ++j) {
            vec<VEC> value = normalized(row[j], center, scale, shift);
            if (EPILOGUE == Epilogue::RESIDUAL) value = map<VEC>([](float v, float a) { return v + a; }, value, added[j]);
            if (EPILOGUE != Epilogue::NOTHING) value = positive(value);
            columns.store_row(y, i + j * columns.step, channel, value);
        }
    });
}

// What a slab adds to the gradients of bias and weight; column sums (reduce) finish them.
struct Sums {
    vec<VEC> dy, dy_x;  // Σ dy, Σ dy · (x − mean)
};

// RELU computes anew whether y was positive. RESIDUAL reads y, and stores the gradient that it lets pass in `passed`: that of
// the second tensor, and what the pass for dx goes on with.
template <Epilogue EPILOGUE>
__device__ __forceinline__ void gradient_sums(const Columns& columns, float* __restrict__ dbias, float* __restrict__ dweight,
                                              element* __restrict__ passed, const element* __restrict__ dy,
                                              const element* __restrict__ y, const element* __restrict__ x,
                                              const float* __restrict__ mean, const float* __restrict__ rstd,
                                              const float* __restrict__ weight, const float* __restrict__ bias) {
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
        UNROLL for (int j = 0; j < R; ++j) upstream[j] = columns.load_row(dy, i + j * columns.step, channel);
        if (EPILOGUE == Epilogue::RESIDUAL) {
            UNROLL for (int j = 0; j < R; ++j) {
                upstream[j] = gate(upstream[j], columns.load_row(y, i + j * columns.step, channel));
            }
            UNROLL for (int j = 0; j < R; ++j) columns.store_row(passed, i + j * columns.step, channel, upstream[j]);
        }
        UNROLL for (int j = 0; j < R; ++j) product[j] = columns.load_row(x, i + j * columns.step, channel);
        if (EPILOGUE == Epilogue::RELU) {
            const vec<VEC> scale = scale_of(columns, rstd, weight, channel);
            const vec<VEC> shift = columns.load_channels(bias, channel);
            UNROLL for (int j = 0; j < R; ++j) {
                upstream[j] = gate(upstream[j], normalized(product[j], center, scale, shift));
            }
        }
        UNROLL for (int j = 0; j < R; ++j) {
            const auto times_centered = [](float g, float v, float c) { return rounded_product(g, v - c); };
            product[j] = map<VEC>(times_centered, upstream[j], product[j], center);
        }
        all[strip] = plus(all[strip], {add_up(upstream), add_up(product)});
    });
    fold_columns(columns, all, plus);
    if (columns.lane > 0) return;
    const size_t slab_row = (size_t)blockIdx.y * columns.channels;
    columns.for_each_strip([&](int strip, int channel) {
        // rstd is the same in all terms of Σ dy · x̂: once at the end will do.
        const auto times = [](float a, float b) { return a * b; };
        columns.store_channels(dbias + slab_row, channel, all[strip].dy);
        columns.store_channels(dweight + slab_row, channel,
                               map<VEC>(times, all[strip].dy_x, columns.load_channels(rstd, channel)));
    });
}

// dx from dy, which with RELU still has to pass the ReLU.
template <Epilogue EPILOGUE>
__device__ __forceinline__ void gradient(const Columns& columns, element* __restrict__ dx, const element* __restrict__ dy,
                                         const element* __restrict__ x, const float* __restrict__ mean,
                                         const float* __restrict__ rstd, const float* __restrict__ weight,
                                         const float* __restrict__ bias, const float* __restrict__ dbias,
                                         const float* __restrict__ dweight, int rows) {
    const float share = 1.0f / (float)rows;
    columns.for_each_group([&](auto group, int i, int, int channel) {
        const vec<VEC> center = columns.load_channels(mean, channel), r = columns.load_channels(rstd, channel);
        const vec<VEC> scale = scale_of(columns, rstd, weight, channel);
        const vec<VEC> shift = EPILOGUE == Epilogue::RELU ? columns.load_channels(bias, channel) : splat<VEC>(0.0f);
        const vec<VEC> level =
            map<VEC>([=](float s) { return rounded_product(s, share); }, columns.load_channels(dbias, channel));
        const vec<VEC> slope =
            map<VEC>([=](float s, float a) { return s * share * a; }, columns.load_channels(dweight, channel), r);
        constexpr int R = decltype(group)::ROWS_OF_GROUP;
        vec<VEC> upstream[R], row[R];
        UNROLL for (int j = 0; j < R; ++j) {
            upstream[j] = columns.load_row(dy, i + j * columns.step, channel);
            row[j] = columns.load_row(x, i + j * columns.step, channel);
        }
        UNROLL for (int j = 0; j < R; ++j) {
            if (EPILOGUE == Epilogue::RELU) {
                upstream[j] = gate(upstream[j], normalized(row[j], center, scale, shift));
            }
            columns.store_row(dx, i + j * columns.step, channel,
                              input_gradient(upstream[j], row[j], center, scale, level, slope));
        }
    });
}
