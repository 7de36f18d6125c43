// Ablation-CAM's copies of a layer's output: each lacks another channel.
//
//   y[b, p, c] = c == first + b ? value : a[p, c]
//
//   layout    a [pixels, channels] of one image, y [count, pixels, channels]; length = pixels · channels
//   defines   VEC, ITEMS, THREADS: see elementwise.cuh; VEC divides length, but on the host
//   launch    grid (count, ⌈length / (THREADS · ITEMS · VEC)⌉)
//   bytes     8 · count · length
//   FLOPs     none
//   limit     memory
//   source    S. Desai and H. Ramaswamy, "Ablation-CAM", 2020
#include "prelude/elementwise.cuh"

extern "C" __global__ void __launch_bounds__(THREADS)
cam_forward_without(float* __restrict__ y,        // [count, length]
                    const float* __restrict__ a,  // [length]
                    int first, int channels, int length, float value) {
    const int gone = first + blockIdx.x;
    float* to = y + static_cast<size_t>(blockIdx.x) * length;
    for_each_vector_from(blockIdx.y * (THREADS * ITEMS * VEC), length, [&](int i, int valid) {
        vec<VEC> copied = load_partial<VEC>(a + i, valid, 0.0f);
        float* each = elements<VEC>(copied);
        const int channel = i % channels;
        ELEMENTS(j, VEC) each[j] = (channel + j) % channels == gone ? value : each[j];
        store_partial<VEC>(to + i, copied, valid);
    });
}
