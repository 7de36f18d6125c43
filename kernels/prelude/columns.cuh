// The walk over a matrix [rows, channels] by kernels that treat every channel for itself: column sums, batch
// normalization. Images in NHWC are such a matrix, with a row for every pixel.
//
// A block owns a slab of consecutive rows. `width` threads stand side by side along the channels, so that a warp reads
// long stretches of a row; the others take the rows below, THREADS / width at a time. On the host a block is one thread,
// which goes through ROWS rows at a time from left to right, so that it walks memory in order.
//
//   defines   VEC      floats per access
//             WHOLE    1 if channels is a multiple of VEC; on a GPU it has to be, for alignment
//             STRIPS   vectors of channels per thread: 1 on a GPU, many on the host
//             ROWS     rows that a thread holds at once: that many independent loads in flight
//             THREADS  threads per block
//   launch    grid (⌈channels / (STRIPS · width · VEC)⌉, ⌈rows / slab⌉); width, a power of two, divides THREADS
#pragma once
#include "prelude/vec.cuh"

static_assert(ROWS > 0 && (ROWS & (ROWS - 1)) == 0, "the rows of a group are added up in pairs");

template <int R> struct Group {
    static constexpr int ROWS_OF_GROUP = R;
};

// The sum of R vectors, in pairs of pairs: short chains of additions, and rounding errors that hardly grow.
template <int R> __device__ __forceinline__ vec<VEC> add_up(const vec<VEC> (&part)[R]) {
    vec<VEC> sum[R];
    UNROLL for (int j = 0; j < R; ++j) sum[j] = part[j];
    UNROLL for (int half = R / 2; half > 0; half /= 2) {
        UNROLL for (int j = 0; j < half; ++j) sum[j] = multiply_add<VEC>(1.0f, sum[j + half], sum[j]);
    }
    return sum[0];
}

struct Columns {
    int channels;  // floats from one row to the next
    int channel0;  // the first channel of this thread's strip 0
    int width;     // threads side by side
    int first;     // the block's first row
    int count;     // its number of rows
    int lane;      // this thread's first row, counted from `first`
    int step;      // rows from one of this thread's rows to its next

    __device__ __forceinline__ Columns(int rows, int channels, int slab, int threads_side_by_side)
        : channels(channels), width(THREADS == 1 ? 1 : threads_side_by_side) {
        channel0 = ((int)blockIdx.x * STRIPS * width + (int)threadIdx.x % width) * VEC;
        first = blockIdx.y * slab;
        count = min(slab, rows - first);
        lane = threadIdx.x / width;
        step = THREADS > 1 ? THREADS / width : count / ROWS;
    }

    // Calls body(strip, channel) for each of this thread's vectors of channels that exists: VEC of them from `channel`.
    template <class Body> __device__ __forceinline__ void for_each_strip(Body body) const {
        int channel = channel0;
        for (int strip = 0; strip < STRIPS && channel < channels; ++strip, channel += width * VEC) {
            body(strip, channel);
        }
    }

    // Calls body(Group<R>, i, strip, channel) for the rows i, i + step, …, i + (R − 1)·step (counted from `first`) of this
    // thread: in groups of R = ROWS, then one by one.
    template <class Body> __device__ __forceinline__ void for_each_group(Body body) const {
        // Threads of a GPU take neighbouring rows at the same time. A lone thread takes rows far apart: ROWS streams, each
        // of which runs through memory in order, as a CPU's prefetcher likes it.
        const int groups = THREADS > 1 ? count - (ROWS - 1) * step : step;
        const int next = THREADS > 1 ? ROWS * step : 1;
        int i = lane;
        for (; i < groups; i += next) {
            for_each_strip([&](int strip, int channel) { body(Group<ROWS>{}, i, strip, channel); });
        }
        if (THREADS == 1) i = ROWS * step;
        for (; i < count; i += THREADS > 1 ? step : 1) {
            for_each_strip([&](int strip, int channel) { body(Group<1>{}, i, strip, channel); });
        }
    }

    // VEC channels of row first + i of a matrix [rows, channels]; those that do not exist read as zero.
    template <class T> __device__ __forceinline__ vec<VEC> load_row(const T* __restrict__ x, int i, int channel) const {
        // size_t: a matrix may have more than 2^31 elements even where each side fits an int
        return load_channels(x + (size_t)(first + i) * channels, channel);
    }
    template <class T> __device__ __forceinline__ void store_row(T* y, int i, int channel, vec<VEC> value) const {
        store_channels(y + (size_t)(first + i) * channels, channel, value);
    }

    // VEC channels of a vector [channels], such as a bias.
    template <class T> __device__ __forceinline__ vec<VEC> load_channels(const T* __restrict__ from, int channel) const {
        if (WHOLE) return load<VEC>(from + channel);
        return load_partial<VEC>(from + channel, channels - channel, 0.0f);
    }
    template <class T> __device__ __forceinline__ void store_channels(T* to, int channel, vec<VEC> value) const {
        if (WHOLE) store<VEC>(to + channel, value);
        else store_partial<VEC>(to + channel, value, channels - channel);
    }
};

// Combines the values of the threads that share channels, along a tree of fixed shape; the first of them (lane 0) gets
// the result. All threads of the block call it, once per kernel: a second call would overwrite what others still read.
template <class T, class Combine>
__device__ __forceinline__ void fold_columns(const Columns& columns, T (&own)[STRIPS], Combine combine) {
    static_assert(STRIPS == 1 || THREADS == 1, "one fold per kernel");
    if constexpr (THREADS > 1) {
        __shared__ T of_thread[THREADS];
        for (int half = columns.step / 2; half > 0; half /= 2) {
            // The upper half hands over. No step touches the places of an earlier one, so one barrier each will do.
            if (columns.lane >= half && columns.lane < 2 * half) of_thread[threadIdx.x] = own[0];
            __syncthreads();  // the upper half's values are there
            if (columns.lane < half) own[0] = combine(own[0], of_thread[threadIdx.x + half * columns.width]);
        }
    }
}
