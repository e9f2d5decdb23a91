/* Downloads one object to a file, under control: the lines "pause", "resume" and "cancel" on the
 * standard input do what they say.
 *
 *   OSS_ACCESS_KEY_ID=... OSS_ACCESS_KEY_SECRET=... ./pause \
 *       https://oss-cn-hangzhou.aliyuncs.com cn-hangzhou examplebucket \
 *       exampledir/exampleobject.txt examplefile.txt checkpoints
 */
#include <stdio.h>
#include <string.h>

#include <oss_resumable/oss_resumable.h>

/* Obeys the lines on the standard input up to its end. */
static void control(oss_resumable_download *download) {
    char line[64];
    while (fgets(line, sizeof line, stdin) != NULL) {
        if (strcmp(line, "pause\n") == 0) {
            /* Its connections are closed within a second, and its bytes are kept. */
            oss_resumable_download_pause(download);
        } else if (strcmp(line, "resume\n") == 0) {
            oss_resumable_download_resume(download);
        } else if (strcmp(line, "cancel\n") == 0) {
            oss_resumable_download_cancel(download);
        }
    }
}

int main(int argc, char **argv) {
    oss_resumable_client_options options = OSS_RESUMABLE_CLIENT_OPTIONS_INIT;
    oss_download_object_request request = OSS_DOWNLOAD_OBJECT_REQUEST_INIT;
    oss_resumable_client *client = NULL;
    oss_resumable_download *download = NULL;
    oss_resumable_error *error = NULL;
    oss_resumable_code code;

    if (argc != 7) {
        fprintf(stderr, "usage: %s ENDPOINT REGION BUCKET KEY FILE CHECKPOINT-DIRECTORY\n",
                argv[0]);
        return 2;
    }
    options.endpoint = argv[1];
    options.region = argv[2];
    request.bucket = argv[3];
    request.key = argv[4];
    request.file_path = argv[5];
    request.checkpoint_dir = argv[6];
    /* Nobody reads the file soon: it does not displace other files from memory. */
    request.write_mode = OSS_RESUMABLE_WRITE_MODE_DIRECT;

    code = oss_resumable_client_new(&options, &client, &error);
    if (code == OSS_RESUMABLE_OK) {
        code = oss_resumable_download_start(client, &request, &download, &error);
    }
    if (code == OSS_RESUMABLE_OK) {
        control(download);
        code = oss_resumable_download_wait(download, -1, NULL, &error);
    }
    if (code == OSS_RESUMABLE_OK) {
        printf("downloaded %s\n", argv[5]);
    } else {
        fprintf(stderr, "download failed, code: %s, message: %s\n", oss_resumable_error_code(error),
                oss_resumable_error_message(error));
    }

    oss_resumable_error_free(error);
    oss_resumable_download_free(download);
    oss_resumable_client_free(client);
    return code == OSS_RESUMABLE_OK ? 0 : 1;
}
