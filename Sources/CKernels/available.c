#include "CKernels.h"

extern const struct sluice_kernels sluice_kernels_baseline;
#ifdef __x86_64__
extern const struct sluice_kernels sluice_kernels_avx2;
extern const struct sluice_kernels sluice_kernels_avx512;
#endif

const struct sluice_kernels *const *sluice_kernels_available(int *count) {
#ifdef __x86_64__
    static const struct sluice_kernels *const all[] = {
        &sluice_kernels_avx512, &sluice_kernels_avx2, &sluice_kernels_baseline};
    int has_avx2 = __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma");
    int has_avx512 = has_avx2 && __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512dq")
        && __builtin_cpu_supports("avx512vl");
    int first = has_avx512 ? 0 : has_avx2 ? 1 : 2;
    *count = 3 - first;
    return all + first;
#else
    static const struct sluice_kernels *const all[] = {&sluice_kernels_baseline};
    *count = 1;
    return all;
#endif
}
