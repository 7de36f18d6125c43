// Convolution, gradient of the filters, rung 7: Winograd's F(2×2, 3×3), backwards.
//
//   df = Gᵀ [ Σ_tiles (A dy Aᵀ) ⊙ (Bᵀ x B) ] G      for tiles of 2 × 2 outputs, each from 4 × 4 pixels
//
// The forward pass is linear in the filters; this is its transpose. 16 products per tile and pair of channels, where the
// definition has 36.
// A NaN or an infinity in one tap's products gets into all nine taps.
//
//   layout    x [n, h, w, c], f [k, 3, 3, c], y [n, p, q, k]; in between [16 points, tiles, channels]
//   launch    transforms: ⌈items / span⌉ blocks, an item being WIDTH channels of a tile; products: the tiles of
//             a matrix product, times 16 points in z
//   requires  3 × 3 filters, stride 1, no dilation, padding of 2 at most; c and k multiples of 4
//   measures  FLOPs: 4 multiply-adds for an output and pair of channels where rung 5 has 9
//   FLOPs     16 · 2 · tiles · c · k for the products, tiles = n · ⌈p / 2⌉ · ⌈q / 2⌉
#define OUTPUT 2
#include "prelude/winograd_filters.cuh"
