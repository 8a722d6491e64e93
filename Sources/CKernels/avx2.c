#ifdef __x86_64__
#include "CKernels.h"

#pragma clang attribute push(__attribute__((target("avx2,fma"))), apply_to = function)
#define ACCUMULATORS 4
#define HAS_FUSED_MULTIPLY_ADD
#define CACHED_BYTES (32 * 1024)
#define SET(name) name##_avx2
#define SET_NAME "avx2"
#include "kernels.inc"
#pragma clang attribute pop
#endif
