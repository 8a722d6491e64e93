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

// The library copies the image of a file twice, unless callbacks say otherwise. With these callbacks it reads the caller's
// image, which the user data points to. The image must live until the file is closed.
static inline void *sluice_image_malloc(size_t size, H5FD_file_image_op_t operation, void *image) { return image; }
static inline void *sluice_image_memcpy(
    void *target, const void *source, size_t size, H5FD_file_image_op_t operation, void *image) { return target; }
static inline void *sluice_image_realloc(void *memory, size_t size, H5FD_file_image_op_t operation, void *image) {
    return NULL;
}
static inline herr_t sluice_image_free(void *memory, H5FD_file_image_op_t operation, void *image) { return 0; }
static inline void *sluice_image_copy_data(void *image) { return image; }
static inline herr_t sluice_image_free_data(void *image) { return 0; }

static inline herr_t sluice_H5P_borrow_image(hid_t list, const void *image, size_t size) {
    H5FD_file_image_callbacks_t callbacks = {
        sluice_image_malloc, sluice_image_memcpy, sluice_image_realloc, sluice_image_free, sluice_image_copy_data,
        sluice_image_free_data, (void *)image};
    herr_t status = H5Pset_file_image_callbacks(list, &callbacks);
    return status < 0 ? status : H5Pset_file_image(list, (void *)image, size);
}

// H5Lget_info also has two versions, which fill different structs. This function returns a positive number for a hard
// link, which leads to an object in the same file; zero for a soft or external link; and a negative number if the link
// cannot be read.
static inline htri_t sluice_H5L_is_hard(hid_t group, const char *name) {
    H5L_info_t info;
    return H5Lget_info(group, name, &info, H5P_DEFAULT) < 0 ? -1 : info.type == H5L_TYPE_HARD;
}
