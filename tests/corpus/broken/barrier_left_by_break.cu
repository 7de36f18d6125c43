// expect: barrier, line 10
// Halves each number until it is 1 and counts the rounds, all threads together. A thread that is done leaves the loop
// and with it the barrier that the others wait at.
extern "C" __global__ void halvings(int* rounds, const int* x) {
    int value = x[threadIdx.x], count = 0;
    while (true) {
        if (value <= 1) break;
        value /= 2;
        ++count;
        __syncthreads();  // ← should be passed by all until all are done: __syncthreads_or(value > 1)
    }
    rounds[threadIdx.x] = count;
}
