// Convolution, gradient of the input, rung 7: Winograd's F(2×2, 3×3).
//
//   dx = the convolution of dy, padded by 2 − pad, with the filters turned around and their c and k exchanged
//
// With stride 1 the gradient is a convolution, so it runs rung 7 of the forward pass: 4·k multiplications per element
// instead of 9·k.
// A NaN or an infinity in dy spreads over whole tiles, too.
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
#include "conv2d/forward/7_winograd_2x2.cu"
