#include "CKernels.h"

// The kernels as for AVX-512, with its number of accumulators, but with instructions that every machine has. Machines
// without AVX-512 can thus check the division of the work too.
#define ACCUMULATORS 16
#define CACHED_BYTES (32 * 1024)
#define SET(name) name##_as_avx512
#define SET_NAME "as avx512"
#include "kernels.inc"
