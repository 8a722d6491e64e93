#include "CKernels.h"

// The AVX-512 kernels with the same number of accumulators, but built from instructions that every machine has. A
// machine without AVX-512 can thus check how these kernels divide the work.
#define ACCUMULATORS 16
#define CACHED_BYTES (32 * 1024)
#define SET(name) name##_as_avx512
#define SET_NAME "as avx512"
#include "kernels.inc"
