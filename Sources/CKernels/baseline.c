#include "CKernels.h"

// What every machine of the kind can run: SSE2 on x86-64, NEON on arm64, which has fused multiply-adds.
#define LANES 4
#define SET(name) name##_baseline
#ifdef __aarch64__
#define SET_NAME "neon"
#else
#define SET_NAME "baseline"
#endif
#include "kernels.inc"
