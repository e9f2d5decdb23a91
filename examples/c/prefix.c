/* Downloads every object whose key begins with a prefix into a directory. Run again, it fetches
 * only what is missing.
 *
 *   OSS_ACCESS_KEY_ID=... OSS_ACCESS_KEY_SECRET=... ./prefix \
 *       https://oss-cn-hangzhou.aliyuncs.com cn-hangzhou examplebucket exampledir/ examples
 */
#include <stdint.h>
#include <stdio.h>

#include <oss_resumable/oss_resumable.h>

/* Messages show keys on one line. */
static void report(const oss_resumable_prefix_result *result) {
    oss_resumable_prefix_object object = OSS_RESUMABLE_PREFIX_OBJECT_INIT;
    oss_resumable_prefix_counts counts = OSS_RESUMABLE_PREFIX_COUNTS_INIT;
    uint64_t i;

    for (i = 0; oss_resumable_prefix_result_object(result, i, &object) == OSS_RESUMABLE_OK; ++i) {
        if (object.result == OSS_RESUMABLE_OBJECT_FAILED) {
            fprintf(stderr, "%s: %s\n", oss_resumable_error_code(object.error),
                    oss_resumable_error_message(object.error));
        }
    }
    oss_resumable_prefix_result_counts(result, &counts);
    printf("%llu fetched, %llu unchanged, %llu failed\n", (unsigned long long)counts.fetched,
           (unsigned long long)counts.unchanged, (unsigned long long)counts.failed);
}

int main(int argc, char **argv) {
    oss_resumable_client_options options = OSS_RESUMABLE_CLIENT_OPTIONS_INIT;
    oss_resumable_prefix_request request = OSS_RESUMABLE_PREFIX_REQUEST_INIT;
    oss_resumable_client *client = NULL;
    oss_resumable_prefix_result *result = NULL;
    oss_resumable_error *error = NULL;
    oss_resumable_code code;

    if (argc != 6) {
        fprintf(stderr, "usage: %s ENDPOINT REGION BUCKET PREFIX DIRECTORY\n", argv[0]);
        return 2;
    }
    options.endpoint = argv[1];
    options.region = argv[2];
    request.bucket = argv[3];
    request.prefix = argv[4];
    request.directory = argv[5];

    code = oss_resumable_client_new(&options, &client, &error);
    if (code == OSS_RESUMABLE_OK) {
        code = oss_resumable_download_prefix(client, &request, &result, &error);
    }
    if (result != NULL) {
        /* Complete, or with code OSS_RESUMABLE_OBJECTS_FAILED. */
        report(result);
    } else {
        fprintf(stderr, "download failed, code: %s, message: %s\n", oss_resumable_error_code(error),
                oss_resumable_error_message(error));
    }

    oss_resumable_error_free(error);
    oss_resumable_prefix_result_free(result);
    oss_resumable_client_free(client);
    return code == OSS_RESUMABLE_OK ? 0 : 1;
}
