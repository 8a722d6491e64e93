#ifndef SLUICE_BOUNDS_H
#define SLUICE_BOUNDS_H

// Loops that measure the peak rates of a core, compiled once per vector instruction set. The engine's rates are
// compared with these bounds.
struct sluice_bounds {
    // The name of the instruction set, as in sluice_kernels: "baseline", "avx2", "avx512" or "neon".
    const char *name;

    // The number of floats in a vector.
    long lanes;

    // Computes `rounds` vector multiply-adds in each of SLUICE_BOUNDS_CHAINS independent chains. Like every function
    // here, it returns a number that depends on all results, so that the compiler cannot remove the loop.
    float (*multiply_add)(long rounds);

    // Computes y = e^x for `count` floats, using a range reduction and a polynomial of degree 5. `count` must be a
    // multiple of `lanes`.
    float (*exponential)(float *y, const float *x, long count);

    // Computes `rounds` vector multiply-adds, each of which needs the result of the previous one.
    float (*multiply_add_chain)(long rounds);

    // Computes y = 1 / (1 + e^-y) `rounds` times, each time from the previous y.
    float (*logistic_chain)(long rounds);

    // Reads `count` floats `repetitions` times and adds them up. `count` must be a multiple of 8 times `lanes`.
    float (*read)(const float *x, long count, long repetitions);
};

// The number of chains: enough to hide the latency of a multiply-add on a core that starts two per cycle, and few
// enough to fit into 16 registers.
#define SLUICE_BOUNDS_CHAINS 12

// Returns the loops for an instruction set, or NULL if the program was built without a set of this name. The caller
// must check that the machine supports the set.
const struct sluice_bounds *sluice_bounds_named(const char *name);

#endif
