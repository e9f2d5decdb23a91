/* Many downloads over one client, started at once, as a command for measurements.
 *
 *   many ENDPOINT BUCKET KEY COUNT DIRECTORY
 *
 * Downloads the object COUNT times, to the files 0, 1, ... in DIRECTORY, without a flush. Prints
 * "threads N": the largest number of threads that the process had.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <oss_resumable/oss_resumable.h>

static long most_threads;

/* A look costs some microseconds, so the callers take one now and then. */
static void look_at_threads(void) {
    char line[256];
    FILE *status = fopen("/proc/self/status", "r");
    while (status != NULL && fgets(line, sizeof line, status) != NULL) {
        if (strncmp(line, "Threads:", 8) == 0) {
            long threads = atol(line + 8);
            most_threads = threads > most_threads ? threads : most_threads;
        }
    }
    if (status != NULL) {
        fclose(status);
    }
}

static int failed(const oss_resumable_error *error) {
    fprintf(stderr, "many: %s: %s\n", oss_resumable_error_code(error),
            oss_resumable_error_message(error));
    return 1;
}

static int start_all(oss_resumable_client *client, oss_resumable_event_queue *queue, char **argv,
                     oss_resumable_download **downloads, int count) {
    oss_resumable_error *error = NULL;
    char path[4096];
    int i;
    for (i = 0; i < count; i++) {
        oss_download_object_request request = OSS_DOWNLOAD_OBJECT_REQUEST_INIT;
        snprintf(path, sizeof path, "%s/%d", argv[5], i);
        request.bucket = argv[2];
        request.key = argv[3];
        request.file_path = path;
        request.flush = OSS_RESUMABLE_OFF;
        request.event_queue = queue;
        request.tag = (uint64_t)i;
        if (oss_resumable_download_start(client, &request, &downloads[i], &error) !=
            OSS_RESUMABLE_OK) {
            return failed(error);
        }
        if (i % 64 == 0) {
            look_at_threads();
        }
    }
    look_at_threads();
    return 0;
}

static int wait_for_all(oss_resumable_event_queue *queue, oss_resumable_download **downloads,
                        int count) {
    oss_resumable_event event = OSS_RESUMABLE_EVENT_INIT;
    oss_resumable_error *error = NULL;
    int ended = 0;
    while (ended < count) {
        if (oss_resumable_event_queue_next(queue, -1, &event) != OSS_RESUMABLE_OK ||
            event.kind != OSS_RESUMABLE_EVENT_ENDED) {
            continue;
        }
        if (event.code != OSS_RESUMABLE_OK) {
            oss_resumable_download_wait(downloads[event.tag], -1, NULL, &error);
            return failed(error);
        }
        oss_resumable_download_free(downloads[event.tag]);
        downloads[event.tag] = NULL;
        if (++ended % 64 == 0) {
            look_at_threads();
        }
    }
    return 0;
}

int main(int argc, char **argv) {
    oss_resumable_client_options options = OSS_RESUMABLE_CLIENT_OPTIONS_INIT;
    oss_resumable_client *client = NULL;
    oss_resumable_event_queue *queue = NULL;
    oss_resumable_error *error = NULL;
    oss_resumable_download **downloads;
    int count, code;

    if (argc != 6 || (count = atoi(argv[4])) < 1) {
        fprintf(stderr, "usage: many ENDPOINT BUCKET KEY COUNT DIRECTORY\n");
        return 2;
    }
    options.endpoint = argv[1];
    options.anonymous = OSS_RESUMABLE_ON;
    downloads = calloc((size_t)count, sizeof *downloads);
    if (downloads == NULL || oss_resumable_client_new(&options, &client, &error) != 0 ||
        oss_resumable_event_queue_new(&queue, &error) != 0) {
        return failed(error);
    }
    code = start_all(client, queue, argv, downloads, count) != 0 ||
           wait_for_all(queue, downloads, count) != 0;
    printf("threads %ld\n", most_threads);
    /* Ends what a failure has left running. */
    oss_resumable_client_free(client);
    oss_resumable_event_queue_free(queue);
    free(downloads);
    return code;
}
