#include "CKernels.h"

// The kernels as AVX-512 has them, with as many sums at once, in instructions that every machine has: so that how they part
// their work is checked where nobody has AVX-512.
#define SUMS 16
#define CACHED_BYTES (32 * 1024)
#define SET(name) name##_as_avx512
#define SET_NAME "as avx512"
#include "kernels.inc"
