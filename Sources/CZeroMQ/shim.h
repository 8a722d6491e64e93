#pragma once
#include <zmq.h>

// zmq.h defines this option only as part of its draft API, although every libzmq since 4.3.0 accepts it.
enum { SLUICE_ZMQ_ZAP_ENFORCE_DOMAIN = 93 };
