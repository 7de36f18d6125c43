// Rectified linear unit: one pass with vector accesses.
//
//   forward   y = max(x, 0)           (a NaN stays a NaN)
//   backward  dx = 0 where y <= 0, else dy   (a NaN passes its gradient)
//
//   layout    any shape, n elements
//   defines   see elementwise.cuh
//   launch    see elementwise.cuh
//   bytes     forward 8n, backward 12n
//   FLOPs     n
//   limit     memory
#include "prelude/elementwise.cuh"

extern "C" __global__ void __launch_bounds__(THREADS)
relu_forward(element* __restrict__ y,        // [n]
             const element* __restrict__ x,  // [n]
             int n) {
    for_each_vector(n, [&](int i, int valid) {
        vec<VEC> in = load_partial<VEC>(x + i, valid, 0.0f);
        // Written this way round because every comparison with NaN is false: NaN passes, as in PyTorch.
        store_partial<VEC>(y + i, map<VEC>([](float v) { return v < 0.0f ? 0.0f : v; }, in), valid);
    });
}

// The output tells where the input was positive, so the input need not be kept.
extern "C" __global__ void __launch_bounds__(THREADS)
relu_backward(element* __restrict__ dx,        // [n]
              const element* __restrict__ dy,  // [n]
              const element* __restrict__ y,   // [n]
              int n) {
    for_each_vector(n, [&](int i, int valid) {
        vec<VEC> upstream = load_partial<VEC>(dy + i, valid, 0.0f);
        vec<VEC> out = load_partial<VEC>(y + i, valid, 0.0f);
        // Likewise: what comes of a NaN must not look like a gradient of 0.
        auto gate = [](float g, float v) { return v <= 0.0f ? 0.0f : g; };
        store_partial<VEC>(dx + i, map<VEC>(gate, upstream, out), valid);
    });
}
