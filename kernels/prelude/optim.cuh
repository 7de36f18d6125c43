// What an optimizer does to one vector of a parameter, in place. A thread reads and writes the same elements of the
// parameter and of what is kept for it, so working in place needs no order among threads.
//
//   defines   see elementwise.cuh
#pragma once
#include "prelude/elementwise.cuh"

// d = g + λ w; v = μ v + (1 − τ) d; w −= η · (d + μ v with Nesterov, v with momentum, d without)
struct Sgd {
    float rate, momentum, fresh, decay;  // fresh = 1 − τ
    int nesterov;

    // v is null without momentum.
    __device__ __forceinline__ void update(float* w, float* v, const float* g, int i, int valid) const {
        vec<VEC> weight = load_partial<VEC>(w + i, valid, 0.0f);
        vec<VEC> d = load_partial<VEC>(g + i, valid, 0.0f);
        d = multiply_add<VEC>(decay, weight, d);
        if (v) {  // the same for all threads of a block
            vec<VEC> velocity = load_partial<VEC>(v + i, valid, 0.0f);
            velocity = map<VEC>([&](float a, float b) { return fmaf(momentum, a, fresh * b); }, velocity, d);
            store_partial<VEC>(v + i, velocity, valid);
            d = nesterov ? multiply_add<VEC>(momentum, velocity, d) : velocity;
        }
        store_partial<VEC>(w + i, multiply_add<VEC>(-rate, d, weight), valid);
    }
};

// d = g + λ w; m += (1 − β₁) (d − m); v = β₂ v + (1 − β₂) d²; w −= δ w + rate · m / (√v · root + ε)
// AMSGrad: the largest v so far stands in the place of v in the last.
struct Adam {
    float rate, root, beta2;
    float rest1, rest2;  // 1 − β₁, 1 − β₂
    float epsilon, decay_gradient, decay_weight;

    // most is null without AMSGrad.
    __device__ __forceinline__ void update(float* w, float* m, float* v, float* most, const float* g, int i,
                                           int valid) const {
        vec<VEC> weight = load_partial<VEC>(w + i, valid, 0.0f);
        vec<VEC> d = load_partial<VEC>(g + i, valid, 0.0f);
        d = multiply_add<VEC>(decay_gradient, weight, d);

        vec<VEC> first = load_partial<VEC>(m + i, valid, 0.0f);
        vec<VEC> second = load_partial<VEC>(v + i, valid, 0.0f);
        first = map<VEC>([&](float a, float b) { return fmaf(rest1, b - a, a); }, first, d);
        second = map<VEC>([&](float a, float b) { return fmaf(rest2 * b, b, beta2 * a); }, second, d);
        store_partial<VEC>(m + i, first, valid);
        store_partial<VEC>(v + i, second, valid);
        if (most) {  // the same for all threads of a block
            const vec<VEC> largest = load_partial<VEC>(most + i, valid, 0.0f);
            // A NaN stays, whichever of the two it is.
            second = map<VEC>([](float a, float b) { return b > a || b != b ? b : a; }, largest, second);
            store_partial<VEC>(most + i, second, valid);
        }

        // w − δ w rather than (1 − δ) w: δ is often 1e-5, and 1 − δ in float would round it to two digits.
        weight = multiply_add<VEC>(-decay_weight, weight, weight);
        auto move = [&](float w, float a, float b) { return fmaf(-rate, a / fmaf(sqrtf(b), root, epsilon), w); };
        store_partial<VEC>(w + i, map<VEC>(move, weight, first, second), valid);
    }
};

// One block's part of a parameter: elements `first` to `first` + THREADS · ITEMS · VEC − 1 of its n. The op file writes a
// table of them into device memory.
struct Part {
    float* w;        // [n]
    float* kept[3];  // [n] each, or null: v; m, v and its largest
    const float* g;  // [n]
    int n, first;
};
