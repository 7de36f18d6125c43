// Winograd's convolution with 3 × 3 filters, stride 1: OUTPUT × OUTPUT pixels at a time for far fewer multiplications.
//
// Along one axis, 2 outputs of a filter with 3 taps take 6 products, but as polynomials evaluated at few points they take
// 4; and 4 outputs take 6 instead of 12. In two dimensions the savings multiply: 36 to 16 (2.25 times), 144 to 36
// (4 times). With g a filter, d the SIDE × SIDE pixels that a tile of outputs sees, and SIDE = OUTPUT + 2,
//
//   y = Aᵀ [ (G g Gᵀ) ⊙ (Bᵀ d B) ] A
//
// The products ⊙ are summed over channels, so for each of the SIDE² points ξ there is a matrix product of its own:
//
//   U[ξ] = G g Gᵀ  [c, k]     V[ξ] = Bᵀ d B  [tiles, c]     M[ξ] = V[ξ] · U[ξ]  [tiles, k]     y = Aᵀ M A
//
// Every step is linear, so gradients run the same way backwards: that of the input is this very convolution of dy with
// the filters turned around, and that of the filters is dg = Gᵀ (Σ_tiles (A dy Aᵀ) ⊙ (Bᵀ d B)) G.
//
// What it costs: V and M are (SIDE / OUTPUT)² times as large as the images, and rounding errors grow a little. And what is not
// finite spreads: every output of a tile is made of all products of the tile, with both signs. So a NaN or an infinity in
// one pixel makes NaN of all outputs of the tiles that see it (F(2×2): up to 16 a filter, F(4×4): up to 64), where the
// definition has it in 9, and an infinity as one.
//
//   defines   OUTPUT 2 or 4; WIDTH, channels per access of the transforms; AVEC, BVEC, CVEC as in matmul; see tile.cuh
//   requires  on a GPU, c and k to be multiples of 4
//   source    A. Lavin, S. Gray, "Fast Algorithms for Convolutional Neural Networks", arXiv 1509.09308
#pragma once
#include "prelude/conv.cuh"
#include "prelude/tile.cuh"

constexpr int SIDE = OUTPUT + 2;
constexpr int POINTS = SIDE * SIDE;

// The matrices. Loops over them are unrolled and zeros drop out, so that they are instructions, not memory.
//
// Their points are 0, ±1, ∞ for two outputs and 0, ±1/√2, ±√2, ∞ for four. The usual 0, ±1, ±2 are rounder numbers, but
// the powers of 2 among products of size 1 cost digits: measured over 64 channels, their error is 3.9 times that of a
// plain sum, and 1.9 times with these, whose powers stay balanced around 1.
constexpr float HALF_ROOT = 0.70710678118654752f, ROOT = 1.41421356237309505f;  // 1/√2, √2

struct PixelMatrix {  // Bᵀ [SIDE, SIDE]
    __device__ __forceinline__ static float at(int i, int j) {
        constexpr float two[4][4] = {{1, 0, -1, 0}, {0, 1, 1, 0}, {0, -1, 1, 0}, {0, 1, 0, -1}};
        constexpr float four[6][6] = {{1, 0, -2.5f, 0, 1, 0},
                                      {0, -ROOT, -2, HALF_ROOT, 1, 0},
                                      {0, ROOT, -2, -HALF_ROOT, 1, 0},
                                      {0, -HALF_ROOT, -.5f, ROOT, 1, 0},
                                      {0, HALF_ROOT, -.5f, -ROOT, 1, 0},
                                      {0, 1, 0, -2.5f, 0, 1}};
        return OUTPUT == 2 ? two[i % 4][j % 4] : four[i][j];
    }
};
struct FilterMatrix {  // G [SIDE, 3]
    __device__ __forceinline__ static float at(int i, int j) {
        constexpr float two[4][3] = {{1, 0, 0}, {.5f, .5f, .5f}, {.5f, -.5f, .5f}, {0, 0, 1}};
        constexpr float s = 1.0f / 6, t = 1.0f / 3;
        constexpr float four[6][3] = {{1, 0, 0},         {-2 * t, -ROOT * t, -t}, {-2 * t, ROOT * t, -t},
                                      {s, ROOT * s, t}, {s, -ROOT * s, t},       {0, 0, 1}};
        return OUTPUT == 2 ? two[i % 4][j] : four[i][j];
    }
};
struct OutputMatrix {  // Aᵀ [OUTPUT, SIDE]
    __device__ __forceinline__ static float at(int i, int j) {
        constexpr float two[2][4] = {{1, 1, 1, 0}, {0, 1, -1, -1}};
        constexpr float four[4][6] = {{1, 1, 1, 1, 1, 0},
                                      {0, HALF_ROOT, -HALF_ROOT, ROOT, -ROOT, 0},
                                      {0, .5f, .5f, 2, 2, 0},
                                      {0, HALF_ROOT / 2, -HALF_ROOT / 2, 2 * ROOT, -2 * ROOT, 1}};
        return OUTPUT == 2 ? two[i % 2][j % 4] : four[i][j];
    }
};
template <class M> struct Transposed {
    __device__ __forceinline__ static float at(int i, int j) { return M::at(j, i); }
};

// to = M · from along one axis: a sum over the entries of M that are not zero.
template <class M, int TO, int FROM>
__device__ __forceinline__ void apply(const vec<WIDTH> (&from)[FROM], vec<WIDTH> (&to)[TO]) {
    UNROLL for (int i = 0; i < TO; ++i) {
        vec<WIDTH> sum = splat<WIDTH>(0.0f);
        UNROLL for (int j = 0; j < FROM; ++j) {
            if (M::at(i, j) != 0.0f) sum = multiply_add<WIDTH>(M::at(i, j), from[j], sum);
        }
        to[i] = sum;
    }
}

// M · x · Mᵀ, for WIDTH channels at once: x(i, j) comes from get(i, j), element (i, j) of the result goes to put(i, j, v).
template <class M, int TO, int FROM, class Get, class Put>
__device__ __forceinline__ void sandwich(Get get, Put put) {
    vec<WIDTH> half[TO][FROM];  // x · Mᵀ, turned
    UNROLL for (int i = 0; i < FROM; ++i) {
        vec<WIDTH> row[FROM], turned[TO];
        UNROLL for (int j = 0; j < FROM; ++j) row[j] = get(i, j);
        apply<M>(row, turned);
        UNROLL for (int j = 0; j < TO; ++j) half[j][i] = turned[j];
    }
    UNROLL for (int j = 0; j < TO; ++j) {
        vec<WIDTH> column[TO];
        apply<M>(half[j], column);
        UNROLL for (int i = 0; i < TO; ++i) put(i, j, column[i]);
    }
}

// Calls body(row, channel, valid) for every WIDTH channels of `rows` rows: `span` of them per block.
template <class Body> __device__ __forceinline__ void for_each_item(int rows, int channels, int span, Body body) {
    const int per_row = (channels + WIDTH - 1) / WIDTH;
    const int first = blockIdx.x * span, last = min(first + span, rows * per_row);
    for (int i = first + (int)threadIdx.x; i < last; i += blockDim.x) {
        const int channel = i % per_row * WIDTH;
        body(i / per_row, channel, channels - channel);
    }
}

// One tile of outputs: its image and its first output pixel. Tiles are numbered row by row, image by image.
__device__ __forceinline__ Pixel tile_at(int number, const Conv& conv) {
    Pixel at = pixel_at(number, (conv.p + OUTPUT - 1) / OUTPUT, (conv.q + OUTPUT - 1) / OUTPUT);
    return {at.image, at.row * OUTPUT, at.column * OUTPUT};
}
__device__ __forceinline__ int tiles_of(const Conv& conv) {
    return conv.n * ((conv.p + OUTPUT - 1) / OUTPUT) * ((conv.q + OUTPUT - 1) / OUTPUT);
}

// V = Bᵀ d B. conv.n images from image `first` on are transformed.
extern "C" __global__ void __launch_bounds__(THREADS, 1)
winograd_pixels(float* __restrict__ v,          // [POINTS, tiles, c]
                const element* __restrict__ x,  // [images, h, w, c]
                Conv conv, int first, int span) {
    const size_t plane = (size_t)tiles_of(conv) * conv.c;
    for_each_item(tiles_of(conv), conv.c, span, [&](int tile, int channel, int valid) {
        const Pixel at = tile_at(tile, conv);
        const int row0 = at.row - conv.pad_h, column0 = at.column - conv.pad_w;
        const element* image = x + (size_t)(first + at.image) * conv.h * conv.w * conv.c + channel;
        float* to = v + (size_t)tile * conv.c + channel;
        sandwich<PixelMatrix, SIDE, SIDE>(
            [&](int i, int j) {
                const int row = row0 + i, column = column0 + j;
                if ((unsigned)row >= (unsigned)conv.h || (unsigned)column >= (unsigned)conv.w) return splat<WIDTH>(0.0f);
                return load_row<WIDTH>(image + ((size_t)row * conv.w + column) * conv.c, valid);
            },
            [&](int i, int j, vec<WIDTH> value) { store_row<WIDTH>(to + (i * SIDE + j) * plane, value, valid); });
    });
}
