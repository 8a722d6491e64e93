#ifdef __x86_64__
#include "CKernels.h"

#pragma clang attribute push(__attribute__((target("avx512f,avx512dq,avx512vl,fma"))), apply_to = function)
#define ACCUMULATORS 16
#define HAS_FUSED_MULTIPLY_ADD
#define CACHED_BYTES (32 * 1024)
#define SET(name) name##_avx512
#define SET_NAME "avx512"
#include "kernels.inc"
#pragma clang attribute pop
#endif
