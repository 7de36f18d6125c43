// Layer-wise relevance propagation, what its rules compute between a layer's products: one pass each with vector accesses.
//
//   slopes    y = above · x where x > 0, below · x elsewhere: positive and negative parts, and sums with multiples of them
//   shares    s = factor · r / (z + ε · sign z), where the sign of 0 is +1; 0 where `side` · gate <= 0, if there is a gate
//   product   y = a · b, plus c if there is one
//   fold      y = w · weight / √(var + ε), the last two a number for each row of w
//
//   layout    any shape, n elements; of the last one rows of `depth`
//   defines   see elementwise.cuh
//   launch    see elementwise.cuh
//   bytes     slopes 8n, shares 12n (16n with a gate), product 12n (16n with c), fold 8n
//   FLOPs     slopes n, shares 3n, product n (2n with c), fold 4n
//   limit     memory
//   source    Bach et al., "On Pixel-Wise Explanations for Non-Linear Classifier Decisions by Layer-Wise Relevance Propagation",
//             2015; Montavon et al., "Layer-Wise Relevance Propagation: An Overview", 2019
#include "prelude/elementwise.cuh"

extern "C" __global__ void __launch_bounds__(THREADS)
relevance_forward_slopes(float* __restrict__ y,        // [n]
                         const float* __restrict__ x,  // [n]
                         int n, float above, float below) {
    for_each_vector(n, [&](int i, int valid) {
        vec<VEC> in = load_partial<VEC>(x + i, valid, 0.0f);
        store_partial<VEC>(y + i, map<VEC>([=](float v) { return v > 0.0f ? above * v : below * v; }, in), valid);
    });
}

extern "C" __global__ void __launch_bounds__(THREADS)
relevance_forward_shares(float* __restrict__ s,           // [n]
                         const float* __restrict__ r,     // [n]
                         const float* __restrict__ z,     // [n]
                         const float* __restrict__ gate,  // [n], or null
                         int n, float side, float factor, float epsilon) {
    for_each_vector(n, [&](int i, int valid) {
        vec<VEC> relevance = load_partial<VEC>(r + i, valid, 0.0f);
        vec<VEC> sum = load_partial<VEC>(z + i, valid, 1.0f);
        auto share = [=](float v, float d) { return factor * v / (d < 0.0f ? d - epsilon : d + epsilon); };
        vec<VEC> out = map<VEC>(share, relevance, sum);
        if (gate) {
            vec<VEC> of = load_partial<VEC>(gate + i, valid, 0.0f);
            out = map<VEC>([=](float v, float g) { return side * g <= 0.0f ? 0.0f : v; }, out, of);
        }
        store_partial<VEC>(s + i, out, valid);
    });
}

extern "C" __global__ void __launch_bounds__(THREADS)
relevance_forward_product(float* __restrict__ y,        // [n]
                          const float* __restrict__ a,  // [n]
                          const float* __restrict__ b,  // [n]
                          const float* __restrict__ c,  // [n], or null
                          int n) {
    for_each_vector(n, [&](int i, int valid) {
        vec<VEC> left = load_partial<VEC>(a + i, valid, 0.0f);
        vec<VEC> right = load_partial<VEC>(b + i, valid, 0.0f);
        vec<VEC> sum = c ? load_partial<VEC>(c + i, valid, 0.0f) : splat<VEC>(0.0f);
        store_partial<VEC>(y + i, map<VEC>([](float u, float v, float w) { return fmaf(u, v, w); }, left, right, sum), valid);
    });
}

extern "C" __global__ void __launch_bounds__(THREADS)
relevance_forward_fold(float* __restrict__ y,             // [n / depth, depth]
                       const float* __restrict__ w,       // [n / depth, depth]
                       const float* __restrict__ weight,  // [n / depth]
                       const float* __restrict__ var,     // [n / depth]
                       int n, int depth, float epsilon) {
    for_each_vector(n, [&](int i, int valid) {
        vec<VEC> in = load_partial<VEC>(w + i, valid, 0.0f);
        float* of = elements<VEC>(in);
        for (int k = 0; k < valid; ++k) {
            const int row = (i + k) / depth;
            of[k] *= weight[row] / sqrtf(var[row] + epsilon);
        }
        store_partial<VEC>(y + i, in, valid);
    });
}
