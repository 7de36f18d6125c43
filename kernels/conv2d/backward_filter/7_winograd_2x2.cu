// Convolution, gradient of the filters, rung 7: Winograd's F(2×2, 3×3), backwards.
//
//   df = Gᵀ [ Σ_tiles (A dy Aᵀ) ⊙ (Bᵀ x B) ] G      for tiles of 2 × 2 outputs, each from 4 × 4 pixels
//
// The forward pass is linear in the filters; this is its transpose. 16 products per tile and pair of channels, where the
// definition has 36.
// A NaN or an infinity in one tap's products gets into all nine taps.
//
//   layout    x [n, h, w, c], f [k, 3, 3, c], y [n, p, q, k]; in between [16 points, tiles, channels]
//   defines   see conv2d/winograd.cuh
//   launch    transforms: ⌈items / span⌉ blocks, an item being WIDTH channels of a tile; products: the tiles of
//             a matrix product, times 16 points in z
//   requires  3 × 3 filters, stride 1, no dilation, padding of 2 at most; c and k multiples of 4
//   bytes     4 (x + f + y), and 8·16·(tiles·(c + k) + c·k) that are written and read in between
//   FLOPs     16 · 2 · tiles · c · k for the products, tiles = n · ⌈p / 2⌉ · ⌈q / 2⌉
//   limit     memory, through which pixels and products pass transformed
//   measures  FLOPs: 4 multiply-adds for an output and pair of channels where rung 5 has 9
#ifndef OUTPUT  // rung 8 is the same with 4
#define OUTPUT 2
#endif
#include "conv2d/winograd.cuh"

// A dy Aᵀ: what the gradient of the outputs says about the products.
extern "C" __global__ void __launch_bounds__(THREADS, 1)
winograd_upstream(float* __restrict__ v,           // [POINTS, tiles, k]
                  const element* __restrict__ dy,  // [images, p, q, k]
                  Conv conv, int first, int span) {
    const size_t plane = (size_t)tiles_of(conv) * conv.k;
    for_each_item(tiles_of(conv), conv.k, span, [&](int tile, int channel, int valid) {
        const Pixel at = tile_at(tile, conv);
        const element* image = dy + (size_t)(first + at.image) * conv.p * conv.q * conv.k + channel;
        float* to = v + (size_t)tile * conv.k + channel;
        sandwich<Transposed<OutputMatrix>, SIDE, OUTPUT>(
            [&](int i, int j) {
                const int row = at.row + i, column = at.column + j;
                if (row >= conv.p || column >= conv.q) return splat<WIDTH>(0.0f);
                return load_row<WIDTH>(image + ((size_t)row * conv.q + column) * conv.k, valid);
            },
            [&](int i, int j, vec<WIDTH> value) { store_row<WIDTH>(to + (i * SIDE + j) * plane, value, valid); });
    });
}

// partial[ξ] = Σ over tiles of dM[ξ]ᵀ · V[ξ]: block z takes point z % POINTS and the tiles of part z / POINTS.
extern "C" __global__ void __launch_bounds__(THREADS, RESIDENT_BLOCKS)
winograd_correlate(float* __restrict__ partial,   // [parts, POINTS, k, c]
                   const float* __restrict__ dm,  // [POINTS, tiles, k]
                   const float* __restrict__ v,   // [POINTS, tiles, c]
                   int tiles, int k, int c, int split) {
    __shared__ __align__(64) float a_tile[BK * BM];
    __shared__ __align__(64) float b_tile[B_FLOATS];
    const int row0 = blockIdx.y * BM, column0 = blockIdx.x * BN;
    const size_t point = blockIdx.z % POINTS;
    const int first = blockIdx.z / POINTS * split, last = min(tiles, first + split);
    RegisterTile tile;
    tile.clear();
    for (int k0 = first; k0 < last; k0 += BK) {
        copy_tile<BK, BM, AVEC, BM>(a_tile, dm + point * tiles * k, k0, row0, last, k);
        copy_tile<BK, BN, BVEC, BN>(b_tile, v + point * tiles * c, k0, column0, last, c);
        __syncthreads();  // the tiles are complete
        tile.multiply<DEPTH_MAJOR>(a_tile, b_tile, last - k0);
        __syncthreads();  // nobody reads them any more
    }
    tile.write<CVEC>(partial + (size_t)blockIdx.z * k * c, nullptr, row0, column0, k, c);
}

// dg = Gᵀ (Σ parts) G, the parts added in order.
extern "C" __global__ void __launch_bounds__(THREADS, 1)
winograd_filters_gradient(element* __restrict__ df,           // [k, 3·3, c]
                          const float* __restrict__ partial,  // [parts, POINTS, k, c]
                          int k, int c, int parts, int span) {
    const size_t plane = (size_t)k * c;
    for_each_item(k, c, span, [&](int row, int column, int valid) {
        const float* from = partial + (size_t)row * c + column;
        sandwich<Transposed<FilterMatrix>, 3, SIDE>(
            [&](int i, int j) {
                vec<WIDTH> sum = splat<WIDTH>(0.0f);
                for (int part = 0; part < parts; ++part) {
                    const float* at = from + ((size_t)part * POINTS + i * SIDE + j) * plane;
                    sum = multiply_add<WIDTH>(1.0f, load_row<WIDTH>(at, valid), sum);
                }
                return sum;
            },
            [&](int i, int j, vec<WIDTH> value) {
                store_row<WIDTH>(df + ((size_t)row * 9 + i * 3 + j) * c + column, value, valid);
            });
    });
}
