// expect: nothing: the atomic gives each thread a place of its own
// Keeps the odd elements. In which order they end up depends on the threads; that no two get the same place does not.
extern "C" __global__ void keep_odd(int* kept, int* count, const int* x) {
    const int value = x[threadIdx.x];
    if (value % 2 == 1) kept[atomicAdd(count, 1)] = value;
}
