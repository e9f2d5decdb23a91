/* Succeeds, fails and cancels in many ways. The test checks that nothing is printed.
 *
 *   silent ENDPOINT DIRECTORY
 */
#include <stdio.h>

#include <oss_resumable/oss_resumable.h>

static oss_resumable_code download(oss_resumable_client *client, const char *key,
                                   const char *file) {
    oss_download_object_request request = OSS_DOWNLOAD_OBJECT_REQUEST_INIT;
    request.bucket = "examplebucket";
    request.key = key;
    request.file_path = file;
    return oss_resumable_download_object(client, &request, NULL, NULL);
}

static oss_resumable_client *new_client(const char *endpoint) {
    oss_resumable_client_options options = OSS_RESUMABLE_CLIENT_OPTIONS_INIT;
    oss_resumable_client *client = NULL;
    options.endpoint = endpoint;
    options.region = "cn-hangzhou";
    options.anonymous = OSS_RESUMABLE_ON;
    options.max_attempts = 1;
    oss_resumable_client_new(&options, &client, NULL);
    return client;
}

int main(int argc, char **argv) {
    char file[4096];
    int as_expected = 1;
    oss_resumable_client *client, *nowhere;

    if (argc != 3) {
        return 2;
    }
    snprintf(file, sizeof file, "%s/file", argv[2]);
    client = new_client(argv[1]);
    nowhere = new_client("http://127.0.0.1:1");
    as_expected &= download(client, "generated/1MiB", file) == OSS_RESUMABLE_OK;
    as_expected &= download(client, "missing", file) == OSS_RESUMABLE_ERR_SERVICE;
    as_expected &= download(client, "/wrong", file) == OSS_RESUMABLE_ERR_VALIDATION;
    as_expected &= download(NULL, "key", file) == OSS_RESUMABLE_ERR_VALIDATION;
    as_expected &= download(client, "generated/1MiB", "/proc/nowhere/file") != OSS_RESUMABLE_OK;
    as_expected &= download(nowhere, "key", file) == OSS_RESUMABLE_ERR_TRANSPORT;
    oss_resumable_client_free(nowhere);
    oss_resumable_client_free(client);
    return as_expected ? 0 : 1;
}
