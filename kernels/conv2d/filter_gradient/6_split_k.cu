// Convolution, gradient of the filters, rung 6: implicit GEMM, split along its depth.
//
//   df[k, r, s, c] = Σ_{n, p, q} dy[n, p, q, k] · x[n, p·stride + r·dilation − pad, q·stride + s·dilation − pad, c]
//
// As a matrix product: M = k filters, N = r·s·c, depth = n·p·q output pixels. The result is small and the depth is large,
// so tiles of the result alone would leave most of the machine idle: the depth is split among the blocks of the z axis,
// each writes its own partial result, and filters_reduce adds them in a fixed order (no atomics: same bits every time).
// dy's tile lies depth-major as it is read, x's is gathered row by row: neither is transposed.
//
//   layout    dy [n, p, q, k], x [n, h, w, c], partial [splits, k, r·s·c]
//   launch    grid (⌈r·s·c / BN⌉, ⌈k / BM⌉, splits), THREADS threads
//   requires  c to be a multiple of BVEC; on a GPU, k of AVEC
//   bytes     ≥ 4 (dy·⌈r·s·c / BN⌉ + x·r·s·⌈k / BM⌉ + splits·df); FLOPs 2·n·p·q·k·r·s·c
#include "prelude/conv.cuh"

extern "C" __global__ void __launch_bounds__(THREADS, 1)  // one block per multiprocessor is enough: spend the registers
conv2d_backward_filter(float* __restrict__ partial,   // [splits, k, r·s·c]
                       const float* __restrict__ dy,  // [n·p·q, k]
                       const float* __restrict__ x,   // [n, h, w, c]
                       Conv conv) {
    __shared__ __align__(64) float a_tile[BK * BM];
    __shared__ __align__(64) float b_tile[B_FLOATS];
    // Per depth step: input row and column under the filter's first tap, and where the image starts.
    __shared__ int pixel_row[BK], pixel_column[BK];
    __shared__ size_t pixel_image[BK];
    // Per BVEC columns of the result: the tap's offset in rows and columns, and its first channel.
    constexpr int TAPS = BN / BVEC;
    __shared__ int tap_row[TAPS], tap_column[TAPS], tap_channel[TAPS];

    const int columns = conv.r * conv.s * conv.c, pixels = conv.n * conv.p * conv.q;
    const int row0 = blockIdx.y * BM, column0 = blockIdx.x * BN;
    const int first = blockIdx.z * conv.split, last = min(pixels, first + conv.split);

    for (int i = threadIdx.x; i < TAPS; i += THREADS) {
        const int column = column0 + i * BVEC, tap = column / conv.c;
        tap_row[i] = column < columns ? tap / conv.s * conv.dilation_h : 1 << 29;  // no such column: outside the image
        tap_column[i] = tap % conv.s * conv.dilation_w;
        tap_channel[i] = column % conv.c;
    }
    auto find_pixels = [&](int k0) {
        for (int i = threadIdx.x; i < BK; i += THREADS) {
            const Pixel at = pixel_at(k0 + i, conv.p, conv.q);
            pixel_row[i] = k0 + i < last ? at.row * conv.stride_h - conv.pad_h : -(1 << 30);  // belongs to no image
            pixel_column[i] = at.column * conv.stride_w - conv.pad_w;
            pixel_image[i] = (size_t)at.image * conv.h * conv.w * conv.c;
        }
    };

    RegisterTile tile;
    tile.clear();
    find_pixels(first);
    __syncthreads();
    for (int k0 = first; k0 < last; k0 += BK) {
        copy_tile<BK, BM, AVEC, BM>(a_tile, dy, k0, row0, last, conv.k);
        for (int i = threadIdx.x; i < BK * TAPS; i += THREADS) {
            const int row = i / TAPS, tap = i % TAPS;
            const int h = pixel_row[row] + tap_row[tap], w = pixel_column[row] + tap_column[tap];
            vec<BVEC> value = splat<BVEC>(0.0f);
            // As unsigned numbers, negative coordinates are too large: one comparison checks both ends.
            if ((unsigned)h < (unsigned)conv.h && (unsigned)w < (unsigned)conv.w) {
                value = load<BVEC>(x + pixel_image[row] + ((size_t)h * conv.w + w) * conv.c + tap_channel[tap]);
            }
            store<BVEC>(b_tile + row * BN + tap * BVEC, value);
        }
        __syncthreads();  // the tiles are complete
        tile.multiply<DEPTH_MAJOR>(a_tile, b_tile);
        find_pixels(k0 + BK);
        __syncthreads();  // tiles may be overwritten, and the next step's pixels are known
    }
    tile.write<BVEC == 1 ? 1 : VEC>(partial + (size_t)blockIdx.z * conv.k * columns, nullptr, row0, column0, conv.k, columns);
}

// df[i] = Σ over splits of partial[split, i], in order.
extern "C" __global__ void __launch_bounds__(THREADS)
filters_reduce(float* __restrict__ df,             // [n]
               const float* __restrict__ partial,  // [splits, n]
               int n, int splits) {
    constexpr int PER_THREAD = 16;  // neighbouring threads take neighbouring elements; a lone thread walks a stretch
    for (int item = 0; item < PER_THREAD; ++item) {
        const int i = (blockIdx.x * PER_THREAD + item) * THREADS + threadIdx.x;
        if (i >= n) break;
        float sum = 0.0f;
        for (int split = 0; split < splits; ++split) sum += partial[(size_t)split * n + i];
        df[i] = sum;
    }
}
