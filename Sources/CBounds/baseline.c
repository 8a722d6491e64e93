#include "CBounds.h"

// SSE2 on x86-64, NEON on arm64.
#define LANES 4
#define SET(name) name##_baseline
#ifdef __aarch64__
#define SET_NAME "neon"
#else
#define SET_NAME "baseline"
#endif
#include "bounds.inc"
