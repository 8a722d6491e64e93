#ifndef SLUICE_BOUNDS_H
#define SLUICE_BOUNDS_H

// What a core can do at best, in loops that do nothing else, compiled once for each set of vector instructions. The engine is
// measured against them.
struct sluice_bounds {
    // As sluice_kernels has it: "baseline", "avx2", "avx512" or "neon".
    const char *name;

    // Floats in a vector.
    long lanes;

    // `rounds` times SLUICE_BOUNDS_CHAINS vector multiply-adds, each chain needing only its own last result. Returns a number
    // that hangs on all of them, as the others do.
    float (*multiply_add)(long rounds);

    // e^x of `count` floats, which is a multiple of the lanes: the range reduced, then a polynomial of degree 5.
    float (*exponential)(float *y, const float *x, long count);

    // `rounds` vector multiply-adds, each of which needs the one before.
    float (*multiply_add_chain)(long rounds);

    // `rounds` times 1 / (1 + e^-y) of the one before.
    float (*logistic_chain)(long rounds);

    // Reads `count` floats, a multiple of 8 vectors, again and again, and adds them up.
    float (*read)(const float *x, long count, long repetitions);
};

// Enough of them to hide a multiply-add's latency at two a cycle, and few enough for 16 registers.
#define SLUICE_BOUNDS_CHAINS 12

// The loops of one set, or NULL where the program has none of the name. Whether the machine can run it is for the caller to
// know.
const struct sluice_bounds *sluice_bounds_named(const char *name);

#endif
