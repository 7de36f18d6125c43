// expect: out of bounds on line, line 9
// Where each key belongs in a sorted array, by a search that a sentinel after the last element ends. The launch gives
// 64 floats of dynamic shared memory; with the sentinel it needs 65.
extern "C" __global__ void search(int* place, const float* sorted, const float* key) {
    extern __shared__ float line[];
    const int t = threadIdx.x;
    line[t] = sorted[t];
    if (t == 0) {
        line[blockDim.x] = 1e30f;  // ← needs (blockDim.x + 1) * sizeof(float) bytes
    }
    __syncthreads();
    int at = 0;
    while (line[at] < key[t]) ++at;
    place[t] = at;
}
