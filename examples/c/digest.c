/* Downloads one object whose SHA-256 is known, for example from the list that a model or a release
 * comes with. The file is there only if it has that digest:
 *
 *   OSS_ACCESS_KEY_ID=... OSS_ACCESS_KEY_SECRET=... ./digest \
 *       https://oss-cn-hangzhou.aliyuncs.com cn-hangzhou examplebucket model.safetensors \
 *       model.safetensors sha256:5891b5b522d5df086d0ff0b110fbd9d21bb4fc7163af34d08286a2e846f6be03
 */
#include <stdio.h>
#include <string.h>

#include <oss_resumable/oss_resumable.h>

int main(int argc, char **argv) {
    oss_resumable_client_options options = OSS_RESUMABLE_CLIENT_OPTIONS_INIT;
    oss_download_object_request request = OSS_DOWNLOAD_OBJECT_REQUEST_INIT;
    oss_resumable_client *client = NULL;
    oss_resumable_error *error = NULL;
    oss_resumable_code code;

    if (argc != 7) {
        fprintf(stderr, "usage: %s ENDPOINT REGION BUCKET KEY FILE SHA256\n", argv[0]);
        return 2;
    }
    options.endpoint = argv[1];
    options.region = argv[2];

    request.bucket = argv[3];
    request.key = argv[4];
    request.file_path = argv[5];
    request.enable_checkpoint = OSS_RESUMABLE_ON;
    /* In hexadecimal digits or base64, with or without "sha256:". */
    request.expected_sha256 = argv[6];

    code = oss_resumable_client_new(&options, &client, &error);
    if (code == OSS_RESUMABLE_OK) {
        code = oss_resumable_download_object(client, &request, NULL, &error);
    }
    if (code == OSS_RESUMABLE_OK) {
        printf("downloaded %s, which has the expected SHA-256\n", argv[5]);
    } else if (strcmp(oss_resumable_error_code(error), "DigestMismatch") == 0) {
        fprintf(stderr, "this is another file: %s\n", oss_resumable_error_message(error));
    } else {
        fprintf(stderr, "download failed, code: %s, message: %s\n", oss_resumable_error_code(error),
                oss_resumable_error_message(error));
    }

    oss_resumable_error_free(error);
    oss_resumable_client_free(client);
    return code == OSS_RESUMABLE_OK ? 0 : 1;
}
