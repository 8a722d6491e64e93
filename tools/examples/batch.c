// Sends one timestep for each of many streams in a single message, using only libzmq:
//
//     cc batch.c -lzmq -o batch && ./batch INGEST STREAM VALUE [STREAM VALUE]...
//
// INGEST is an endpoint of the daemon with the codec batch and PULL, such as --ingest batch:pull:@tcp://127.0.0.1:5555.
// Works for a model with one feature, on a little-endian machine such as x86-64 or arm64.
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <zmq.h>

// The first frame.
struct __attribute__((packed)) header {
    uint8_t version, kind, type, reserved;
    uint32_t count;
    uint64_t dictionary;
};

enum { IDS = 0, FLOAT32 = 0 };

static void check(int result, const char *operation) {
    if (result >= 0) return;
    fprintf(stderr, "%s: %s\n", operation, zmq_strerror(zmq_errno()));
    exit(EXIT_FAILURE);
}

int main(int argument_count, char **arguments) {
    int count = (argument_count - 2) / 2;
    if (count < 1 || argument_count != 2 + 2 * count) {
        fprintf(stderr, "usage: %s INGEST STREAM VALUE [STREAM VALUE]...\n", arguments[0]);
        return 64;
    }
    size_t width = 1;
    for (int entry = 0; entry < count; entry++) {
        size_t length = strlen(arguments[2 + 2 * entry]);
        if (length > width) width = length;
    }
    // Each id is padded with zero bytes to the width of the longest.
    char *ids = calloc(count, width);
    float *values = calloc(count, sizeof *values);
    for (int entry = 0; entry < count; entry++) {
        memcpy(ids + entry * width, arguments[2 + 2 * entry], strlen(arguments[2 + 2 * entry]));
        values[entry] = strtof(arguments[3 + 2 * entry], NULL);
    }
    struct header header = {.version = 1, .kind = IDS, .type = FLOAT32, .count = count};

    void *context = zmq_ctx_new();
    void *producer = zmq_socket(context, ZMQ_PUSH);
    int timeout = 5000, at_once = 1;
    check(zmq_setsockopt(producer, ZMQ_LINGER, &timeout, sizeof timeout), "linger");
    check(zmq_setsockopt(producer, ZMQ_SNDTIMEO, &timeout, sizeof timeout), "timeout");
    check(zmq_setsockopt(producer, ZMQ_IMMEDIATE, &at_once, sizeof at_once), "immediate");
    check(zmq_connect(producer, arguments[1]), arguments[1]);
    check(zmq_send(producer, &header, sizeof header, ZMQ_SNDMORE), "header");
    check(zmq_send(producer, ids, count * width, ZMQ_SNDMORE), "ids");
    check(zmq_send(producer, values, count * sizeof *values, 0), "values");
    zmq_close(producer);
    zmq_ctx_term(context);
    free(values);
    free(ids);
    return 0;
}
