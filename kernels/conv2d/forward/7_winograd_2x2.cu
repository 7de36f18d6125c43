// Convolution, forward, rung 7: Winograd's F(2×2, 3×3).
//
//   y = Aᵀ [ Σ_c (G f Gᵀ) ⊙ (Bᵀ x B) ] A + bias      for tiles of 2 × 2 outputs, each from 4 × 4 pixels
//
// All rungs below do the r·s·c multiplications per output that the definition asks for. This one does 4·c instead of 9·c:
// 16 products for 4 outputs (prelude/winograd.cuh has the matrices and the reason). Multiplications fall 2.25 times;
// in exchange pixels and products pass through memory transformed, 4 times as large as the images. A NaN or an infinity
// spreads over the whole of each tile that sees it: a property of the method, as its rounding is.
//
//   layout    x [n, h, w, c], f [k, 3, 3, c], y [n, p, q, k]; in between [16 points, tiles, channels]
//   launch    transforms: ⌈items / span⌉ blocks, an item being WIDTH channels of a tile; products: the tiles of
//             a matrix product, times 16 points in z
//   requires  3 × 3 filters, stride 1, no dilation, padding of 2 at most; c and k multiples of 4
//   measures  FLOPs: 4 multiply-adds for an output and pair of channels where rung 5 has 9
//   FLOPs     16 · 2 · tiles · c · k for the products, tiles = n · ⌈p / 2⌉ · ⌈q / 2⌉
#define OUTPUT 2
#include "prelude/winograd_forward.cuh"
