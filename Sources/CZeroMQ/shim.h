#pragma once
#include <zmq.h>

// zmq.h lists this option among its drafts, although every libzmq since 4.3.0 accepts it.
enum { SLUICE_ZMQ_ZAP_ENFORCE_DOMAIN = 93 };
