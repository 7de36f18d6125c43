// Kernels of conformance.rs: what CUDA promises about grids, shared memory, barriers and atomics.

extern "C" __global__ void coordinates(int* out) {  // [threads of the grid, 13]
    int block = blockIdx.x + gridDim.x * (blockIdx.y + gridDim.y * blockIdx.z);
    int thread = threadIdx.x + blockDim.x * (threadIdx.y + blockDim.y * threadIdx.z);
    int* mine = out + 13 * (block * (int)(blockDim.x * blockDim.y * blockDim.z) + thread);
    mine[0] = threadIdx.x, mine[1] = threadIdx.y, mine[2] = threadIdx.z;
    mine[3] = blockIdx.x, mine[4] = blockIdx.y, mine[5] = blockIdx.z;
    mine[6] = blockDim.x, mine[7] = blockDim.y, mine[8] = blockDim.z;
    mine[9] = gridDim.x, mine[10] = gridDim.y, mine[11] = gridDim.z;
    mine[12] = warpSize;
}

// Reverses the block's stretch of `in` through dynamic shared memory, and then sums it up to each element.
extern "C" __global__ void __launch_bounds__((1024), 1) scan(int* reversed, int* sums, const int* in) {
    extern __shared__ int line[];
    const int n = blockDim.x, t = threadIdx.x, first = blockIdx.x * n;
    line[t] = in[first + t];
    __syncthreads();
    reversed[first + t] = line[n - 1 - t];
    for (int stride = 1; stride < n; stride *= 2) {
        int left = t >= stride ? line[t - stride] : 0;
        __syncthreads();
        line[t] += left;
        __syncthreads();
    }
    sums[first + t] = line[t];
}

struct __align__(8) Pair {
    float value;
    int index;
};

// Static and dynamic shared memory of several types and alignments in one block of 64 threads.
extern "C" __global__ void __launch_bounds__(64) shared_kinds(float* out, int* misaligned) {
    __shared__ float plain[64];
    __shared__ __align__(64) float aligned[64];
    __shared__ Pair pairs[64];
    extern __align__(16) __shared__ unsigned char bytes[]; extern __shared__ __align__(16) float floats[];
    const int t = threadIdx.x;
    plain[t] = (float)t;
    aligned[63 - t] = (float)(2 * t);
    pairs[t ^ 1] = Pair{(float)(3 * t), t};
    floats[t + 64] = (float)(4 * t);  // beyond what `bytes` uses: on a GPU the two are one stretch of memory
    bytes[63 - t] = (unsigned char)t;
    __syncthreads();
    out[t] = plain[63 - t] + aligned[t] + pairs[t].value + (float)pairs[t].index + floats[127 - t] + (float)bytes[t];
    if (t == 0) *misaligned = (int)((size_t)aligned % 64 + (size_t)pairs % 8 + (size_t)floats % 16 + (size_t)bytes % 16);
}

extern "C" __global__ void votes(int* out, const int* in) {
    const int t = threadIdx.x;
    int count = __syncthreads_count(in[t] > 0);
    int all = __syncthreads_and(in[t] > 0);
    int any = __syncthreads_or(in[t] > 5);
    out[3 * t] = count;
    out[3 * t + 1] = all != 0;
    out[3 * t + 2] = any != 0;
}

// Barriers that a block reaches different numbers of times.
extern "C" __global__ void rounds(int* out) {
    __shared__ int token;
    if (threadIdx.x == 0) token = 0;
    __syncthreads();
    for (int round = 0; round < (int)blockIdx.x; ++round) {
        if (threadIdx.x == (unsigned)round % blockDim.x) token += round;
        __syncthreads();
    }
    out[blockIdx.x * blockDim.x + threadIdx.x] = token;
}

extern "C" __global__ void atomics(int* ints, unsigned long long* wide, float* floats, int* tickets, int threads) {
    const int i = blockIdx.x * blockDim.x + threadIdx.x;
    tickets[atomicAdd(&ints[0], 1)] = 1;
    atomicSub(&ints[1], 2);
    atomicMin(&ints[2], threads - i);
    atomicMax(&ints[3], i);
    atomicAnd(&ints[4], ~(1 << (i % 5)));
    atomicOr(&ints[5], 1 << (i % 7));
    atomicXor(&ints[6], i);
    atomicAdd(&ints[7], atomicExch(&ints[8], i));  // all values but the last come by once
    atomicAdd(&wide[0], 1ull << 33);
    atomicAdd(&floats[0], 0.5f);
    // A maximum of floats out of compare-and-swap.
    int* bits = (int*)&floats[1];
    int seen = atomicOr(bits, 0);
    while (__int_as_float(seen) < (float)i) {
        int found = atomicCAS(bits, seen, __float_as_int((float)i));
        if (found == seen) break;
        seen = found;
    }
    // On shared memory.
    __shared__ int block_sum;
    if (threadIdx.x == 0) block_sum = 0;
    __syncthreads();
    atomicAdd(&block_sum, i);
    __syncthreads();
    if (threadIdx.x == 0) atomicAdd(&ints[9], block_sum);
}

// The last block to finish sums what all have written.
extern "C" __global__ void last_block(int* out, int* partial, int* done) {
    __shared__ bool last;
    if (threadIdx.x == 0) {
        partial[blockIdx.x] = blockIdx.x;
        __threadfence();
        last = atomicAdd(done, 1) == (int)gridDim.x - 1;
    }
    __syncthreads();
    if (!last || threadIdx.x != 0) return;
    int sum = 0;
    for (int i = 0; i < (int)gridDim.x; ++i) sum += ((volatile int*)partial)[i];
    *out = sum;
}

struct Sizes {
    int size[3];
};

extern "C" __global__ void arguments(double* out, const int* pointer, int i, unsigned u, float f, unsigned long long w,
                                     Sizes sizes, const float* nothing) {
    out[0] = *pointer;
    out[1] = i;
    out[2] = u;
    out[3] = f;
    out[4] = (double)w;
    out[5] = sizes.size[0] * 100 + sizes.size[1] * 10 + sizes.size[2];
    out[6] = nothing == nullptr;
}

extern "C" __global__ void one(int* out) { *out = 1; }
