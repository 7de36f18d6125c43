// What the memory can do: the ceiling for kernels that move bytes.
//
//   ceiling_copy:     y = x
//   ceiling_scale:    x = factor · x, in place: a CPU fetches the lines that it writes to, for which only a copy pays
//
//   layout    any shape, n elements; larger than every cache, or it is the cache that is measured
//   defines   see elementwise.cuh
//   launch    see elementwise.cuh
//   bytes     8n
//   FLOPs     n at the most
//   limit     memory: that is what it measures
#include "prelude/elementwise.cuh"

extern "C" __global__ void __launch_bounds__(THREADS)
ceiling_copy(float* __restrict__ y,        // [n]
           const float* __restrict__ x,  // [n]
           int n) {
    for_each_vector(n, [&](int i, int valid) {
        store_partial<VEC>(y + i, load_partial<VEC>(x + i, valid, 0.0f), valid);
    });
}

extern "C" __global__ void __launch_bounds__(THREADS)
ceiling_scale(float* __restrict__ x,  // [n]
            int n, float factor) {
    for_each_vector(n, [&](int i, int valid) {
        const vec<VEC> value = load_partial<VEC>(x + i, valid, 0.0f);
        store_partial<VEC>(x + i, map<VEC>([=](float v) { return factor * v; }, value), valid);
    });
}
