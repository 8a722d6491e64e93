#include "CKernels.h"

#ifdef __x86_64__
#include <immintrin.h>

// The bits of MXCSR that make the processor treat denormal operands and results as zero.
#define FLUSHES (0x0040 | 0x8000)

unsigned long sluice_flush_denormals(void) {
    unsigned mode = _mm_getcsr();
    _mm_setcsr(mode | FLUSHES);
    return mode;
}

void sluice_restore_denormals(unsigned long mode) { _mm_setcsr((unsigned)mode); }
#elif defined(__aarch64__)
// The FZ bit of FPCR, which makes the processor treat denormal operands and results as zero.
#define FLUSHES (1ul << 24)

unsigned long sluice_flush_denormals(void) {
    unsigned long mode;
    __asm__ volatile("mrs %0, fpcr" : "=r"(mode));
    __asm__ volatile("msr fpcr, %0" : : "r"(mode | FLUSHES));
    return mode;
}

void sluice_restore_denormals(unsigned long mode) { __asm__ volatile("msr fpcr, %0" : : "r"(mode)); }
#else
unsigned long sluice_flush_denormals(void) { return 0; }
void sluice_restore_denormals(unsigned long mode) { (void)mode; }
#endif
