// What the rungs of the three convolutions share: the sizes, and where the elements of a product lie in an image.
//
// A convolution is a matrix product whose one operand, the patches, is an image seen through the filter's taps: its row is
// a pixel, its column (filter row, filter column, channel), its element what that pixel has under that tap. Forward pass
// and filter gradient take the patches of x around output pixels; the input gradient those of dy around input pixels.
//
// An element is found from the two halves of its place, which cost integer divisions: the window of its pixel and the tap
// of its column. Both are found once and used for a whole row or column of a tile; gather only adds and compares.
//
// Of a grouped convolution each group is a convolution of its own, of some channels by some filters: its pixels are as far apart
// as all channels are. Rungs 1 and 3 can do that; their sums then run over the c / GROUPS channels that a filter sees.
//
//   defines   THREADS; GROUPS, if there are several
#pragma once
#include "prelude/pixel.cuh"
#include "prelude/copy.cuh"

#ifndef GROUPS
#define GROUPS 1
#endif

// Sizes of one convolution, passed by value; the op file fills in the same order.
struct Conv {
    int n, h, w, c;            // input [n, h, w, c]
    int k, r, s;               // filters [k, r, s, c / GROUPS]
    int p, q;                  // output [n, p, q, k]
    int stride_h, stride_w;
    int pad_h, pad_w;
    int dilation_h, dilation_w;
    int split;                 // split-K: the depth that a block of the z axis takes
};

enum From { FROM_X, FROM_DY };

// The group of channel (or filter) i of `all`.
__device__ __forceinline__ int group_of(int i, int all) { return GROUPS == 1 ? 0 : i / (all / GROUPS); }

struct Window { int row, column; size_t image; };  // where the filter's first tap falls; the image's first element
struct Tap { int row, column, channel; };          // how far from there, and which channel

// The window of patch i. Patches from `end` on lie so far above any image that every tap misses it: they read as zero.
template <From FROM> __device__ __forceinline__ Window window_at(const Conv& conv, int i, int end) {
    constexpr int NOWHERE = -(1 << 30);
    if constexpr (FROM == FROM_X) {
        const Pixel at = pixel_at(i, conv.p, conv.q);
        return {i < end ? at.row * conv.stride_h - conv.pad_h : NOWHERE, at.column * conv.stride_w - conv.pad_w,
                (size_t)at.image * conv.h * conv.w * conv.c};
    } else {
        const Pixel at = pixel_at(i, conv.h, conv.w);
        return {i < end ? at.row + conv.pad_h : NOWHERE, at.column + conv.pad_w,
                (size_t)at.image * conv.p * conv.q * conv.k};
    }
}

// The tap of column i, its channel counted from the group's first; from `end` on one that misses the image from any window.
template <From FROM> __device__ __forceinline__ Tap tap_at(const Conv& conv, int i, int end) {
    constexpr int NOWHERE = -(1 << 29);
    // dy is seen through the filter turned around.
    constexpr int SIGN = FROM == FROM_X ? 1 : -1;
    const int channels = (FROM == FROM_X ? conv.c : conv.k) / GROUPS, tap = i / channels;
    return {i < end ? SIGN * (tap / conv.s * conv.dilation_h) : NOWHERE, SIGN * (tap % conv.s * conv.dilation_w),
            i % channels};
}

// Whether i is one of 0 … extent − 1. As unsigned numbers, negative ones are too large: one comparison checks both ends.
__device__ __forceinline__ bool inside(int i, int extent) { return (unsigned)i < (unsigned)extent; }

// The output row (or column) whose window starts at i, counted from the start of the padding; −1 if i is between two.
__device__ __forceinline__ int output_at(int i, int stride) {
    if (stride == 1) return i;
    return i % stride == 0 ? i / stride : -1;
}

// What lies under a tap: V channels of a pixel of x or dy, or zeros outside the image.
template <From FROM, int V>
__device__ __forceinline__ vec<V> gather(const element* __restrict__ from, const Conv& conv, const Window& window,
                                         const Tap& tap) {
    const int height = FROM == FROM_X ? conv.h : conv.p, width = FROM == FROM_X ? conv.w : conv.q;
    const int channels = FROM == FROM_X ? conv.c : conv.k;
    int row = window.row + tap.row, column = window.column + tap.column;
    if (FROM == FROM_DY) row = output_at(row, conv.stride_h), column = output_at(column, conv.stride_w);
    if (!inside(row, height) || !inside(column, width)) return splat<V>(0.0f);
    return load<V>(from + window.image + ((size_t)row * width + column) * channels + tap.channel);
}

// A tile of the patches, ROWS × COLUMNS, gathered V neighbouring channels at a time. Lies in shared memory.
template <From FROM, int ROWS, int COLUMNS, int V> struct Patches {
    static constexpr int PER_ROW = COLUMNS / V;
    Window windows[ROWS];
    Tap taps[PER_ROW];

    // The tile's rows are patches `first` … of `end`.
    __device__ __forceinline__ void find_windows(const Conv& conv, int first, int end) {
        share_out<ROWS>([&](int i) { windows[i] = window_at<FROM>(conv, first + i, end); });
    }
    // Its columns are those from `first` on, of `end`.
    __device__ __forceinline__ void find_taps(const Conv& conv, int first, int end) {
        share_out<PER_ROW>([&](int i) { taps[i] = tap_at<FROM>(conv, first + i * V, end); });
    }
    // Writes the tile with rows of STRIDE floats.
    template <int STRIDE>
    __device__ __forceinline__ void copy(float* tile, const element* __restrict__ from, const Conv& conv) const {
        tile = looked_up(tile);
        const Patches* const at = looked_up(this);
        copy_each<ROWS * PER_ROW>(
            [&](int i) { return gather<FROM, V>(from, conv, at->windows[i / PER_ROW], at->taps[i % PER_ROW]); },
            [&](int i, vec<V> value) { store<V>(tile + i / PER_ROW * STRIDE + i % PER_ROW * V, value); });
    }
};

// Where row i of the input gradient's other operand [r·s·k, c] starts in the filters [k, r, s, c], both those of a group.
__device__ __forceinline__ size_t filter_row(const Conv& conv, int i) {
    const int filters = conv.k / GROUPS, channels = conv.c / GROUPS;
    return ((size_t)(i % filters) * conv.r * conv.s + i / filters) * channels;
}

// ROWS rows of that operand. Lies in shared memory.
template <int ROWS> struct FilterRows {
    size_t start[ROWS];

    // row_at(i) is where row i starts.
    template <class RowAt> __device__ __forceinline__ void find(int first, RowAt row_at) {
        share_out<ROWS>([&](int i) { start[i] = row_at(first + i); });
    }
    // Copies `rows` of them (at most ROWS; zeros for the others) from channel `channel0` on into a tile.
    template <int COLUMNS, int V>
    __device__ __forceinline__ void copy(float* tile, const element* __restrict__ filters, int rows, int channel0,
                                         int channels) const {
        constexpr int PER_ROW = COLUMNS / V;
        tile = looked_up(tile);
        const size_t* const at = looked_up(start);
        copy_each<ROWS * PER_ROW>(
            [&](int i) {
                const int row = i / PER_ROW, channel = channel0 + i % PER_ROW * V;
                return load_row<V>(filters + at[row] + channel, row < rows ? channels - channel : 0);
            },
            [&](int i, vec<V> value) { store<V>(tile + i * V, value); });
    }
};

// The walk along the depth of a product: find(k) looks up where the elements of step k … k + STEP − 1 lie, fill(k) copies
// them into shared tiles, multiply(depth) adds the products of those of them that are among the `depth` steps left. What
// find writes may be read by fill, and that by multiply.
template <int STEP, class Find, class Fill, class Multiply>
__device__ __forceinline__ void for_each_step(int first, int end, Find find, Fill fill, Multiply multiply) {
    find(first);
    __syncthreads();  // the first step's places are known
    for (int k = first; k < end; k += STEP) {
        fill(k);
        __syncthreads();  // the tiles are complete
        multiply(end - k);
        find(k + STEP);
        __syncthreads();  // tiles may be overwritten, and the next step's places are known
    }
}
