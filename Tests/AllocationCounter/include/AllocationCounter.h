#ifndef SLUICE_ALLOCATION_COUNTER_H
#define SLUICE_ALLOCATION_COUNTER_H

// The counts of the preloaded library, in the file named by the environment variable SLUICE_ALLOCATIONS. Another process may
// read the file at any time. Only threads whose name begins with SLUICE_ALLOCATIONS_THREADS count.
struct allocation_counts {
    // Allocations by libzmq itself: contents of messages, and chunks of its queues.
    unsigned long by_libzmq;
    // All other allocations: by the program, by Swift's runtime and by other libraries.
    unsigned long by_others;
    // The call stack of the last other allocation: one line per caller, with a file and an offset in it.
    char last[2048];
};

#endif
