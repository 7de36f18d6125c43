// Convolution, gradient of the input, rung 5: implicit GEMM with register tiles and vector gathers.
//
//   dx[n, h, w, c] = Σ_{r, s, k} dy[n, (h + pad − r·dilation) / stride, (w + pad − s·dilation) / stride, k] · f[k, r, s, c]
//   over the taps for which both divisions leave no remainder and the result lies inside dy
//
// As a matrix product: M = n·h·w input pixels, N = c channels, depth = r·s·k. Every input pixel gathers from the output
// pixels that saw it, so no two threads write the same element: no atomics, same bits every time. For one tap (r, s), a
// row of the B tile (fixed k) is contiguous in the filters as they lie.
//
//   layout    dy [n, p, q, k], f [k, r, s, c], dx [n, h, w, c]
//   launch    grid (⌈n·h·w / BM⌉, ⌈c / BN⌉), THREADS threads; UNIT_STRIDE skips the divisions
//   requires  k to be a multiple of AVEC; on a GPU, c of BVEC
//   bytes     ≥ 4 (dy + f + dx); FLOPs 2·n·h·w·c·r·s·k (with stride, all but 1 / stride² of them on zeros)
#include "prelude/conv.cuh"

extern "C" __global__ void __launch_bounds__(THREADS, 1)  // one block per multiprocessor is enough: spend the registers
conv2d_backward_input(float* __restrict__ dx,             // [n, h, w, c]
                      const float* __restrict__ dy,       // [n, p, q, k]
                      const float* __restrict__ filters,  // [k, r, s, c]
                      Conv conv) {
    __shared__ __align__(64) float a_tile[A_FLOATS];
    __shared__ __align__(64) float b_tile[B_FLOATS];
    // Per row of the A tile: the padded input pixel, and where the image's gradient starts.
    __shared__ int pixel_row[BM], pixel_column[BM];
    __shared__ size_t pixel_image[BM];
    // Per depth step: the tap's offset in rows and columns, its output channel, and its row of the filters.
    __shared__ int tap_row[BK], tap_column[BK], tap_channel[BK];
    __shared__ size_t tap_filter[BK];
    constexpr int TAPS = BK / AVEC;

    const int pixels = conv.n * conv.h * conv.w, depth = conv.r * conv.s * conv.k;
    const int row0 = blockIdx.x * BM, column0 = blockIdx.y * BN;

    for (int i = threadIdx.x; i < BM; i += THREADS) {
        const Pixel at = pixel_at(row0 + i, conv.h, conv.w);
        pixel_row[i] = row0 + i < pixels ? at.row + conv.pad_h : -(1 << 30);  // beyond the last: outside dy for any tap
        pixel_column[i] = at.column + conv.pad_w;
        pixel_image[i] = (size_t)at.image * conv.p * conv.q * conv.k;
    }
    auto find_taps = [&](int k0) {
        for (int i = threadIdx.x; i < BK; i += THREADS) {
            const int k = k0 + i, tap = k / conv.k;
            tap_row[i] = k < depth ? tap / conv.s * conv.dilation_h : 1 << 29;  // beyond the filter: always outside
            tap_column[i] = tap % conv.s * conv.dilation_w;
            tap_channel[i] = k % conv.k;
            tap_filter[i] = ((size_t)(k % conv.k) * conv.r * conv.s + tap) * conv.c;
        }
    };

    RegisterTile tile;
    tile.clear();
    find_taps(0);
    __syncthreads();
    for (int k0 = 0; k0 < depth; k0 += BK) {
        for (int i = threadIdx.x; i < BM * TAPS; i += THREADS) {
            const int row = i / TAPS, tap = i % TAPS * AVEC;
            int p = pixel_row[row] - tap_row[tap], q = pixel_column[row] - tap_column[tap];
            bool seen = p >= 0 && q >= 0;
            if (!UNIT_STRIDE) {
                seen = seen && p % conv.stride_h == 0 && q % conv.stride_w == 0;
                p /= conv.stride_h;
                q /= conv.stride_w;
            }
            vec<AVEC> value = splat<AVEC>(0.0f);
            if (seen && p < conv.p && q < conv.q) {
                value = load<AVEC>(dy + pixel_image[row] + ((size_t)p * conv.q + q) * conv.k + tap_channel[tap]);
            }
            store<AVEC>(a_tile + row * A_STRIDE + i % TAPS * AVEC, value);
        }
        constexpr int PER_ROW = BN / BVEC;
        for (int i = threadIdx.x; i < BK * PER_ROW; i += THREADS) {
            const int row = i / PER_ROW, column = i % PER_ROW * BVEC;
            vec<BVEC> value = splat<BVEC>(0.0f);
            if (k0 + row < depth) {
                value = load_partial<BVEC>(filters + tap_filter[row] + column0 + column, conv.c - column0 - column, 0.0f);
            }
            store<BVEC>(b_tile + row * BN + column, value);
        }
        __syncthreads();  // the tiles are complete
        tile.multiply<ROW_MAJOR>(a_tile, b_tile);
        find_taps(k0 + BK);
        __syncthreads();  // tiles may be overwritten, and the next step's taps are known
    }
    tile.write<BVEC == 1 ? 1 : VEC>(dx, nullptr, row0, column0, pixels, conv.c);
}
