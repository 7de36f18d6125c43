// What the three convolutions share: the sizes, and implicit GEMM's way of finding pixels.
//
// A convolution is a matrix product whose left operand nobody stores: row = output pixel, column = (filter row, filter
// column, channel), element = the input pixel that this tap of the filter sees from that output pixel. Its tile is
// gathered straight from the image into shared memory.
//
// The gather needs a pixel's coordinates and a tap's offsets. Both come from integer divisions, so they are computed once
// per row and once per depth step and kept in shared memory; the loop over the tile then only adds and compares.
#pragma once
#include "prelude/tile.cuh"

// Sizes of one convolution, passed by value; the op file fills in the same order.
struct Conv {
    int n, h, w, c;            // input [n, h, w, c]
    int k, r, s;               // filters [k, r, s, c]
    int p, q;                  // output [n, p, q, k]
    int stride_h, stride_w;
    int pad_h, pad_w;
    int dilation_h, dilation_w;
    int split;                 // filter gradient: output pixels per block of the z axis
};

// Where an image row or column index is measured from: pixel (row, column) of image `image`.
struct Pixel { int image, row, column; };

// Pixel number i of images with height × width pixels.
__device__ __forceinline__ Pixel pixel_at(int i, int height, int width) {
    const int column = i % width, rest = i / width;
    return {rest / height, rest % height, column};
}
