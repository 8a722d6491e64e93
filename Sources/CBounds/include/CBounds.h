#ifndef SLUICE_BOUNDS_H
#define SLUICE_BOUNDS_H

// Loops that measure the best rates of a core, compiled once per vector instruction set. The engine's rates are
// compared with these bounds.
struct sluice_bounds {
    // "baseline", "avx2", "avx512" or "neon": the name of the set in sluice_kernels.
    const char *name;

    // The number of floats in a vector.
    long lanes;

    // Computes `rounds` vector multiply-adds in each of SLUICE_BOUNDS_CHAINS independent chains. Like every function
    // here, returns a number that depends on every result, so that the compiler keeps the loop.
    float (*multiply_add)(long rounds);

    // Computes y = e^x for `count` floats, a multiple of `lanes`, by a range reduction and a polynomial of degree 5.
    float (*exponential)(float *y, const float *x, long count);

    // Computes `rounds` vector multiply-adds, each of which needs the result of the previous one.
    float (*multiply_add_chain)(long rounds);

    // Computes y = 1 / (1 + e^-y) `rounds` times, each time from the previous y.
    float (*logistic_chain)(long rounds);

    // Reads `count` floats, a multiple of 8 vectors, `repetitions` times, and adds them up.
    float (*read)(const float *x, long count, long repetitions);
};

// The number of chains. There are enough to hide the latency of a multiply-add at two per cycle, and few enough to fit
// into 16 registers.
#define SLUICE_BOUNDS_CHAINS 12

// Returns the loops of a set, or NULL if the program has no set with this name. The caller checks whether the machine
// can run the set.
const struct sluice_bounds *sluice_bounds_named(const char *name);

#endif
