/* Downloads several objects at once to the current directory. One thread follows them all.
 *
 *   OSS_ACCESS_KEY_ID=... OSS_ACCESS_KEY_SECRET=... ./event_queue \
 *       https://oss-cn-hangzhou.aliyuncs.com cn-hangzhou examplebucket first.bin second.bin
 */
#include <poll.h>
#include <stdio.h>

#include <oss_resumable/oss_resumable.h>

enum { MAX_DOWNLOADS = 64 };

static oss_resumable_download *downloads[MAX_DOWNLOADS];

static void report(const char *key, oss_resumable_code code, oss_resumable_error *error) {
    if (code == OSS_RESUMABLE_OK) {
        printf("%s: downloaded\n", key);
    } else {
        printf("%s: %s: %s\n", key, oss_resumable_error_code(error),
               oss_resumable_error_message(error));
    }
    oss_resumable_error_free(error);
}

/* Handles one event; returns whether a download has ended. */
static int handle(const oss_resumable_event *event, const char *key) {
    oss_resumable_error *error = NULL;
    oss_resumable_code code;

    switch (event->kind) {
    case OSS_RESUMABLE_EVENT_PROGRESS:
        printf("%s: %llu of %lld bytes, %llu bytes/s, %lld ms left\n", key,
               (unsigned long long)event->bytes_done, (long long)event->bytes_total,
               (unsigned long long)event->bytes_per_second, (long long)event->eta_ms);
        return 0;
    case OSS_RESUMABLE_EVENT_ENDED:
        /* Returns at once. */
        code = oss_resumable_download_wait(downloads[event->tag], -1, NULL, &error);
        report(key, code, error);
        return 1;
    default:
        return 0;
    }
}

int main(int argc, char **argv) {
    oss_resumable_client_options options = OSS_RESUMABLE_CLIENT_OPTIONS_INIT;
    oss_resumable_client *client = NULL;
    oss_resumable_event_queue *queue = NULL;
    oss_resumable_event event = OSS_RESUMABLE_EVENT_INIT;
    oss_resumable_error *error = NULL;
    struct pollfd watched;
    int count = argc - 4, running = 0, failed = 0, i;

    if (count < 1 || count > MAX_DOWNLOADS) {
        fprintf(stderr, "usage: %s ENDPOINT REGION BUCKET KEY...\n", argv[0]);
        return 2;
    }
    options.endpoint = argv[1];
    options.region = argv[2];
    /* Four at a time; the others wait. */
    options.max_active_downloads = 4;
    if (oss_resumable_client_new(&options, &client, &error) != OSS_RESUMABLE_OK ||
        oss_resumable_event_queue_new(&queue, &error) != OSS_RESUMABLE_OK) {
        report("setup", OSS_RESUMABLE_ERR_INTERNAL, error);
        oss_resumable_client_free(client);
        return 1;
    }

    for (i = 0; i < count; i++) {
        oss_download_object_request request = OSS_DOWNLOAD_OBJECT_REQUEST_INIT;
        oss_resumable_code code;
        request.bucket = argv[3];
        request.key = argv[4 + i];
        /* The last object is the most urgent one of those that wait. */
        request.priority = i == count - 1;
        request.event_queue = queue;
        request.tag = (uint64_t)i;
        code = oss_resumable_download_start(client, &request, &downloads[i], &error);
        if (code == OSS_RESUMABLE_OK) {
            running++;
        } else {
            report(request.key, code, error);
            failed = 1;
            error = NULL;
        }
    }

    /* A program with other work watches the descriptor together with its own. */
    watched.fd = oss_resumable_event_queue_fd(queue);
    watched.events = POLLIN;
    while (running > 0) {
        poll(&watched, 1, -1);
        while (oss_resumable_event_queue_next(queue, 0, &event) == OSS_RESUMABLE_OK) {
            running -= handle(&event, argv[4 + event.tag]);
            failed |= event.code != OSS_RESUMABLE_OK;
        }
    }

    for (i = 0; i < count; i++) {
        oss_resumable_download_free(downloads[i]);
    }
    oss_resumable_event_queue_free(queue);
    oss_resumable_client_free(client);
    return failed;
}
