// Class activation maps, the map: a warp per pixel, combined by shuffles.
//
//   map[n, p] = Σ_c w[n, c] · a[n, p, c]            cut off at zero if `relu`; a NaN stays one
//
//   layout    a [images · area, channels] with a row for every pixel, w [images, channels]
//   defines   see rows.cuh
//   launch    see rows.cuh
//   bytes     4 per activation
//   FLOPs     2 per activation
//   limit     memory
#include "prelude/rows.cuh"

extern "C" __global__ void __launch_bounds__(THREADS)
cam_forward_map(float* __restrict__ map,      // [pixels]
                const float* __restrict__ a,  // [pixels, channels]
                const float* __restrict__ w,  // [pixels / area, channels]
                int pixels, int channels, int area, int relu) {
    const int pixel = own_row();
    if (pixel < pixels) {
        const float* from = a + (size_t)pixel * channels;
        const float* weight = w + (size_t)(pixel / area) * channels;
        float sum = 0.0f;
        for (int c = own_lane(); c < channels; c += LANES) sum = fmaf(weight[c], from[c], sum);
        sum = across_lanes(sum, [](float x, float y) { return x + y; });
        if (own_lane() == 0) map[pixel] = relu && sum < 0.0f ? 0.0f : sum;
    }
}
