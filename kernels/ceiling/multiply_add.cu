// What the arithmetic can do: the ceiling for kernels that compute.
//
//   y[i] = x[i], then `passes` · ROUNDS times y[i] = y[i] / 2 + 1, which goes to 2
//
// One chain waits for its own last result at every step; with as many chains as the unit has steps in flight, it never
// idles.
//
//   layout    n elements, of which every thread takes CHAINS vectors
//   defines   VEC (floats per vector), CHAINS (vectors per thread), ROUNDS (unrolled, so that the loop costs next to
//             nothing), THREADS
//   launch    grid n / (THREADS · CHAINS · VEC), which must be whole
//   bytes     8n
//   FLOPs     2n · passes · ROUNDS, all of them fused multiply-adds in registers
//   limit     arithmetic: that is what it measures
#include "prelude/vec.cuh"

static_assert(CHAINS >= 1 && ROUNDS >= 1 && VEC >= 1, "a thread has something to do");

extern "C" __global__ void __launch_bounds__(THREADS)
ceiling_multiply_add(float* __restrict__ y,        // [n]
                   const float* __restrict__ x,  // [n]
                   int passes) {
    const int first = (blockIdx.x * THREADS + threadIdx.x) * (CHAINS * VEC);
    vec<VEC> chain[CHAINS];
    UNROLL for (int i = 0; i < CHAINS; ++i) chain[i] = load<VEC>(x + first + i * VEC);
    const vec<VEC> one = splat<VEC>(1.0f);
    for (int pass = 0; pass < passes; ++pass) {
        UNROLL for (int round = 0; round < ROUNDS; ++round) {
            UNROLL for (int i = 0; i < CHAINS; ++i) chain[i] = multiply_add<VEC>(0.5f, chain[i], one);
        }
    }
    UNROLL for (int i = 0; i < CHAINS; ++i) store<VEC>(y + first + i * VEC, chain[i]);
}
