// Exponential moving averages of all parameters, one step, in place.
//
//   a = a + (1 − d) · (w − a)
//
// (Polyak, Juditsky: "Acceleration of stochastic approximation by averaging", 1992, in the form that weighs the latest most;
// PyTorch's AveragedModel with get_ema_multi_avg_fn.)
//
//   layout    parts [blocks], of which w is the average and g the parameter
//   defines   see elementwise.cuh
//   launch    a block for each THREADS · ITEMS · VEC elements of a tensor
//   bytes     12n for n elements in all
//   FLOPs     3n
//   limit     memory
//   source    B. T. Polyak, A. B. Juditsky, "Acceleration of stochastic approximation by averaging", 1992
#include "prelude/optim.cuh"

extern "C" __global__ void __launch_bounds__(THREADS)
average(const Part* __restrict__ parts,  // [blocks]
        float rest) {                    // 1 − d
    const Part part = parts[blockIdx.x];
    for_each_vector_from(part.first, part.n, [&](int i, int valid) {
        const vec<VEC> mean = load_partial<VEC>(part.w + i, valid, 0.0f);
        const vec<VEC> weight = load_partial<VEC>(part.g + i, valid, 0.0f);
        const vec<VEC> next = map<VEC>([&](float a, float w) { return fmaf(rest, w - a, a); }, mean, weight);
        store_partial<VEC>(part.w + i, next, valid);
    });
}
