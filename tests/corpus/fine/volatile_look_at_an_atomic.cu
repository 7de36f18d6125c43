// expect: nothing: a volatile read sees an atomic operation or does not, and both is right
// Stops counting once enough were found: a look that comes too late only costs a little work.
extern "C" __global__ void count_up_to(int* found, const int* x, int enough) {
    const int i = blockIdx.x * blockDim.x + threadIdx.x;
    if (*(volatile int*)found >= enough) return;
    if (x[i] > 4) atomicAdd(found, 1);
}
