#pragma once
// The functions for SHA-256 with a state that is a plain value count as old, but no other ones have such a state.
#define OPENSSL_SUPPRESS_DEPRECATED
#include <openssl/sha.h>
