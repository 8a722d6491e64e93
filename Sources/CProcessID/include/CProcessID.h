#ifndef SLUICE_PROCESS_ID_H
#define SLUICE_PROCESS_ID_H

#include <sys/types.h>

// The process's id, as the C library gives it, in place of the C library's: kept, and asked for again in a process that was
// forked. A program that has this in it has it for all its libraries.
//
// libzmq asks at each look at a mailbox, to find out whether it has been forked, and glibc (2.25 and later) asks the system
// each time: half of the system calls that a message costs that comes alone.
pid_t getpid(void);

#endif
