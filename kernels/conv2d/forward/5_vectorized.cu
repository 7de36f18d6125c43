// Convolution, forward, rung 5: implicit GEMM with register tiles and vector gathers.
//
//   y[n, p, q, k] = bias[k] + Σ_{r, s, c} x[n, p·stride + r·dilation − pad, q·stride + s·dilation − pad, c] · f[k, r, s, c]
//
// As a matrix product: M = n·p·q output pixels, N = k filters, depth = r·s·c. The filters come transposed, [r·s·c, k],
// so that a row of the B tile is contiguous (filters_transpose below; a few percent of the data that pixels move).
// Over rung 4 (register tile, scalar gathers), AVEC neighbouring channels of a pixel move in one access.
//
//   layout    x [n, h, w, c], filters [r·s·c, k], y [n, p, q, k]
//   launch    grid (⌈n·p·q / BM⌉, ⌈k / BN⌉), THREADS threads
//   requires  c to be a multiple of AVEC; on a GPU, k of BVEC
//   bytes     ≥ 4 (x + filters + y); FLOPs 2·n·p·q·k·r·s·c
#include "prelude/conv.cuh"

extern "C" __global__ void __launch_bounds__(THREADS, 1)  // one block per multiprocessor is enough: spend the registers
conv2d_forward(float* __restrict__ y,              // [n, p, q, k]
               const float* __restrict__ x,        // [n, h, w, c]
               const float* __restrict__ filters,  // [r·s·c, k]
               const float* __restrict__ bias,     // [k], or null
               Conv conv) {
    __shared__ __align__(64) float a_tile[A_FLOATS];
    __shared__ __align__(64) float b_tile[B_FLOATS];
    // Per row of the A tile: input row and column under the filter's first tap, and where the image starts.
    __shared__ int pixel_row[BM], pixel_column[BM];
    __shared__ size_t pixel_image[BM];
    // Per AVEC depth steps: the tap's offset in rows and columns, and its first channel.
    constexpr int TAPS = BK / AVEC;
    __shared__ int tap_row[TAPS], tap_column[TAPS], tap_channel[TAPS];

    const int pixels = conv.n * conv.p * conv.q, depth = conv.r * conv.s * conv.c;
    const int row0 = blockIdx.x * BM, column0 = blockIdx.y * BN;

    for (int i = threadIdx.x; i < BM; i += THREADS) {
        const Pixel at = pixel_at(row0 + i, conv.p, conv.q);
        // A row far above any image fails the bounds check of every tap: pixels beyond the last read as zero.
        pixel_row[i] = row0 + i < pixels ? at.row * conv.stride_h - conv.pad_h : -(1 << 30);
        pixel_column[i] = at.column * conv.stride_w - conv.pad_w;
        pixel_image[i] = (size_t)at.image * conv.h * conv.w * conv.c;
    }
    auto find_taps = [&](int k0) {
        for (int i = threadIdx.x; i < TAPS; i += THREADS) {
            const int k = k0 + i * AVEC, tap = k / conv.c;
            // Depth beyond the filter: a row below any image, so that it, too, reads as zero.
            tap_row[i] = k < depth ? tap / conv.s * conv.dilation_h : 1 << 29;
            tap_column[i] = tap % conv.s * conv.dilation_w;
            tap_channel[i] = k % conv.c;
        }
    };

    RegisterTile tile;
    tile.clear();
    find_taps(0);
    __syncthreads();
    for (int k0 = 0; k0 < depth; k0 += BK) {
        for (int i = threadIdx.x; i < BM * TAPS; i += THREADS) {
            const int row = i / TAPS, tap = i % TAPS;
            const int h = pixel_row[row] + tap_row[tap], w = pixel_column[row] + tap_column[tap];
            vec<AVEC> value = splat<AVEC>(0.0f);
            // As unsigned numbers, negative coordinates are too large: one comparison checks both ends.
            if ((unsigned)h < (unsigned)conv.h && (unsigned)w < (unsigned)conv.w) {
                value = load<AVEC>(x + pixel_image[row] + ((size_t)h * conv.w + w) * conv.c + tap_channel[tap]);
            }
            store<AVEC>(a_tile + row * A_STRIDE + tap * AVEC, value);
        }
        copy_tile<BK, BN, BVEC, BN>(b_tile, filters, k0, column0, depth, conv.k);
        __syncthreads();  // the tiles are complete
        tile.multiply<ROW_MAJOR>(a_tile, b_tile);
        find_taps(k0 + BK);
        __syncthreads();  // tiles may be overwritten, and the next step's taps are known
    }
    tile.write<BVEC == 1 ? 1 : VEC>(y, bias, row0, column0, pixels, conv.k);
}

// filters [k, depth] → [depth, k]. Reads run along rows; the write is strided, but filters are small.
extern "C" __global__ void __launch_bounds__(THREADS)
filters_transpose(float* __restrict__ to,          // [depth, k]
                  const float* __restrict__ from,  // [k, depth]
                  int k, int depth) {
    // One block per depth step: its threads write one contiguous row of the result.
    for (int i = threadIdx.x; i < k; i += THREADS) to[(size_t)blockIdx.x * k + i] = from[(size_t)i * depth + blockIdx.x];
}
