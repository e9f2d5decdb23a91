/* Downloads one object several times, one after another, for economy.py, which counts what that
 * costs.
 *
 *   economy KEY COUNT ENDPOINT DIRECTORY
 *
 * Each download goes to a new file in DIRECTORY, with a checkpoint there. Prints the sums of the
 * statistics.
 */
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

#include <oss_resumable/oss_resumable.h>

/* tests/shim/calls.c logs the system calls between these two. */
static void mark(const char *path) {
    struct stat found;
    (void)stat(path, &found);
}

static int fail(oss_resumable_error *error) {
    fprintf(stderr, "economy: %s: %s\n", oss_resumable_error_code(error),
            oss_resumable_error_message(error));
    oss_resumable_error_free(error);
    return 1;
}

int main(int argc, char **argv) {
    oss_resumable_client_options options = OSS_RESUMABLE_CLIENT_OPTIONS_INIT;
    oss_download_object_request request = OSS_DOWNLOAD_OBJECT_REQUEST_INIT;
    oss_resumable_client *client = NULL;
    oss_resumable_error *error = NULL;
    unsigned long long requests = 0, received = 0, discarded = 0;
    char path[4096];
    int i;

    if (argc != 5) {
        fprintf(stderr, "usage: economy KEY COUNT ENDPOINT DIRECTORY\n");
        return 2;
    }
    options.endpoint = argv[3];
    options.anonymous = OSS_RESUMABLE_ON;
    request.bucket = "economy";
    request.key = argv[1];
    request.file_path = path;
    request.checkpoint_dir = argv[4];
    mark("/calls/begin");
    if (oss_resumable_client_new(&options, &client, &error) != OSS_RESUMABLE_OK) {
        return fail(error);
    }
    for (i = 0; i < atoi(argv[2]); i++) {
        oss_resumable_result *result = NULL;
        oss_resumable_statistics stats = OSS_RESUMABLE_STATISTICS_INIT;
        sprintf(path, "%.4000s/file%d", argv[4], i);
        if (oss_resumable_download_object(client, &request, &result, &error) != OSS_RESUMABLE_OK) {
            return fail(error);
        }
        oss_resumable_result_stats(result, &stats);
        requests += stats.requests;
        received += stats.bytes_from_network;
        discarded += stats.bytes_discarded;
        oss_resumable_result_free(result);
    }
    oss_resumable_client_free(client);
    mark("/calls/end");
    printf("requests %llu\nreceived %llu\ndiscarded %llu\n", requests, received, discarded);
    return 0;
}
