#ifdef __x86_64__
#include "CBounds.h"

#pragma clang attribute push(__attribute__((target("avx2,fma"))), apply_to = function)
#define LANES 8
#define SET(name) name##_avx2
#define SET_NAME "avx2"
#include "bounds.inc"
#pragma clang attribute pop
#endif
