// Gradients of a scaled loss, brought back in place, and whether one of them is not finite: then the loss was scaled too much.
//
//   g = g · inverse;  overflow = 1 if any g is infinite or NaN
//
//   layout    any shape, n elements; overflow is one int, 0 before the first launch
//   defines   see elementwise.cuh
//   launch    see elementwise.cuh
//   bytes     8n
//   FLOPs     n
//   limit     memory
#include "prelude/elementwise.cuh"

extern "C" __global__ void __launch_bounds__(THREADS)
unscale(float* __restrict__ g,  // [n], in place
        int n,
        int* overflow,          // [1]
        float inverse) {
    bool finite = true;
    for_each_vector(n, [&](int i, int valid) {
        const vec<VEC> scaled = map<VEC>([&](float v) { return v * inverse; }, load_partial<VEC>(g + i, valid, 0.0f));
        // Times zero, a number is zero; an infinity or a NaN is NaN.
        const vec<VEC> zeros = map<VEC>([](float v) { return v * 0.0f; }, scaled);
        UNROLL for (int v = 0; v < VEC; ++v) finite = finite && zeros[v] == 0.0f;
        store_partial<VEC>(g + i, scaled, valid);
    });
    if (!finite) atomicExch(overflow, 1);  // whoever comes last: all write the same
}
