#include "CKernels.h"

// The kernels of AVX-512, with its number of accumulators, in instructions that every machine has. So the division of the work is
// checked on machines without AVX-512 too.
#define ACCUMULATORS 16
#define CACHED_BYTES (32 * 1024)
#define SET(name) name##_as_avx512
#define SET_NAME "as avx512"
#include "kernels.inc"
