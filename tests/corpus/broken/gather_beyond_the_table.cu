// expect: out of bounds on table, line 5
// Looks each code up in a table of 16 entries. Codes go up to 19.
extern "C" __global__ void decode(float* y, const float* table, const unsigned char* code) {
    const int i = blockIdx.x * blockDim.x + threadIdx.x;
    const float value = table[code[i]];  // ← nobody checks the code
    y[i] = value;
}
