#include "CKernels.h"

// The kernels of the AVX-512 set, but built from instructions that every machine has. The number of accumulators is the
// same, so a machine without AVX-512 can check how the kernels divide the work.
#define ACCUMULATORS 16
#define CACHED_BYTES (32 * 1024)
#define SET(name) name##_as_avx512
#define SET_NAME "as avx512"
#include "kernels.inc"
