#include "CBounds.h"
#include <stddef.h>
#include <string.h>

extern const struct sluice_bounds sluice_bounds_baseline;
#ifdef __x86_64__
extern const struct sluice_bounds sluice_bounds_avx2;
extern const struct sluice_bounds sluice_bounds_avx512;
#endif

const struct sluice_bounds *sluice_bounds_named(const char *name) {
    static const struct sluice_bounds *const all[] = {
        &sluice_bounds_baseline,
#ifdef __x86_64__
        &sluice_bounds_avx2,
        &sluice_bounds_avx512,
#endif
    };
    for (size_t k = 0; k < sizeof all / sizeof all[0]; k++)
        if (strcmp(all[k]->name, name) == 0) return all[k];
    return NULL;
}
