#ifndef SLUICE_FAULT_INJECTOR_H
#define SLUICE_FAULT_INJECTOR_H

#include <stdint.h>

// Preloaded into a program, the library does two things, each where its environment variables are set:
//
// SLUICE_FAULT_FOLDER, SLUICE_FAULT_LOG: all that changes the folder, and all that is in it, is recorded in the log, in order,
// so that a test can make a power cut of it. A record is this header, then the path, then the bytes that were written.
//
// SLUICE_FAULT_CLOCK: the time of day is off by as many seconds as the file says. Other clocks are left alone.
struct fault_record {
    // w: bytes were written at an offset, t: a file was cut or extended to an offset, s: a file or folder was synced,
    // c: a file was created, d: a folder was created, u: a file was unlinked, r: a file was renamed, to the path that the
    // bytes are.
    uint32_t operation;
    uint32_t path_length;
    int64_t offset;
    uint64_t length;
};

#endif
