// Random numbers by counting: Philox 4x32-10.
//
// J. K. Salmon, M. A. Moraes, R. O. Dror, D. E. Shaw, "Parallel random numbers: as easy as 1, 2, 3", SC 2011. Ten
// rounds of multiply and exclusive-or turn a 128-bit counter and a 64-bit key into four random words. There is no
// state: a thread asks for exactly the numbers it wants, so they depend neither on how many threads there are nor on
// the order in which they run, and a backward pass makes its mask anew instead of storing it. Integers only: every
// device computes the same bits. engine/src/op/random.rs has the same function in Rust.
//
//   defines   none
#pragma once
#include "prelude/vec.cuh"

struct RandomWords {
    unsigned word[4];
};

__device__ __forceinline__ RandomWords philox(unsigned c0, unsigned c1, unsigned c2, unsigned c3,  // counter
                                              unsigned k0, unsigned k1) {                          // key
    constexpr unsigned MULTIPLY_0 = 0xD2511F53u, MULTIPLY_2 = 0xCD9E8D57u;  // from the paper, as are the
    constexpr unsigned WEYL_0 = 0x9E3779B9u, WEYL_1 = 0xBB67AE85u;          // golden ratio, √3 − 1: the key schedule
    UNROLL for (int round = 0; round < 10; ++round) {
        const unsigned high0 = __umulhi(MULTIPLY_0, c0), low0 = MULTIPLY_0 * c0;
        const unsigned high2 = __umulhi(MULTIPLY_2, c2), low2 = MULTIPLY_2 * c2;
        // The halves change places, so that each round mixes what the last one left apart.
        c0 = high2 ^ c1 ^ k0;
        c1 = low2;
        c2 = high0 ^ c3 ^ k1;
        c3 = low0;
        k0 += WEYL_0;
        k1 += WEYL_1;
    }
    return {{c0, c1, c2, c3}};
}

// Block number `index` of the random numbers that belong to (seed, step, stream); random::Key says what those are.
__device__ __forceinline__ RandomWords random_words(unsigned index, unsigned long long seed, unsigned long long step,
                                                    unsigned stream) {
    return philox(index, stream, (unsigned)step, (unsigned)(step >> 32), (unsigned)seed, (unsigned)(seed >> 32));
}
