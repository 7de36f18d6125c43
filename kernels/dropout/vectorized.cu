// Dropout: one pass with vector accesses, the mask made on the fly.
//
//   forward   y = x · m    where m = 1 / (1 − p) with probability 1 − p, else 0
//   backward  dx = dy · m  is the same function of dy with the same random numbers, so the same kernel
//
// Element i owns word i % 4 of random block i / 4 and is dropped if that word is below `threshold` = p · 2^32. The word
// depends on the key and i alone: no tile shape and no thread order can change a mask.
//
//   layout    any shape, n elements
//   defines   see elementwise.cuh
//   launch    see elementwise.cuh
//   bytes     8n
//   FLOPs     n, and about 20 integer operations per element for the random numbers
//   limit     memory
#include "prelude/elementwise.cuh"
#include "prelude/philox.cuh"

static_assert(VEC % 4 == 0, "a random block serves four elements, which one thread must own");

extern "C" __global__ void __launch_bounds__(THREADS)
dropout_forward(element* __restrict__ y,        // [n]
                const element* __restrict__ x,  // [n]
                int n, unsigned threshold, float scale,  // scale = 1 / (1 − p); 0 if p is 1
                unsigned long long seed, unsigned long long step, unsigned stream) {
    for_each_vector(n, [&](int i, int valid) {
        vec<VEC> factor;
        UNROLL for (int group = 0; group < VEC; group += 4) {
            // i is a multiple of VEC, hence of 4: the division is exact
            const RandomWords random = random_words((unsigned)(i + group) / 4, seed, step, stream);
            UNROLL for (int w = 0; w < 4; ++w) factor[group + w] = random.word[w] < threshold ? 0.0f : scale;
        }
        vec<VEC> in = load_partial<VEC>(x + i, valid, 0.0f);
        // A product, not a choice: a NaN that happens to be dropped stays a NaN, as in PyTorch.
        store_partial<VEC>(y + i, map<VEC>([](float v, float f) { return v * f; }, in, factor), valid);
    });
}
