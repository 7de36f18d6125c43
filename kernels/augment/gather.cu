// A batch of training images: gathered, cropped, flipped and normalized in one pass.
//
//   out[b, y, x, c] = picture[y + top + Δy, x' + left + Δx, c] / 255 · 1 / std_c − mean_c / std_c
//                     x' = x, or W − 1 − x if the image is flipped; outside the picture a pixel is black (0)
//
// That is torchvision's RandomCrop on bytes, RandomHorizontalFlip, ToTensor, Normalize, in this order. Δy is uniform in
// 0 … places_y − 1, Δx likewise, the flip is a fair coin: an image of H × W out of a picture of R × C with a margin of P begins at
// −P and has R + 2P − H + 1 places. All three come from the random block numbered by the image's number: an image is treated alike
// wherever in whichever batch it lands, and differently for each step of the key. One place, the middle, without flipping is
// evaluation.
//
//   layout    images [N, R, C, 3] bytes; indices [≥ offset + B], and as far behind them as `numbers` says the images' numbers:
//             0 where an image's index is its number; out [B, H, W, 3]
//   defines   THREADS
//   launch    grid (B, parts), THREADS threads: the blocks of a column of the grid share an image
//   requires  an index outside 0 … N − 1 is not followed: its image becomes NaN, which the loss then shows
//   bytes     15 per pixel: 3 read, 12 written
//   FLOPs     6 per pixel
//   limit     memory
#include "prelude/philox.cuh"

constexpr int PIXELS = 4;  // per thread and step: 12 floats, which three 16-byte accesses write

extern "C" __global__ void __launch_bounds__(THREADS)
augment_forward(element* __restrict__ out,                 // [B, H, W, 3]
                const unsigned char* __restrict__ images,  // [N, R, C, 3]
                const int* __restrict__ indices,           // [≥ offset + B]
                int n, int offset, int numbers, int rows, int columns, int height, int width,
                int top, int left, int places_y, int places_x, int flip,
                float scale0, float scale1, float scale2,  // 1 / (255 std)
                float shift0, float shift1, float shift2,  // −mean / std
                unsigned long long seed, unsigned long long step, unsigned stream) {
    const int pixels = height * width;
    const int index = indices[offset + (int)blockIdx.x];
    const bool known = (unsigned)index < (unsigned)n;
    const float missing = __int_as_float(0x7fc00000);  // NaN
    const float scale[3] = {scale0, scale1, scale2};
    const float shift[3] = {known ? shift0 : missing, known ? shift1 : missing, known ? shift2 : missing};

    const int number = indices[numbers + offset + (int)blockIdx.x];
    const RandomWords random = random_words((unsigned)number, seed, step, stream);
    // The high half of a product with the number of choices: a word becomes a choice without a division.
    const int down = top + (int)__umulhi(random.word[0], places_y);
    const int right = left + (int)__umulhi(random.word[1], places_x);
    const bool mirrored = flip && random.word[2] >> 31;

    const unsigned char* picture = images + (size_t)(known ? index : 0) * rows * columns * 3;
    const size_t start = (size_t)blockIdx.x * pixels;  // this image's first pixel in the output
    const bool aligned = start % 4 == 0;               // then 12-float groups start on 16 bytes

    const int stride = (int)gridDim.y * THREADS * PIXELS;
    for (int p = ((int)blockIdx.y * THREADS + (int)threadIdx.x) * PIXELS; p < pixels; p += stride) {
        float value[3 * PIXELS];
        // Row and column of the group's first pixel; the others follow by counting.
        int y = p / width, x = p % width;
        UNROLL for (int i = 0; i < PIXELS; ++i) {
            const int from_y = y + down, from_x = (mirrored ? width - 1 - x : x) + right;
            // unsigned: one comparison each finds what is above or below, left or right
            const bool inside = known && (unsigned)from_y < (unsigned)rows && (unsigned)from_x < (unsigned)columns;
            const int at = inside ? (from_y * columns + from_x) * 3 : 0;  // pixels past the last are not stored
            UNROLL for (int c = 0; c < 3; ++c) {
                value[3 * i + c] = fmaf(inside ? (float)picture[at + c] : 0.0f, scale[c], shift[c]);
            }
            if (++x == width) x = 0, ++y;
        }
        element* to = out + (start + p) * 3;
        const int valid = min(pixels - p, PIXELS) * 3;  // floats of this group that exist
        UNROLL for (int v = 0; v < 3 * PIXELS; v += 4) {
            vec<4> four;
            UNROLL for (int i = 0; i < 4; ++i) four[i] = value[v + i];
            if (aligned) store_partial<4>(to + v, four, valid - v);
            else store_partial<4, 1>(to + v, four, valid - v);
        }
    }
}

// The labels of the same batch, or of the batch turned by some places. One that an index out of range asks for becomes −1,
// which is no class.
extern "C" __global__ void __launch_bounds__(THREADS)
augment_forward_labels(int* __restrict__ out,            // [B]
                       const int* __restrict__ labels,   // [N]
                       const int* __restrict__ indices,  // [≥ offset + B]
                       int n, int offset, int batch, int turn) {
    for (int b = (int)(blockIdx.x * THREADS + threadIdx.x); b < batch; b += (int)gridDim.x * THREADS) {
        const int index = indices[offset + (b + turn) % batch];
        out[b] = (unsigned)index < (unsigned)n ? labels[index] : -1;
    }
}
