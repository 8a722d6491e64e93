#pragma once
#include <hdf5.h>

// HDF5's predefined types and property-list classes are macros over global variables that the library fills in when
// it is opened: Swift imports neither. Each function below is one such macro.
static inline hid_t sluice_H5T_NATIVE_FLOAT(void) { return H5T_NATIVE_FLOAT; }
static inline hid_t sluice_H5P_FILE_ACCESS(void) { return H5P_FILE_ACCESS; }

// H5Eset_auto is a macro that chooses between two versions of the call.
static inline herr_t sluice_H5E_silence(void) { return H5Eset_auto2(H5E_DEFAULT, NULL, NULL); }
