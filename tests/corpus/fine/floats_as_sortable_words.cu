// expect: nothing: the same words, read as another type of the same size
// Turns floats into unsigned integers of the same order, as radix sorts want them: once by a union, once by a cast.
union Word {
    float value;
    unsigned bits;
};

extern "C" __global__ void to_keys(unsigned* keys, const float* x) {
    __shared__ Word words[64];
    const int t = threadIdx.x, i = blockIdx.x * blockDim.x + t;
    words[t].value = x[i];
    const unsigned bits = words[t].bits, again = ((const unsigned*)x)[i];
    keys[i] = (bits == again && bits >> 31) ? ~bits : bits | 0x80000000u;
}
