#ifndef SLUICE_FAULT_INJECTOR_H
#define SLUICE_FAULT_INJECTOR_H

#include <stdint.h>

// A library to preload into a program. It has two features. Each feature is active only if its environment variables
// are set:
//
// SLUICE_FAULT_FOLDER, SLUICE_FAULT_LOG: the library records every change to the named folder and its contents in the
// named log, in order, so that a test can simulate a power cut. A record is a `fault_record`, then the path, then the
// written bytes.
//
// SLUICE_FAULT_CLOCK: the library shifts the time of day by the number of seconds that the named file contains. Other
// clocks stay unchanged.
struct fault_record {
    // w: bytes were written at the offset; t: a file was cut or extended to the offset; s: a file or folder was synced; c: a
    // file was created; d: a folder was created; u: a file was unlinked; r: a file was renamed to the path in the bytes.
    uint32_t operation;
    uint32_t path_length;
    int64_t offset;
    uint64_t length;
};

#endif
