// expect: misaligned on message, line 7
// Packs a message: its length in one word, then the words, four at a time. The header moves all of them off their
// alignment.
extern "C" __global__ void pack(int* message, const int4* x) {
    if (threadIdx.x == 0) message[0] = 4 * blockDim.x;
    int4* body = (int4*)(message + 1);
    body[threadIdx.x] = x[threadIdx.x];  // ← 4 bytes after a multiple of 16
}
