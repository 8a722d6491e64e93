#ifndef SLUICE_ALLOCATION_COUNTER_H
#define SLUICE_ALLOCATION_COUNTER_H

// The counts that the preloaded library keeps in the file named by the environment variable SLUICE_ALLOCATIONS. Another
// process may read the file at any time. The library counts only threads whose names begin with the value of
// SLUICE_ALLOCATIONS_THREADS.
struct allocation_counts {
    // Allocations by libzmq itself: message contents and chunks of its queues.
    unsigned long by_libzmq;
    // All other allocations: by the program, by Swift's runtime and by other libraries.
    unsigned long by_others;
    // The call stack of the last allocation in `by_others`. Each line has a caller's file and the offset in that file.
    char last[2048];
};

#endif
