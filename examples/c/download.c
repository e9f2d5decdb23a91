/* Downloads one object to a file. Resumes where an earlier run stopped.
 *
 *   OSS_ACCESS_KEY_ID=... OSS_ACCESS_KEY_SECRET=... ./download \
 *       https://oss-cn-hangzhou.aliyuncs.com cn-hangzhou examplebucket \
 *       exampledir/exampleobject.txt examplefile.txt checkpoints [shared]
 */
#include <stdio.h>
#include <string.h>

#include <oss_resumable/oss_resumable.h>

static const char *or_none(const char *text) { return text != NULL ? text : "none"; }

int main(int argc, char **argv) {
    oss_resumable_client_options options = OSS_RESUMABLE_CLIENT_OPTIONS_INIT;
    oss_download_object_request request = OSS_DOWNLOAD_OBJECT_REQUEST_INIT;
    oss_resumable_client *client = NULL;
    oss_resumable_error *error = NULL;
    oss_resumable_code code;

    if (argc < 7 || argc > 8 || (argc == 8 && strcmp(argv[7], "shared") != 0)) {
        fprintf(stderr, "usage: %s ENDPOINT REGION BUCKET KEY FILE CHECKPOINT-DIRECTORY [shared]\n",
                argv[0]);
        return 2;
    }

    /* Credentials come from OSS_ACCESS_KEY_ID and OSS_ACCESS_KEY_SECRET, signatures are V4. */
    options.endpoint = argv[1];
    options.region = argv[2];

    request.bucket = argv[3];
    request.key = argv[4];
    request.file_path = argv[5];
    /* The directory must exist. The checkpoint in it is deleted after success. */
    request.checkpoint_dir = argv[6];
    if (argc == 8) {
        /* Other processes start the same download: one fetches the object, the others wait for it.
         * A file that is right already is not fetched again. */
        request.when_busy = OSS_RESUMABLE_BUSY_WAIT;
        request.overwrite = OSS_RESUMABLE_OVERWRITE_IF_DIFFERENT;
    }

    code = oss_resumable_client_new(&options, &client, &error);
    if (code == OSS_RESUMABLE_OK) {
        code = oss_resumable_download_object(client, &request, NULL, &error);
    }
    if (code == OSS_RESUMABLE_OK) {
        printf("downloaded %s\n", argv[5]);
    } else {
        fprintf(stderr, "download failed, code: %s, message: %s, requestId: %s\n",
                oss_resumable_error_code(error), oss_resumable_error_message(error),
                or_none(oss_resumable_error_request_id(error)));
    }

    oss_resumable_error_free(error);
    oss_resumable_client_free(client);
    return code == OSS_RESUMABLE_OK ? 0 : 1;
}
