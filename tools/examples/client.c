// Sends timesteps of one stream and prints the daemon's decisions, using only libzmq:
//
//     cc client.c -lzmq -o client && ./client INGEST DECISIONS STREAM VALUE...
//
// Works for a model with one feature and one output, on a little-endian machine such as x86-64 or arm64.
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <zmq.h>

#define IN_FORCE "!sluice/subscribed/client.c"

// One decision in the protocol's layout: 28 bytes and one output.
struct __attribute__((packed)) record {
    uint64_t sequence, step;
    int64_t time;
    uint16_t flags;
    uint8_t label, outputs;
    float probability;
};

static void check(int result, const char *operation) {
    if (result >= 0) return;
    fprintf(stderr, "%s: %s\n", operation, zmq_strerror(zmq_errno()));
    exit(EXIT_FAILURE);
}

static void *connected(void *context, int kind, const char *endpoint) {
    void *socket = zmq_socket(context, kind);
    int timeout = 5000;
    check(zmq_setsockopt(socket, ZMQ_RCVTIMEO, &timeout, sizeof timeout), "timeout");
    check(zmq_connect(socket, endpoint), endpoint);
    return socket;
}

int main(int count, char **arguments) {
    if (count < 5) {
        fprintf(stderr, "usage: %s INGEST DECISIONS STREAM VALUE...\n", arguments[0]);
        return 64;
    }
    const char *stream = arguments[3];
    void *context = zmq_ctx_new();

    // The daemon answers the second subscription once both are active. After that, no decision is missed.
    void *subscriber = connected(context, ZMQ_SUB, arguments[2]);
    char topic[256], content[4096];
    check(zmq_setsockopt(subscriber, ZMQ_SUBSCRIBE, stream, strlen(stream)), "subscription");
    check(zmq_setsockopt(subscriber, ZMQ_SUBSCRIBE, IN_FORCE, strlen(IN_FORCE)), "subscription");
    do {
        check(zmq_recv(subscriber, topic, sizeof topic, 0), "the daemon did not confirm the subscription");
        check(zmq_recv(subscriber, content, sizeof content, 0), "confirmation");
    } while (memcmp(topic, IN_FORCE, strlen(IN_FORCE)) != 0);

    // An XPUB socket receives the daemon's subscription. A message sent before it would be lost.
    void *producer = connected(context, ZMQ_XPUB, arguments[1]);
    check(zmq_recv(producer, topic, sizeof topic, 0), "the daemon did not subscribe");
    for (int index = 4; index < count; index++) {
        float value = strtof(arguments[index], NULL);
        check(zmq_send(producer, stream, strlen(stream), ZMQ_SNDMORE), "stream id");
        check(zmq_send(producer, &value, sizeof value, 0), "timestep");
    }
    for (int index = 4; index < count;) {
        int length = zmq_recv(subscriber, topic, sizeof topic, 0);
        check(length, "no decision");
        struct record record;
        check(zmq_recv(subscriber, &record, sizeof record, 0), "decision");
        // A subscription selects a prefix. Decisions of other streams may therefore arrive too.
        if ((size_t)length != strlen(stream) || memcmp(topic, stream, length) != 0) continue;
        printf("%s %llu %.6f %d\n", stream, (unsigned long long)record.sequence, record.probability, record.label);
        index++;
    }
    zmq_close(producer);
    zmq_close(subscriber);
    zmq_ctx_term(context);
    return 0;
}
