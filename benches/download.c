/* The library as a command for measurements: one download. Prints some of its statistics, a line
 * "NAME VALUE" each.
 *
 *   download ENDPOINT BUCKET KEY FILE [NAME=VALUE...]
 *
 * Names: part-size and threads (numbers), checkpoint-dir and ca-file (paths), flush and
 * auto-concurrency (on or off), write-mode (0 automatic, 1 buffered, 2 direct), sha256 (expected of
 * the file).
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <oss_resumable/oss_resumable.h>

static const char *value_of(const char *argument, const char *name) {
    size_t len = strlen(name);
    return strncmp(argument, name, len) == 0 && argument[len] == '=' ? argument + len + 1 : NULL;
}

/* Returns 0 when the argument has a known name. */
static int apply(const char *argument, oss_resumable_client_options *options,
                 oss_download_object_request *request) {
    const char *value;
    if ((value = value_of(argument, "part-size")) != NULL) {
        request->part_size = strtoull(value, NULL, 10);
    } else if ((value = value_of(argument, "threads")) != NULL) {
        request->thread_num = (uint32_t)strtoul(value, NULL, 10);
        if (request->thread_num > OSS_RESUMABLE_DEFAULT_MAX_CONNECTIONS) {
            options->max_connections = request->thread_num;
        }
    } else if ((value = value_of(argument, "checkpoint-dir")) != NULL) {
        request->checkpoint_dir = value;
    } else if ((value = value_of(argument, "ca-file")) != NULL) {
        options->ca_file = value;
    } else if ((value = value_of(argument, "flush")) != NULL) {
        request->flush = strcmp(value, "off") == 0 ? OSS_RESUMABLE_OFF : OSS_RESUMABLE_ON;
    } else if ((value = value_of(argument, "auto-concurrency")) != NULL) {
        request->auto_concurrency =
            strcmp(value, "off") == 0 ? OSS_RESUMABLE_OFF : OSS_RESUMABLE_ON;
    } else if ((value = value_of(argument, "write-mode")) != NULL) {
        request->write_mode = (int32_t)strtol(value, NULL, 10);
    } else if ((value = value_of(argument, "sha256")) != NULL) {
        request->expected_sha256 = value;
    } else {
        return 1;
    }
    return 0;
}

static void print_statistics(const oss_resumable_result *result) {
    oss_resumable_statistics statistics = OSS_RESUMABLE_STATISTICS_INIT;
    if (oss_resumable_result_stats(result, &statistics) == OSS_RESUMABLE_OK) {
        printf("bytes_from_network %llu\nconnections %llu\n",
               (unsigned long long)statistics.bytes_from_network,
               (unsigned long long)statistics.connections);
    }
}

int main(int argc, char **argv) {
    oss_resumable_client_options options = OSS_RESUMABLE_CLIENT_OPTIONS_INIT;
    oss_download_object_request request = OSS_DOWNLOAD_OBJECT_REQUEST_INIT;
    oss_resumable_client *client = NULL;
    oss_resumable_result *result = NULL;
    oss_resumable_error *error = NULL;
    oss_resumable_code code;
    int i;

    if (argc < 5) {
        fprintf(stderr, "usage: download ENDPOINT BUCKET KEY FILE [NAME=VALUE...]\n");
        return 2;
    }
    options.endpoint = argv[1];
    options.anonymous = OSS_RESUMABLE_ON;
    request.bucket = argv[2];
    request.key = argv[3];
    request.file_path = argv[4];
    for (i = 5; i < argc; i++) {
        if (apply(argv[i], &options, &request) != 0) {
            fprintf(stderr, "download: unknown option %s\n", argv[i]);
            return 2;
        }
    }

    code = oss_resumable_client_new(&options, &client, &error);
    if (code == OSS_RESUMABLE_OK) {
        code = oss_resumable_download_object(client, &request, &result, &error);
    }
    if (code == OSS_RESUMABLE_OK) {
        print_statistics(result);
    } else {
        fprintf(stderr, "download: %s: %s\n", oss_resumable_error_code(error),
                oss_resumable_error_message(error));
    }
    oss_resumable_result_free(result);
    oss_resumable_error_free(error);
    oss_resumable_client_free(client);
    return code != OSS_RESUMABLE_OK;
}
