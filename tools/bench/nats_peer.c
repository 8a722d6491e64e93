// A bare client of JetStream, which tools/bench/cluster compares a node with. Prints the seconds.
//
//   cc -O2 nats_peer.c -lnats -o nats_peer
//   nats_peer publish URL SUBJECT BYTES MESSAGES IN_FLIGHT   publishes messages of one size
//   nats_peer consume URL STREAM SUBJECT MESSAGES            reads the first messages of a subject

#include <nats/nats.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { PULL = 64 };

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

static jsCtx *connect_to(const char *url, long in_flight) {
    natsOptions *options = NULL;
    natsConnection *connection = NULL;
    jsCtx *stream = NULL;
    jsOptions stream_options;
    check(natsOptions_Create(&options), "create options");
    check(natsOptions_SetURL(options, url), "use the URL");
    check(natsConnection_Connect(&connection, options), "connect");
    check(jsOptions_Init(&stream_options), "create options");
    stream_options.PublishAsync.MaxPending = in_flight;
    check(natsConnection_JetStream(&stream, connection, &stream_options), "use JetStream");
    return stream;
}

static void publish(jsCtx *stream, const char *subject, int length, long messages) {
    char *payload = calloc(1, length);
    for (long message = 0; message < messages; message++) {
        check(js_PublishAsync(stream, subject, payload, length, NULL), "publish");
    }
    check(js_PublishAsyncComplete(stream, NULL), "wait for the last answer");
    natsMsgList failed;
    check(js_PublishAsyncGetPendingList(&failed, stream) == NATS_NOT_FOUND ? NATS_OK : NATS_ERR, "publish all messages");
    free(payload);
}

static void consume(jsCtx *stream, const char *name, const char *subject, long messages) {
    natsSubscription *subscription = NULL;
    jsSubOptions options;
    check(jsSubOptions_Init(&options), "create options");
    options.Stream = name;
    options.Config.AckPolicy = js_AckNone;
    check(js_PullSubscribe(&subscription, stream, subject, NULL, NULL, &options, NULL), "create a consumer");
    while (messages > 0) {
        natsMsgList list;
        check(natsSubscription_Fetch(&list, subscription, messages < PULL ? (int)messages : PULL, 5000, NULL), "pull");
        messages -= list.Count;
        natsMsgList_Destroy(&list);
    }
    natsSubscription_Destroy(subscription);
}

int main(int count, char **arguments) {
    if (count == 7 && strcmp(arguments[1], "publish") == 0) {
        jsCtx *stream = connect_to(arguments[2], atol(arguments[6]));
        double start = now();
        publish(stream, arguments[3], atoi(arguments[4]), atol(arguments[5]));
        printf("%.6f\n", now() - start);
        return 0;
    }
    if (count == 6 && strcmp(arguments[1], "consume") == 0) {
        jsCtx *stream = connect_to(arguments[2], 1);
        double start = now();
        consume(stream, arguments[3], arguments[4], atol(arguments[5]));
        printf("%.6f\n", now() - start);
        return 0;
    }
    fprintf(stderr, "usage: nats_peer publish URL SUBJECT BYTES MESSAGES IN_FLIGHT\n"
                    "       nats_peer consume URL STREAM SUBJECT MESSAGES\n");
    return 64;
}
