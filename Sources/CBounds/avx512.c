#ifdef __x86_64__
#include "CBounds.h"

#pragma clang attribute push(__attribute__((target("avx512f,avx512dq,avx512vl,fma"))), apply_to = function)
#define LANES 16
#define SET(name) name##_avx512
#define SET_NAME "avx512"
#include "bounds.inc"
#pragma clang attribute pop
#endif
