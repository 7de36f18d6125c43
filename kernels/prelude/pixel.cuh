// Pixels by number.
//
//   defines   none
#pragma once

struct Pixel { int image, row, column; };

// Pixel number i of images with height × width pixels.
__device__ __forceinline__ Pixel pixel_at(int i, int height, int width) {
    const int column = i % width, rest = i / width;
    return {rest / height, rest % height, column};
}
