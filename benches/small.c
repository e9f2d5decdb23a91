/* The library as a command for measurements: many small downloads over one client, no output.
 *
 *   small ENDPOINT BUCKET PREFIX COUNT DIRECTORY [CHECKPOINT_DIR]
 *
 * Downloads the objects PREFIX0, PREFIX1, ... to files of the same numbers in DIRECTORY. All are
 * started at once; how many run at a time is the client's default.
 */
#include <stdio.h>
#include <stdlib.h>

#include <oss_resumable/oss_resumable.h>

static void fail(oss_resumable_error *error) {
    fprintf(stderr, "small: %s: %s\n", oss_resumable_error_code(error),
            oss_resumable_error_message(error));
    oss_resumable_error_free(error);
    exit(1);
}

static oss_resumable_download *start(oss_resumable_client *client, char **argv, int number) {
    oss_download_object_request request = OSS_DOWNLOAD_OBJECT_REQUEST_INIT;
    oss_resumable_download *download = NULL;
    oss_resumable_error *error = NULL;
    char key[512], path[4096];
    snprintf(key, sizeof key, "%s%d", argv[3], number);
    snprintf(path, sizeof path, "%s/%d", argv[5], number);
    request.bucket = argv[2];
    request.key = key;
    request.file_path = path;
    request.checkpoint_dir = argv[6];
    request.flush = OSS_RESUMABLE_OFF;
    if (oss_resumable_download_start(client, &request, &download, &error) != OSS_RESUMABLE_OK) {
        fail(error);
    }
    return download;
}

int main(int argc, char **argv) {
    oss_resumable_client_options options = OSS_RESUMABLE_CLIENT_OPTIONS_INIT;
    oss_resumable_client *client = NULL;
    oss_resumable_error *error = NULL;
    oss_resumable_download **downloads;
    int i, count = argc < 6 ? 0 : atoi(argv[4]);

    if (count <= 0 || argc > 7) {
        fprintf(stderr, "usage: small ENDPOINT BUCKET PREFIX COUNT DIRECTORY [CHECKPOINT_DIR]\n");
        return 2;
    }
    downloads = calloc((size_t)count, sizeof *downloads);
    if (downloads == NULL) {
        perror("small");
        return 1;
    }
    options.endpoint = argv[1];
    options.anonymous = OSS_RESUMABLE_ON;
    if (oss_resumable_client_new(&options, &client, &error) != OSS_RESUMABLE_OK) {
        fail(error);
    }
    for (i = 0; i < count; i++) {
        downloads[i] = start(client, argv, i);
    }
    for (i = 0; i < count; i++) {
        if (oss_resumable_download_wait(downloads[i], -1, NULL, &error) != OSS_RESUMABLE_OK) {
            fail(error);
        }
        oss_resumable_download_free(downloads[i]);
    }
    oss_resumable_client_free(client);
    free(downloads);
    return 0;
}
