// Publishes messages of one size to a JetStream stream, as fast as its acknowledgements allow, and prints the seconds.
// tools/bench/cluster compares a gateway with it.
//
//   cc -O2 nats_publisher.c -lnats -o nats_publisher && nats_publisher URL SUBJECT BYTES MESSAGES IN_FLIGHT

#include <nats/nats.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

static void check(natsStatus status, const char *operation) {
    if (status == NATS_OK) return;
    fprintf(stderr, "cannot %s: %s\n", operation, natsStatus_GetText(status));
    exit(69);
}

static double now(void) {
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return time.tv_sec + time.tv_nsec / 1e9;
}

int main(int count, char **arguments) {
    if (count != 6) {
        fprintf(stderr, "usage: nats_publisher URL SUBJECT BYTES MESSAGES IN_FLIGHT\n");
        return 64;
    }
    int length = atoi(arguments[3]);
    long messages = atol(arguments[4]);
    char *payload = calloc(1, length);

    natsOptions *options = NULL;
    natsConnection *connection = NULL;
    jsCtx *stream = NULL;
    jsOptions stream_options;
    check(natsOptions_Create(&options), "create options");
    check(natsOptions_SetURL(options, arguments[1]), "use the URL");
    check(natsConnection_Connect(&connection, options), "connect");
    check(jsOptions_Init(&stream_options), "create options");
    stream_options.PublishAsync.MaxPending = atol(arguments[5]);
    check(natsConnection_JetStream(&stream, connection, &stream_options), "use JetStream");

    double start = now();
    for (long message = 0; message < messages; message++) {
        check(js_PublishAsync(stream, arguments[2], payload, length, NULL), "publish");
    }
    check(js_PublishAsyncComplete(stream, NULL), "wait for the last answer");
    natsMsgList failed;
    check(js_PublishAsyncGetPendingList(&failed, stream) == NATS_NOT_FOUND ? NATS_OK : NATS_ERR, "publish all messages");
    printf("%.6f\n", now() - start);

    jsCtx_Destroy(stream);
    natsConnection_Destroy(connection);
    natsOptions_Destroy(options);
    free(payload);
    return 0;
}
