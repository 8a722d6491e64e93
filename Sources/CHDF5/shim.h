#pragma once
#include <hdf5.h>

// HDF5's predefined types and property-list classes are macros over global variables that the library fills in when
// it is opened: Swift imports neither. Each function below is one such macro.
static inline hid_t sluice_H5T_NATIVE_FLOAT(void) { return H5T_NATIVE_FLOAT; }
static inline hid_t sluice_H5P_FILE_ACCESS(void) { return H5P_FILE_ACCESS; }

// Constants whose macros hold a cast or a side effect.
static inline unsigned sluice_H5F_ACC_RDONLY(void) { return H5F_ACC_RDONLY; }
static inline hid_t sluice_H5S_ALL(void) { return H5S_ALL; }

// H5Eset_auto is a macro that chooses between two versions of the call.
static inline herr_t sluice_H5E_silence(void) { return H5Eset_auto2(H5E_DEFAULT, NULL, NULL); }

// H5Lget_info has two versions as well, each with a struct of its own. Positive: the name leads to an object of the
// same file. Zero: it is a soft or an external link. Negative: it could not be read.
static inline htri_t sluice_H5L_is_hard(hid_t group, const char *name) {
    H5L_info_t info;
    return H5Lget_info(group, name, &info, H5P_DEFAULT) < 0 ? -1 : info.type == H5L_TYPE_HARD;
}
