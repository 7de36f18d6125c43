// Sizes of a pooling, and where windows lie.
//
//   defines   none
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
};

struct Range { int first, end; };

// The taps of a window that starts at `start` (negative in the padding) which fall on an axis of `length` pixels.
__device__ __forceinline__ Range taps_inside(int start, int size, int length) {
    return {max(0, -start), min(size, length - start)};
}

// The windows that cover position i, counted from the start of the padding.
__device__ __forceinline__ Range windows_over(int i, int size, int stride, int windows) {
    return {i < size ? 0 : (i - size) / stride + 1, min(i / stride + 1, windows)};
}
