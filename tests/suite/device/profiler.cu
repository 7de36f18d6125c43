// Kernels whose counts are known: one access pattern each, 64 threads in a block unless said otherwise.

extern "C" __global__ void copy_strided(float* y, const float* x, int stride, int offset) {
    y[threadIdx.x] = x[threadIdx.x * stride + offset];
}

extern "C" __global__ void broadcast(float* y, const float* x) {
    y[threadIdx.x] = x[7];
}

extern "C" __global__ void vectors(float4* y, const float4* x) {
    y[threadIdx.x] = x[threadIdx.x];
}

extern "C" __global__ void half_divergent(float* y, const float* x) {
    if (threadIdx.x % 32 < 16) y[threadIdx.x] = x[threadIdx.x];
}

extern "C" __global__ void uneven_loops(float* y, const float* x) {
    float sum = 0.0f;
    for (int i = 0; i <= (int)threadIdx.x % 4; ++i) sum += x[i * 32 + threadIdx.x % 32];
    y[threadIdx.x] = sum;
}

extern "C" __global__ void banks(float* y, int stride) {
    __shared__ float line[64 * 33];
    line[threadIdx.x * stride] = 1.0f;
    __syncthreads();
    y[threadIdx.x] = line[threadIdx.x * stride];
}

extern "C" __global__ void wide_banks(float4* y) {
    __shared__ float4 line[64];
    line[threadIdx.x] = make_float4(1.0f, 2.0f, 3.0f, 4.0f);
    __syncthreads();
    y[threadIdx.x] = line[0];
}

extern "C" __global__ void atomics(int* sum, int* histogram) {
    __shared__ int bins[32];
    if (threadIdx.x < 32) bins[threadIdx.x] = 0;
    __syncthreads();
    atomicAdd(&bins[threadIdx.x % 8], 1);
    atomicAdd(sum, 1);
    __syncthreads();
    if (threadIdx.x < 32) atomicAdd(&histogram[threadIdx.x], bins[threadIdx.x]);
}

extern "C" __global__ void arithmetic(float* y, const float* x, float a) {
    const float v = x[threadIdx.x];
    float w = (v + a) * (v - a) / 3.0f;
    for (int i = 0; i < 5; ++i) w = fmaf(w, a, v);
    w = v > 0 ? expf(w) : w;
    float other = __shfl_xor_sync(0xffffffffu, w, 1);
    y[threadIdx.x] = fmaxf(w, other);
}

// Reads every element twice, from memory that is read once.
extern "C" __global__ void twice(float* y, const float* x, int n) {
    float sum = 0.0f;
    for (int round = 0; round < 2; ++round) {
        for (int i = threadIdx.x; i < n; i += blockDim.x) sum += x[i];
        __syncthreads();
    }
    y[threadIdx.x] = sum;
}
