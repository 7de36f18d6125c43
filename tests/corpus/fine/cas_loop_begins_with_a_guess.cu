// expect: nothing: the plain read is a guess, which atomicCAS makes sure of before anything comes of it
// The largest of all values, by the loop around atomicCAS that CUDA's guide shows for operations it does not have.
extern "C" __global__ void largest(float* best, const float* x) {
    const float mine = x[blockIdx.x * blockDim.x + threadIdx.x];
    int* word = (int*)best;
    int old = *word, assumed;  // may be out of date already
    do {
        assumed = old;
        old = atomicCAS(word, assumed, __float_as_int(fmaxf(mine, __int_as_float(assumed))));
    } while (old != assumed);
}
