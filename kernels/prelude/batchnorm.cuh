// The formulas of batch normalization, for one element or one channel: every rung computes with these, so that rungs differ
// in what they move and in the order in which they add, and fused rungs agree with unfused ones to the last bit.
//
//   defines   none
#pragma once
#include "prelude/element.cuh"

// a · b, which no compiler makes a fused multiply-add of, with the addition that follows, in one kernel and not in another.
__device__ __forceinline__ float rounded_product(float a, float b) { return fmaf(a, b, 0.0f); }

// What statistics are taken from, told by the channel's first two values: 0, but the first where it is far from 0 and the second
// close to it. The difference of values that lie close together is exact, so a mean of a million deviations costs the variance
// no digits; where the mean is small, a detour over the first value would cost the mean some. What is not finite compares as
// false: an inf in a batch makes the mean inf, as in PyTorch, which its difference from itself would not.
__device__ __forceinline__ float origin(float first, float second) {
    return fabsf(first) > 256.0f * fabsf(first - second) ? first : 0.0f;
}

// m2 = Σ (x − mean)² over the batch, which is normalized with its own (biased) variance.
__device__ __forceinline__ float batch_rstd(float m2, int rows, float eps) {
    return 1.0f / sqrtf(m2 / (float)rows + eps);
}

// The running variance estimates the population's.
__device__ __forceinline__ float unbiased(float m2, int rows) { return m2 / (float)(rows - 1); }

__device__ __forceinline__ float blend(float running, float batch, float momentum) {
    return (1.0f - momentum) * running + momentum * batch;
}

// y = (x − mean) · scale + bias, scale = rstd · weight. Subtracting first keeps what a large mean leaves of x;
// x · scale + (bias − mean · scale) would lose it. The fused multiply-add is spelled out: a backward pass that asks whether y
// was positive computes it again, and must get the same bits.
__device__ __forceinline__ float normalized(float x, float mean, float scale, float bias) {
    return fmaf(x - mean, scale, bias);
}

// As in activation: a NaN stays a NaN, and passes its gradient.
__device__ __forceinline__ float positive(float v) { return v < 0.0f ? 0.0f : v; }
__device__ __forceinline__ float gate(float gradient, float y) { return y <= 0.0f ? 0.0f : gradient; }

// dx = scale · (dy − level − (x − mean) · slope), level = dbias / rows, slope = dweight · rstd / rows.
__device__ __forceinline__ float input_gradient(float dy, float x, float mean, float scale, float level, float slope) {
    return scale * fmaf(mean - x, slope, dy - level);
}
