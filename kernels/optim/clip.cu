// Gradients whose norm, of all tensors together, is no longer than `most`, in place.
//
//   norm = √(Σ g²);  g = g · min(1, most / (norm + 1e-6))
//
// (Pascanu, Mikolov, Bengio: "On the difficulty of training recurrent neural networks", 2013; 1e-6 as in PyTorch's
// clip_grad_norm_.) Three launches, because no block knows the norm before all have added up their part: each writes the sum
// of its squares, one block adds those up in their order, and each scales its part. The host never waits for the norm. One that is
// not finite makes every gradient NaN or zero, as in PyTorch.
//
//   layout    parts [blocks], of which w is the gradient; sums [blocks]; norm [1]
//   defines   see elementwise.cuh
//   launch    square_sums, clip: a block for each THREADS · ITEMS · VEC elements of a tensor; total_norm: one
//   bytes     12n for n elements in all
//   FLOPs     3n
//   limit     memory
//   source    R. Pascanu, T. Mikolov, Y. Bengio, "On the difficulty of training recurrent neural networks", 2013
#include "prelude/optim.cuh"
#include "prelude/reduce.cuh"

extern "C" __global__ void __launch_bounds__(THREADS)
square_sums(float* __restrict__ sums,          // [blocks]
            const Part* __restrict__ parts) {  // [blocks]
    const Part part = parts[blockIdx.x];
    vec<VEC> squares = splat<VEC>(0.0f);
    for_each_vector_from(part.first, part.n, [&](int i, int valid) {
        const vec<VEC> g = load_partial<VEC>(part.w + i, valid, 0.0f);
        squares = map<VEC>([](float v, float sum) { return fmaf(v, v, sum); }, g, squares);
    });
    float sum = 0.0f;
    UNROLL for (int v = 0; v < VEC; ++v) sum += squares[v];
    sum = block_sum(sum);
    if (threadIdx.x == 0) sums[blockIdx.x] = sum;
}

extern "C" __global__ void __launch_bounds__(THREADS)
total_norm(float* __restrict__ norm,        // [1]
           const float* __restrict__ sums,  // [blocks]
           int blocks) {
    float sum = 0.0f;
    for (int i = threadIdx.x; i < blocks; i += THREADS) sum += sums[i];
    sum = block_sum(sum);
    if (threadIdx.x == 0) *norm = sqrtf(sum);
}

extern "C" __global__ void __launch_bounds__(THREADS)
clip(const Part* __restrict__ parts,  // [blocks]
     const float* __restrict__ norm,  // [1]
     float most) {
    const float longer = most / (*norm + 1e-6f);
    // Not fminf, which prefers a number to a NaN.
    const float factor = longer > 1.0f ? 1.0f : longer;
    const Part part = parts[blockIdx.x];
    for_each_vector_from(part.first, part.n, [&](int i, int valid) {
        const vec<VEC> g = load_partial<VEC>(part.w + i, valid, 0.0f);
        store_partial<VEC>(part.w + i, map<VEC>([&](float v) { return v * factor; }, g), valid);
    });
}
