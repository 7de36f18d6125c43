// expect: nothing: the barrier stands between all reads and all writes of a block, and blocks keep to their own stretch
// Each block reverses its 100 elements of global memory in place.
extern "C" __global__ void reverse(float* x) {
    float* mine = x + blockIdx.x * blockDim.x;
    const float value = mine[blockDim.x - 1 - threadIdx.x];
    __syncthreads();
    mine[threadIdx.x] = value;
}
