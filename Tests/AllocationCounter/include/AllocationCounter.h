#ifndef SLUICE_ALLOCATION_COUNTER_H
#define SLUICE_ALLOCATION_COUNTER_H

// What the library has counted in a process that it is preloaded into, in the file that the environment variable
// SLUICE_ALLOCATIONS names; whoever opens the file may read it at any time. Counted are the threads whose name begins with
// SLUICE_ALLOCATIONS_THREADS.
struct allocation_counts {
    // Allocations that libzmq asked for by itself: content of messages, chunks of its queues.
    unsigned long by_libzmq;
    // All others: those of the program, of Swift's runtime and of other libraries.
    unsigned long by_others;
    // Who asked for the last of the others, and who called that: a line each, a file and an offset within it.
    char last[2048];
};

#endif
