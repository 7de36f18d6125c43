// Textures and surfaces as CUDA C++ has them.

// Each thread's sample of a plane, by neighbours, and of linear memory beside it. Block 32; out: two floats a thread.
extern "C" __global__ void sample(cudaTextureObject_t plane, cudaTextureObject_t row, float *out) {
    int i = threadIdx.x;
    out[2 * i] = tex2D<float>(plane, i * .5f, 2.f);
    out[2 * i + 1] = tex1Dfetch<float4>(row, i).y;
}

// Copies a plane of bytes with its columns the other way round, and tells which texels are beyond it. Block 32 x 8.
extern "C" __global__ void turn(cudaSurfaceObject_t from, cudaSurfaceObject_t to, int width, int *outside) {
    int x = threadIdx.x, y = threadIdx.y;
    uchar4 texel;
    surf2Dread(&texel, from, 4 * x, y, cudaBoundaryModeZero);
    surf2Dwrite(texel, to, 4 * (width - 1 - x), y, cudaBoundaryModeZero);
    outside[32 * y + x] = texel.x == 0;
}

// One of each: layers, a solid, a cube, levels, four corners. Block 1; out: 6 floats.
extern "C" __global__ void all(cudaTextureObject_t layers, cudaTextureObject_t solid, cudaTextureObject_t cube,
                               cudaTextureObject_t levels, float *out) {
    out[0] = tex2DLayered<float>(layers, 1.5f, .5f, 2);
    out[1] = tex3D<float>(solid, 1.5f, .5f, 2.5f);
    out[2] = texCubemap<float>(cube, 0.f, -1.f, 0.f);
    out[3] = tex2DLod<float>(levels, .5f, .5f, 1.f);
    out[4] = tex2DGrad<float>(levels, .5f, .5f, make_float2(1, 0), make_float2(0, 1));
    out[5] = tex2Dgather<float4>(levels, .5f, .5f).y;
}
