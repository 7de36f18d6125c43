// Sizes of a pooling, and where windows lie.
//
//   defines   DILATED, if taps are not neighbours
#pragma once
#include "prelude/element.cuh"
#include "prelude/pixel.cuh"

// Sizes of one launch, passed by value; the op file fills in the same order.
struct Pool {
    int h, w, c;             // input [n, h, w, c]
    int p, q;                // output [n, p, q, c]
    int size_h, size_w;      // window
    int stride_h, stride_w;
    int pad_h, pad_w;
    int pixels;              // of the tensor that the kernel writes
    int span;                // of these, pixels per block
    int width;               // threads side by side along the channels
    int dilation_h, dilation_w;  // looked at if DILATED
};

struct Range { int first, end; };

// Pixels from one tap of a window to the next, down and across.
__device__ __forceinline__ int down(const Pool& pool) {
#ifdef DILATED
    return pool.dilation_h;
#else
    return 1;
#endif
}
__device__ __forceinline__ int across(const Pool& pool) {
#ifdef DILATED
    return pool.dilation_w;
#else
    return 1;
#endif
}

// The taps of a window that starts at `start` (negative in the padding), `step` apart, which fall on an axis of `length` pixels.
__device__ __forceinline__ Range taps_inside(int start, int size, int length, int step) {
    return {(max(0, -start) + step - 1) / step, min(size, (length - start + step - 1) / step)};
}

// The windows that reach over position i, counted from the start of the padding.
__device__ __forceinline__ Range windows_over(int i, int size, int stride, int windows, int step) {
    const int reach = (size - 1) * step + 1;
    return {i < reach ? 0 : (i - reach) / stride + 1, min(i / stride + 1, windows)};
}

// Whether what lies `distance` behind a window's start is one of its taps, which it then is number distance / step of.
__device__ __forceinline__ bool is_tap(int distance, int step) { return step == 1 || distance % step == 0; }
