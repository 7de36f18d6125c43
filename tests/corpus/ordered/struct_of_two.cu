// A structure of which each thread writes one member.
//! grid = 1
//! block = 64
//! [args]
//! y = "f32[64] empty"
//! x = "f32[64]"
struct Pair { float a, b; };
extern "C" __global__ void kernel(float* y, const float* x) {
    __shared__ Pair s[32];
    const int t = threadIdx.x;
    if (t < 32) s[t].a = x[t]; else s[t - 32].b = x[t];  // ←
    __syncthreads();  // orders
    y[t] = s[t / 2].a * s[t / 2].b;  // ←
}
