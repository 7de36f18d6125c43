// Gaussian error linear unit, exact: one pass with vector accesses.
//
//   forward   y = x · Φ(x)                    where Φ(x) = (1 + erf(x / √2)) / 2
//   backward  dx = dy · (Φ(x) + x · φ(x))     where φ(x) = exp(−x² / 2) / √(2π)
//
// A NaN stays a NaN in both.
//
//   layout    any shape, n elements
//   defines   see elementwise.cuh
//   launch    see elementwise.cuh
//   bytes     forward 8n, backward 12n
//   FLOPs     forward 4n, backward 8n, and n calls of erf, backward n of exp
//   limit     memory
//   source    Hendrycks and Gimpel, "Gaussian Error Linear Units", 2016, arXiv:1606.08415
#include "prelude/elementwise.cuh"

// Φ(x)
__device__ __forceinline__ float below(float x) { return 0.5f * (1.0f + erff(x * 0.70710678f)); }

extern "C" __global__ void __launch_bounds__(THREADS)
gelu_forward(element* __restrict__ y,        // [n]
             const element* __restrict__ x,  // [n]
             int n) {
    for_each_vector(n, [&](int i, int valid) {
        vec<VEC> in = load_partial<VEC>(x + i, valid, 0.0f);
        store_partial<VEC>(y + i, map<VEC>([](float v) { return v * below(v); }, in), valid);
    });
}

extern "C" __global__ void __launch_bounds__(THREADS)
gelu_backward(element* __restrict__ dx,        // [n]
              const element* __restrict__ dy,  // [n]
              const element* __restrict__ x,   // [n]
              int n) {
    for_each_vector(n, [&](int i, int valid) {
        vec<VEC> upstream = load_partial<VEC>(dy + i, valid, 0.0f);
        vec<VEC> in = load_partial<VEC>(x + i, valid, 0.0f);
        auto chain = [](float g, float v) { return g * (below(v) + v * (0.39894228f * expf(-0.5f * v * v))); };
        store_partial<VEC>(dx + i, map<VEC>(chain, upstream, in), valid);
    });
}
