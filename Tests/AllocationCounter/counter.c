// A library to preload into a program. It replaces malloc and counts the calls. See AllocationCounter.h.
#define _GNU_SOURCE
#include "AllocationCounter.h"

#include <dlfcn.h>
#include <execinfo.h>
#include <fcntl.h>
#include <link.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <unistd.h>

// glibc's names for the functions that this file replaces.
extern void *__libc_malloc(size_t);
extern void *__libc_calloc(size_t, size_t);
extern void *__libc_realloc(void *, size_t);
extern void *__libc_memalign(size_t, size_t);

static struct allocation_counts *counts;
static char threads[16];

__attribute__((constructor)) static void start(void) {
    const char *path = getenv("SLUICE_ALLOCATIONS");
    const char *names = getenv("SLUICE_ALLOCATIONS_THREADS");
    if (path == NULL || names == NULL) return;
    strncpy(threads, names, sizeof threads - 1);
    int file = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (file < 0 || ftruncate(file, sizeof *counts) != 0) abort();
    void *memory = mmap(NULL, sizeof *counts, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
    if (memory == MAP_FAILED) abort();
    // The first call of `backtrace` loads a library, which allocates.
    void *frame;
    backtrace(&frame, 1);
    counts = memory;
}

static int is_counted_thread(void) {
    char name[16] = "";
    prctl(PR_GET_NAME, name);
    return strncmp(name, threads, strlen(threads)) == 0;
}

// Returns the file that an address was loaded from and stores the address's offset in that file. `dladdr` would also
// look for a symbol, which is not needed here.
static const char *file_of(void *address, unsigned long *offset) {
    struct dl_find_object found;
    *offset = 0;
    if (_dl_find_object(address, &found) != 0) return "?";
    *offset = (unsigned long)((char *)address - (char *)found.dlfo_link_map->l_addr);
    // The program itself has no name in the link map.
    const char *name = found.dlfo_link_map->l_name;
    return name[0] ? name : "the program";
}

static void note_callers(void *caller) {
    void *frames[16];
    int depth = backtrace(frames, 16);
    // Skip the frames before the caller, because they belong to this file. If the stack cannot be walked, list only the
    // caller.
    int first = 0;
    while (first < depth && frames[first] != caller) first++;
    if (first == depth) {
        first = 0;
        depth = 1;
        frames[0] = caller;
    }
    size_t length = 0;
    for (int k = first; k < depth; k++) {
        unsigned long offset;
        const char *file = file_of(frames[k], &offset);
        size_t room = sizeof counts->last - length;
        size_t written = (size_t)snprintf(counts->last + length, room, "%s+0x%lx\n", file, offset);
        if (written >= room) return;
        length += written;
    }
}

// Counts an allocation, either for libzmq or for all other callers.
static void count(void *caller) {
    static _Thread_local int is_counting;
    if (counts == NULL || is_counting || !is_counted_thread()) return;
    // The functions called below may allocate. Those allocations do not count.
    is_counting = 1;
    unsigned long offset;
    if (strstr(file_of(caller, &offset), "libzmq") != NULL) {
        __atomic_fetch_add(&counts->by_libzmq, 1, __ATOMIC_RELAXED);
    } else {
        note_callers(caller);
        __atomic_fetch_add(&counts->by_others, 1, __ATOMIC_RELEASE);
    }
    is_counting = 0;
}

#define COUNT() count(__builtin_return_address(0))

void *malloc(size_t size) {
    COUNT();
    return __libc_malloc(size);
}

void *calloc(size_t number, size_t size) {
    COUNT();
    return __libc_calloc(number, size);
}

void *realloc(void *old, size_t size) {
    COUNT();
    return __libc_realloc(old, size);
}

void *memalign(size_t alignment, size_t size) {
    COUNT();
    return __libc_memalign(alignment, size);
}

void *aligned_alloc(size_t alignment, size_t size) {
    COUNT();
    return __libc_memalign(alignment, size);
}

int posix_memalign(void **result, size_t alignment, size_t size) {
    COUNT();
    void *memory = __libc_memalign(alignment, size);
    if (memory == NULL) return 12;  // ENOMEM
    *result = memory;
    return 0;
}

// Replace C++'s `new` too. Otherwise every allocation by `new` would be attributed to libstdc++, which calls malloc.
void *_Znwm(size_t size) {
    COUNT();
    void *memory = __libc_malloc(size ? size : 1);
    if (memory == NULL) abort();
    return memory;
}

void *_ZnwmRKSt9nothrow_t(size_t size, const void *unused) {
    (void)unused;
    COUNT();
    return __libc_malloc(size ? size : 1);
}
