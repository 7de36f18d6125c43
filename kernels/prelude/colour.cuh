// What colour transforms make of one pixel, in [0, 1]; torchvision's formulas for images of floats.
//
//   grey         l = 0.2989 r + 0.587 g + 0.114 b, for all three channels
//   brightness   f v
//   contrast     f v + (1 − f) m         m = the mean of l over the image
//   saturation   f v + (1 − f) l
//   hue          the hue turned by f turns
//   cutout       black in a rectangle
//
// What leaves [0, 1] is cut off after each. Kinds are four bits each, the first one's lowest; for each of them an image has four
// floats: f (grey: whether), or cutout's least column, column behind the last, least row, row behind the last.
//
//   defines   none
#pragma once
#include "prelude/vec.cuh"

constexpr int FACTORS = 4;
constexpr unsigned GREY = 0, BRIGHTNESS = 1, CONTRAST = 2, SATURATION = 3, HUE = 4, CUTOUT = 5;

struct Colour {
    float r, g, b;
};

__device__ __forceinline__ Colour load_colour(const float* __restrict__ from) { return {from[0], from[1], from[2]}; }

// A NaN stays one: it says that an image is missing.
__device__ __forceinline__ float cut_off(float value) { return value < 0.0f ? 0.0f : value > 1.0f ? 1.0f : value; }

__device__ __forceinline__ float grey_of(Colour from) { return fmaf(0.2989f, from.r, fmaf(0.587f, from.g, 0.114f * from.b)); }

// f · from + (1 − f) · other.
__device__ __forceinline__ Colour blended(Colour from, float other, float f) {
    const float rest = (1.0f - f) * other;
    return {cut_off(fmaf(f, from.r, rest)), cut_off(fmaf(f, from.g, rest)), cut_off(fmaf(f, from.b, rest))};
}

// The hue is where a colour stands on a hexagon whose corners are red, yellow, green, cyan, blue, magenta, counted in sixths of
// a turn from red (A. R. Smith, "Color gamut transform pairs", SIGGRAPH 1978).
__device__ __forceinline__ Colour turned(Colour from, float turns) {
    const float most = fmaxf(fmaxf(from.r, from.g), from.b), least = fminf(fminf(from.r, from.g), from.b);
    const float range = most - least;
    if (!(range > 0.0f)) return from;  // a grey has no hue
    float hue = from.r == most   ? (from.g - from.b) / range
                : from.g == most ? 2.0f + (from.b - from.r) / range
                                 : 4.0f + (from.r - from.g) / range;
    hue += 6.0f * turns;
    // A channel lacks its whole range within a sixth around the corner opposite to its own, and nothing within two of its own.
    const auto channel = [&](float opposite) {
        float k = opposite + hue;
        k -= 6.0f * floorf(k / 6.0f);
        return most - range * fmaxf(fminf(fminf(k, 4.0f - k), 1.0f), 0.0f);
    };
    return {channel(5.0f), channel(3.0f), channel(1.0f)};
}

// `from` at (column, row) after the transform `kind`, whose four floats `f` are; `mean` for contrast.
__device__ __forceinline__ Colour recoloured(Colour from, unsigned kind, const float* __restrict__ f, float mean, int column,
                                             int row) {
    if (kind == GREY) {
        const float grey = grey_of(from);
        return f[0] != 0.0f ? Colour{grey, grey, grey} : from;
    }
    if (kind == BRIGHTNESS) return blended(from, 0.0f, f[0]);
    if (kind == CONTRAST) return blended(from, mean, f[0]);
    if (kind == SATURATION) return blended(from, grey_of(from), f[0]);
    if (kind == HUE) return turned(from, f[0]);
    const bool inside = column >= f[0] && column < f[1] && row >= f[2] && row < f[3];
    return inside ? Colour{0.0f, 0.0f, 0.0f} : from;
}
