#include "CKernels.h"

// The baseline set, which every machine of its architecture can run: SSE2 on x86-64, NEON on arm64. NEON has twice as
// many registers as SSE2, and it has fused multiply-adds.
#define CACHED_BYTES (512 * 1024)
#define SET(name) name##_baseline
#ifdef __aarch64__
#define ACCUMULATORS 4
#define HAS_FUSED_MULTIPLY_ADD
#define SET_NAME "neon"
#else
#define ACCUMULATORS 2
#define SET_NAME "baseline"
#endif
#include "kernels.inc"
