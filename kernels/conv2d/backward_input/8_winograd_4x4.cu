// Convolution, gradient of the input, rung 8: Winograd's F(4×4, 3×3).
//
//   dx = the convolution of dy, padded by 2 − pad, with the filters turned around and their c and k exchanged
//
// Larger tiles than rung 7: 2.25·k multiplications per element instead of 4·k, at the price of more rounding.
// A NaN or an infinity in dy spreads over whole tiles, too.
//
//   layout    x [n, h, w, c], f [k, 3, 3, c], y [n, p, q, k]; in between [36 points, tiles, channels]
//   defines   see conv2d/winograd.cuh
//   launch    transforms: ⌈items / span⌉ blocks, an item being WIDTH channels of a tile; products: the tiles of
//             a matrix product, times 36 points in z
//   requires  3 × 3 filters, stride 1, no dilation, padding of 2 at most; c and k multiples of 4
//   bytes     4 (x + f + y), and 8·36·(tiles·(c + k) + c·k) that are written and read in between
//   FLOPs     36 · 2 · tiles · c · k for the products, tiles = n · ⌈p / 4⌉ · ⌈q / 4⌉
//   limit     memory, through which pixels and products pass transformed; and rounding
//   measures  FLOPs: 2.25 multiply-adds for an output and pair of channels where rung 7 has 4
#define OUTPUT 4
#include "conv2d/forward/7_winograd_2x2.cu"
