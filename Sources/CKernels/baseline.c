#include "CKernels.h"

// What every machine of the kind can run: SSE2 on x86-64, NEON on arm64, which has twice the registers and fused multiply-adds.
#define CACHED_BYTES (512 * 1024)
#define SET(name) name##_baseline
#ifdef __aarch64__
#define SUMS 4
#define HAS_FUSED_MULTIPLY_ADD
#define SET_NAME "neon"
#else
#define SUMS 2
#define SET_NAME "baseline"
#endif
#include "kernels.inc"
