/* Downloads the object at a presigned or public URL. Resumes where an earlier run stopped, also
 * with another signature.
 *
 * The URL is a secret, so it is a line of standard input and not an argument. When it expires
 * during the download, the next line is used.
 *
 *   echo 'https://examplebucket.oss-cn-hangzhou.aliyuncs.com/exampleobject.txt?...' |
 *       ./url examplefile.txt checkpoints
 */
#include <stdio.h>
#include <string.h>

#include <oss_resumable/oss_resumable.h>

/* The next line of standard input, or NULL. */
static const char *next_line(char *line, int size) {
    if (fgets(line, size, stdin) == NULL) {
        return NULL;
    }
    line[strcspn(line, "\n")] = '\0';
    return line;
}

/* Runs on a thread of the library when the URL has expired. */
static void provide(oss_resumable_url_sink *sink, void *user_data) {
    char line[16 * 1024 + 2];
    (void)user_data;
    if (next_line(line, sizeof(line)) != NULL) {
        oss_resumable_url_set(sink, line);
    } else {
        oss_resumable_url_fail(sink, "there is no other URL");
    }
}

int main(int argc, char **argv) {
    /* Neither an endpoint nor credentials are needed. */
    oss_resumable_client_options options = OSS_RESUMABLE_CLIENT_OPTIONS_INIT;
    oss_download_object_request request = OSS_DOWNLOAD_OBJECT_REQUEST_INIT;
    oss_resumable_client *client = NULL;
    oss_resumable_error *error = NULL;
    oss_resumable_code code;
    char line[16 * 1024 + 2];

    if (argc != 3) {
        fprintf(stderr, "usage: %s FILE CHECKPOINT-DIRECTORY < FILE-WITH-URLS\n", argv[0]);
        return 2;
    }

    request.url = next_line(line, sizeof(line));
    request.url_provider = provide;
    request.file_path = argv[1];
    /* The directory must exist. The checkpoint in it is deleted after success. */
    request.checkpoint_dir = argv[2];

    code = oss_resumable_client_new(&options, &client, &error);
    if (code == OSS_RESUMABLE_OK) {
        code = oss_resumable_download_object(client, &request, NULL, &error);
    }
    if (code == OSS_RESUMABLE_OK) {
        printf("downloaded %s\n", argv[1]);
    } else {
        fprintf(stderr, "download failed, code: %s, message: %s\n", oss_resumable_error_code(error),
                oss_resumable_error_message(error));
    }

    oss_resumable_error_free(error);
    oss_resumable_client_free(client);
    return code == OSS_RESUMABLE_OK ? 0 : 1;
}
