#pragma once
#include <zmq.h>

// Among zmq.h's drafts, though every libzmq since 4.3.0 takes it.
enum { SLUICE_ZMQ_ZAP_ENFORCE_DOMAIN = 93 };
