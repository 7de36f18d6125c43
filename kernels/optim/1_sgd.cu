// One step of stochastic gradient descent with momentum, in place: one pass with vector accesses.
//
//   d = g + λ w                    weight decay, as an addition to the gradient
//   v = μ v + d                    if there is momentum; v starts as zeros, so that the first step has v = d
//   w = w − η · (d + μ v, v or d)  Nesterov, momentum, neither
//
//   layout    any shape, n elements
//   launch    see elementwise.cuh
//   bytes     20n with momentum, 12n without; FLOPs at most 8n
#include "prelude/elementwise.cuh"

extern "C" __global__ void __launch_bounds__(THREADS)
sgd_step(float* __restrict__ w,        // [n]
         float* __restrict__ v,        // [n], or null without momentum
         const float* __restrict__ g,  // [n]
         int n, float rate, float momentum, float decay, int nesterov) {
    for_each_vector(n, [&](int i, int valid) {
        // A thread reads and writes the same elements of w and v, so working in place needs no order among threads.
        vec<VEC> weight = load_partial<VEC>(w + i, valid, 0.0f);
        vec<VEC> d = load_partial<VEC>(g + i, valid, 0.0f);
        d = multiply_add<VEC>(decay, weight, d);
        if (v) {  // the same for all threads
            vec<VEC> velocity = load_partial<VEC>(v + i, valid, 0.0f);
            velocity = multiply_add<VEC>(momentum, velocity, d);
            store_partial<VEC>(v + i, velocity, valid);
            d = nesterov ? multiply_add<VEC>(momentum, velocity, d) : velocity;
        }
        store_partial<VEC>(w + i, multiply_add<VEC>(-rate, d, weight), valid);
    });
}
