// Kernels of faults.rs, each with a mistake that a GPU would hang on or pass over in silence. The line where the host
// device must report it is marked with its number in the block (0: any thread may be named).

extern "C" __global__ void good(int* out) {
    __shared__ int sum;
    if (threadIdx.x == 0) sum = 0;
    __syncthreads();
    atomicAdd(&sum, 1);
    __syncthreads();
    out[threadIdx.x] = sum + __shfl_xor_sync(0xffffffffu, 1, 1);
}

extern "C" __global__ void early_return(int* out) {
    if (threadIdx.x >= 40) return;
    __syncthreads();  // early_return
    out[threadIdx.x] = 1;
}

extern "C" __global__ void two_barriers(int* out) {
    if (threadIdx.x < 32) {
        __syncthreads();  // two_barriers
    } else {
        __syncthreads();  // two_barriers
    }
    out[threadIdx.x] = 1;
}

extern "C" __global__ void uneven_loop(int* out) {
    for (int i = 0; i < (threadIdx.x == 5 ? 3 : 4); ++i) __syncthreads();  // uneven_loop
    out[threadIdx.x] = 1;
}

extern "C" __global__ void absent_lane(int* out) {
    int v = 0;
    if (threadIdx.x < 16) v = __shfl_down_sync(0x0000ffffu, 1, 8);  // absent_lane
    out[threadIdx.x] = v;
}

extern "C" __global__ void lane_beyond_the_block(int* out) {
    out[threadIdx.x] = __shfl_xor_sync(0xffffffffu, 1, 16);  // lane_beyond_the_block
}

extern "C" __global__ void not_in_its_mask(int* out) {
    out[threadIdx.x] = __ballot_sync(0x0000ffffu, 1);  // not_in_its_mask
}

extern "C" __global__ void exited_lanes(int* out) {
    if (threadIdx.x % 2 == 0) return;
    out[threadIdx.x] = __shfl_sync(0xffffffffu, 1, 1);  // exited_lanes
}

extern "C" __global__ void different_collectives(int* out) {
    if (threadIdx.x < 16) {
        out[threadIdx.x] = __shfl_sync(0xffffffffu, 1, 0);  // different_collectives
    } else {
        out[threadIdx.x] = __ballot_sync(0xffffffffu, 1);  // different_collectives
    }
}

extern "C" __global__ void half_at_a_barrier(int* out) {
    if (threadIdx.x < 16) {
        __syncwarp();  // half_at_a_barrier
    }
    __syncthreads();  // half_at_a_barrier
    out[threadIdx.x] = 1;
}

extern "C" __global__ void crossed_masks(int* out) {
    if (threadIdx.x % 2) __syncwarp(0xffffffffu);  // crossed_masks
    else __syncwarp(0x5555ffffu);  // crossed_masks
    out[threadIdx.x] = 1;
}

extern "C" __global__ void trap(int* out) {
    if (threadIdx.x == 3) __trap();  // trap
    __syncthreads();
    out[threadIdx.x] = 1;
}

// Errors must stop a block of one thread, too, even one that would never end.
extern "C" __global__ void alone(int* out) {
    while (__shfl_sync(0x00000002u, 1, 1)) *out += 1;  // alone
}
