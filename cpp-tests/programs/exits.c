/* Exits during a download, with status 7.
 *
 *   exits ENDPOINT FILE HOW MICROSECONDS
 *
 * HOW: return (from main), exit, thread (exit on another thread), progress (exit inside that
 * callback), log (exit inside that callback, on a thread of the library's), queue (exit with an
 * exit handler, run after the library's, that reads events until the download's end).
 */
#define _POSIX_C_SOURCE 200809L

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <oss_resumable/oss_resumable.h>

enum { STATUS = 7 };

static long long microseconds;
static oss_resumable_event_queue *queue;

static void pass_the_time(void) {
    struct timespec time;
    time.tv_sec = (time_t)(microseconds / 1000000);
    time.tv_nsec = (long)(microseconds % 1000000) * 1000;
    nanosleep(&time, NULL);
}

static void *exit_later(void *unused) {
    (void)unused;
    pass_the_time();
    exit(STATUS);
}

static int32_t exit_in_progress(const oss_resumable_status *status, void *user_data) {
    (void)status, (void)user_data;
    pass_the_time();
    exit(STATUS);
}

static void exit_in_log(int32_t level, const char *message, void *user_data) {
    (void)level, (void)message, (void)user_data;
    pass_the_time();
    exit(STATUS);
}

static void read_events(void) {
    oss_resumable_event event = OSS_RESUMABLE_EVENT_INIT;
    while (event.kind != OSS_RESUMABLE_EVENT_ENDED &&
           oss_resumable_event_queue_next(queue, -1, &event) == OSS_RESUMABLE_OK) {
    }
    if (event.tag != 77) {
        _exit(5);
    }
}

int main(int argc, char **argv) {
    oss_resumable_client_options options = OSS_RESUMABLE_CLIENT_OPTIONS_INIT;
    oss_download_object_request request = OSS_DOWNLOAD_OBJECT_REQUEST_INIT;
    oss_resumable_client *client = NULL;
    oss_resumable_download *download = NULL;
    const char *how;

    if (argc != 5) {
        return 2;
    }
    how = argv[3];
    microseconds = atoll(argv[4]);
    options.endpoint = argv[1];
    options.region = "cn-hangzhou";
    options.access_key_id = "id";
    options.access_key_secret = "secret";
    request.bucket = "examplebucket";
    request.key = "generated/64MiB";
    request.file_path = argv[2];
    request.enable_checkpoint = OSS_RESUMABLE_ON;
    request.part_size = OSS_RESUMABLE_MIN_PART_SIZE;
    if (strcmp(how, "log") == 0) {
        options.log = exit_in_log;
    }
    if (strcmp(how, "progress") == 0) {
        request.progress = exit_in_progress;
    }
    if (strcmp(how, "queue") == 0) {
        request.tag = 77;
        if (atexit(read_events) != 0 ||
            oss_resumable_event_queue_new(&queue, NULL) != OSS_RESUMABLE_OK) {
            return 6;
        }
        request.event_queue = queue;
        how = "exit";
    }
    if (oss_resumable_client_new(&options, &client, NULL) != OSS_RESUMABLE_OK ||
        oss_resumable_download_start(client, &request, &download, NULL) != OSS_RESUMABLE_OK) {
        return 3;
    }
    if (strcmp(how, "return") == 0) {
        pass_the_time();
        return STATUS;
    }
    if (strcmp(how, "exit") == 0) {
        pass_the_time();
        exit(STATUS);
    }
    if (strcmp(how, "thread") == 0) {
        pthread_t thread;
        if (pthread_create(&thread, NULL, exit_later, NULL) != 0) {
            return 4;
        }
    }
    oss_resumable_download_wait(download, -1, NULL, NULL);
    /* Another thread exits. */
    for (;;) {
        pause();
    }
}
