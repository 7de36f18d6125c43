// Where in its picture a pixel of an augmented image lies, and what the picture has there.
//
// The map from the image to the picture is a few stages. A point goes through a stage's affine map; if it is then outside the
// stage's window, the edge says what there is. Points are in pixels, whole numbers their centres.
//
//   stage     10 floats m: x' = m0 x + m1 y + m2, y' = m3 x + m4 y + m5, window [m6, m7] × [m8, m9]
//   edges     two bits for each stage, the first one's lowest
//
//   defines   none
#pragma once
#include "prelude/vec.cuh"

constexpr int STAGE = 10;
constexpr unsigned REFLECTED = 1, BLACK = 2, BLACK_TWICE = 3;  // 0: what is at the window's edge

struct Point {
    float x, y;
    float light;  // the share of what the picture has there; the rest is black
};

__device__ __forceinline__ float within(float value, float least, float most) { return fminf(fmaxf(value, least), most); }

// 1 in [least, most], 0 from a pixel beyond it on, linear between: what lies between a picture's last pixel and a black one.
__device__ __forceinline__ float fade(float at, float least, float most) {
    return within(fminf(at - least, most - at) + 1.0f, 0.0f, 1.0f);
}

// In a mirror on either end of [least, most]; for points that are not farther from it than it is long.
__device__ __forceinline__ float reflected(float at, float least, float most) {
    if (at < least) return 2.0f * least - at;
    return at > most ? 2.0f * most - at : at;
}

// The point of a picture of height × width that pixel (column, row) of the image shows: one inside it, whatever the stages are.
__device__ __forceinline__ Point source_point(const float* __restrict__ stages, int count, unsigned edges, int height, int width,
                                              int column, int row) {
    Point at = {(float)column, (float)row, 1.0f};
    for (const float* m = stages; m < stages + count * STAGE; m += STAGE, edges >>= 2) {
        float x = fmaf(m[0], at.x, fmaf(m[1], at.y, m[2]));
        float y = fmaf(m[3], at.x, fmaf(m[4], at.y, m[5]));
        const unsigned edge = edges & 3;
        if (edge == REFLECTED) x = reflected(x, m[6], m[7]), y = reflected(y, m[8], m[9]);
        if (edge >= BLACK) {
            const float light = fade(x, m[6], m[7]) * fade(y, m[8], m[9]);
            at.light *= edge == BLACK_TWICE ? light * light : light;
        }
        at.x = within(x, m[6], m[7]);
        at.y = within(y, m[8], m[9]);
    }
    at.x = within(at.x, 0.0f, (float)(width - 1));  // NaN is 0 then
    at.y = within(at.y, 0.0f, (float)(height - 1));
    return at;
}

// Channel `channel` of a picture of bytes at a point inside it: between the four pixels around, first along rows.
__device__ __forceinline__ float sample(const unsigned char* __restrict__ picture, int height, int width, Point at, int channel) {
    const int left = (int)at.x, top = (int)at.y;  // not negative: this is the floor
    const int right = min(left + 1, width - 1), bottom = min(top + 1, height - 1);
    const float across = at.x - (float)left, down = at.y - (float)top;
    const auto pixel = [&](int row, int column) { return (float)picture[(row * width + column) * 3 + channel]; };
    // The differences of bytes are exact; where a point is on a pixel, so is what it shows.
    const float above = fmaf(across, pixel(top, right) - pixel(top, left), pixel(top, left));
    const float below = fmaf(across, pixel(bottom, right) - pixel(bottom, left), pixel(bottom, left));
    return fmaf(down, below - above, above) * at.light;
}
