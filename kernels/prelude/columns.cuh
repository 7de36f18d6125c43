// The walk over a matrix [rows, channels] by kernels that treat every channel for itself: column sums, batch
// normalization. Images in NHWC are such a matrix, with a row for every pixel.
//
//   defines   VEC      floats per access
//             WHOLE    1 if channels is a multiple of VEC; on a GPU it has to be, for alignment
//             ROWS     rows that a thread holds at once: that many independent loads in flight
//             THREADS  threads per block
//   launch    grid (⌈channels / (width · VEC)⌉, ⌈rows / slab⌉); width, a power of two that divides THREADS
//
// A block owns a slab of consecutive rows and a strip of width · VEC channels. `width` threads stand side by side along
// the channels, so that a warp reads long stretches of a row; the others take the rows below, THREADS / width at a time.
// On the host a block is one thread that walks down its slab with a vector of channels.
#pragma once
#include "prelude/vec.cuh"

template <int R> struct Group {
    static constexpr int ROWS_OF_GROUP = R;
};

struct Columns {
    int channel;   // the first of this thread's VEC channels
    int valid;     // how many of them exist; none if 0 or less
    int first;     // the block's first row
    int count;     // its number of rows
    int lane;      // this thread's first row, counted from `first`
    int step;      // rows from one of this thread's rows to its next
    int channels;  // floats from one row to the next
    size_t total;  // floats in the matrix

    __device__ __forceinline__ Columns(int rows, int channels, int slab, int width) : channels(channels) {
        channel = ((int)blockIdx.x * width + (int)threadIdx.x % width) * VEC;
        valid = channels - channel;
        first = blockIdx.y * slab;
        count = min(slab, rows - first);
        lane = threadIdx.x / width;
        step = THREADS / width;
        // size_t from here on: a matrix may have more than 2^31 elements even where each side fits an int
        total = (size_t)rows * channels;
    }

    // Where this thread's channels of row first + i start.
    __device__ __forceinline__ size_t at(int i) const { return (size_t)(first + i) * channels + channel; }

    // Calls body(Group<R>, i) for the rows i, i + step, …, i + (R − 1)·step (counted from `first`) of this thread: in
    // groups of R = ROWS, then one by one.
    template <class Body> __device__ __forceinline__ void for_each_group(Body body) const {
        if (valid <= 0) return;
        int i = lane;
        for (; i + (ROWS - 1) * step < count; i += ROWS * step) body(Group<ROWS>{}, i);
        for (; i < count; i += step) body(Group<1>{}, i);
    }

    // This thread's channels of one row. The last vector of a row may stick out into the next row; what it reads there
    // is dropped when results are stored. Only at the end of the matrix is there no memory to read.
    __device__ __forceinline__ vec<VEC> load_row(const float* __restrict__ x, size_t offset) const {
        if (WHOLE) return load<VEC>(x + offset);
        return load_partial<VEC>(x + offset, total - offset < VEC ? (int)(total - offset) : VEC, 0.0f);
    }

    __device__ __forceinline__ void store_row(float* y, size_t offset, vec<VEC> value) const {
        if (WHOLE) store<VEC>(y + offset, value);
        else store_partial<VEC>(y + offset, value, valid);
    }

    // This thread's channels of a vector [channels], such as a bias.
    __device__ __forceinline__ vec<VEC> load_channels(const float* __restrict__ from) const {
        if (WHOLE) return valid > 0 ? load<VEC>(from + channel) : splat<VEC>(0.0f);
        return load_partial<VEC>(from + channel, valid, 0.0f);
    }
};

// Combines the values of the threads that share channels, along a tree of fixed shape; the first of them (lane 0) gets
// the result. All threads of the block call it, once per kernel: a second call would overwrite what others still read.
template <class T, class Combine>
__device__ __forceinline__ T fold_columns(const Columns& columns, T own, Combine combine) {
    if constexpr (THREADS > 1) {
        __shared__ T of_thread[THREADS];
        const int width = THREADS / columns.step;
        for (int half = columns.step / 2; half > 0; half /= 2) {
            // The upper half hands over. No step touches the places of an earlier one, so one barrier each will do.
            if (columns.lane >= half && columns.lane < 2 * half) of_thread[threadIdx.x] = own;
            __syncthreads();  // the upper half's values are there
            if (columns.lane < half) own = combine(own, of_thread[threadIdx.x + half * width]);
        }
    }
    return own;
}
