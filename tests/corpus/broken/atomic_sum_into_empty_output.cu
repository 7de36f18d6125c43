// expect: uninitialized on sum, line 5
// The sum of an array by atomics. An atomic reads what is there before it adds, and nothing has been put there.
extern "C" __global__ void sum_all(int* sum, const int* x) {
    const int i = blockIdx.x * blockDim.x + threadIdx.x;
    atomicAdd(sum, x[i]);  // ← on top of whatever was there
}
