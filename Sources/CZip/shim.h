#pragma once
#include <zip.h>

// A GNU extension, which Swift's Glibc module does not declare.
void *memmem(const void *bytes, size_t size, const void *part, size_t part_size);
