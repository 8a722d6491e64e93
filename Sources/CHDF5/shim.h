#pragma once
#include <hdf5.h>

// HDF5's predefined types and property-list classes are macros over global variables, which the library sets when it is
// opened. Swift does not import these macros. Each function below wraps one of them.
static inline hid_t sluice_H5T_NATIVE_FLOAT(void) { return H5T_NATIVE_FLOAT; }
static inline hid_t sluice_H5T_NATIVE_INT64(void) { return H5T_NATIVE_INT64; }
static inline hid_t sluice_H5T_IEEE_F32LE(void) { return H5T_IEEE_F32LE; }
static inline hid_t sluice_H5T_STD_I64LE(void) { return H5T_STD_I64LE; }
static inline hid_t sluice_H5T_C_S1(void) { return H5T_C_S1; }
static inline hid_t sluice_H5P_FILE_ACCESS(void) { return H5P_FILE_ACCESS; }
static inline hid_t sluice_H5P_LINK_CREATE(void) { return H5P_LINK_CREATE; }
static inline hid_t sluice_H5P_DATASET_CREATE(void) { return H5P_DATASET_CREATE; }

// Constants whose macros Swift does not import, because the macros contain a cast or a side effect.
static inline unsigned sluice_H5F_ACC_RDONLY(void) { return H5F_ACC_RDONLY; }
static inline unsigned sluice_H5F_ACC_TRUNC(void) { return H5F_ACC_TRUNC; }
static inline size_t sluice_H5T_VARIABLE(void) { return H5T_VARIABLE; }
static inline hid_t sluice_H5S_ALL(void) { return H5S_ALL; }

// H5Eset_auto is a macro that chooses between two versions of the call.
static inline herr_t sluice_H5E_silence(void) { return H5Eset_auto2(H5E_DEFAULT, NULL, NULL); }

// H5Lget_info also has two versions, which fill different structs. This function returns a positive number for a hard
// link, which leads to an object in the same file; zero for a soft or external link; and a negative number if the link
// cannot be read.
static inline htri_t sluice_H5L_is_hard(hid_t group, const char *name) {
    H5L_info_t info;
    return H5Lget_info(group, name, &info, H5P_DEFAULT) < 0 ? -1 : info.type == H5L_TYPE_HARD;
}
