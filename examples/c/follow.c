/* Downloads one object to a file and writes its bytes to the standard output meanwhile, for a
 * program that can begin before everything is there:
 *
 *   OSS_ACCESS_KEY_ID=... OSS_ACCESS_KEY_SECRET=... ./follow \
 *       https://oss-cn-hangzhou.aliyuncs.com cn-hangzhou examplebucket film.mp4 film.mp4 | player
 *
 * What it writes is proven only by its exit status 0.
 */
#define _POSIX_C_SOURCE 200809L
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

#include <oss_resumable/oss_resumable.h>

typedef struct reader {
    const char *file_path;
    int file;
    uint64_t written;
} reader;

/* Writes what is new. Returns 0, or -1 if bytes that were written turned out to be useless or
 * cannot be read or written. */
static int look(reader *self, oss_resumable_download *download,
                const oss_resumable_status *status) {
    static char buffer[1 << 16];
    if (self->file < 0) {
        const char *path = status->temp_path;
        if (status->phase == OSS_RESUMABLE_PHASE_SUCCEEDED) {
            path = self->file_path;
        }
        /* Between the status and this call the temporary file may have been renamed: the next look
         * finds it. */
        self->file = path != NULL ? open(path, O_RDONLY | O_CLOEXEC) : -1;
    }
    while (self->file >= 0 && self->written < status->contiguous_bytes) {
        oss_resumable_status after = OSS_RESUMABLE_STATUS_INIT;
        const uint64_t left = status->contiguous_bytes - self->written;
        const size_t most = left < sizeof buffer ? (size_t)left : sizeof buffer;
        const ssize_t got = pread(self->file, buffer, most, (off_t)self->written);
        /* As long as nothing has been reset, the bytes are those that the status has promised. */
        oss_resumable_download_status(download, &after);
        if (after.contiguous_resets != 0 || got <= 0 ||
            fwrite(buffer, 1, (size_t)got, stdout) != (size_t)got) {
            return -1;
        }
        self->written += (uint64_t)got;
    }
    return fflush(stdout);
}

int main(int argc, char **argv) {
    oss_resumable_client_options options = OSS_RESUMABLE_CLIENT_OPTIONS_INIT;
    oss_download_object_request request = OSS_DOWNLOAD_OBJECT_REQUEST_INIT;
    oss_resumable_status status = OSS_RESUMABLE_STATUS_INIT;
    oss_resumable_client *client = NULL;
    oss_resumable_download *download = NULL;
    oss_resumable_error *error = NULL;
    oss_resumable_code code;
    reader reader = {NULL, -1, 0};
    int failed = 0;

    if (argc != 6) {
        fprintf(stderr, "usage: %s ENDPOINT REGION BUCKET KEY FILE\n", argv[0]);
        return 2;
    }
    options.endpoint = argv[1];
    options.region = argv[2];
    request.bucket = argv[3];
    request.key = argv[4];
    request.file_path = reader.file_path = argv[5];
    request.part_size = 1024 * 1024;
    request.order = OSS_RESUMABLE_ORDER_SEQUENTIAL;

    code = oss_resumable_client_new(&options, &client, &error);
    if (code == OSS_RESUMABLE_OK) {
        code = oss_resumable_download_start(client, &request, &download, &error);
    }
    if (code == OSS_RESUMABLE_OK) {
        do {
            code = oss_resumable_download_wait(download, 20, NULL, &error);
            oss_resumable_download_status(download, &status);
            failed = look(&reader, download, &status);
        } while (code == OSS_RESUMABLE_WAIT_TIMEOUT && failed == 0);
    }
    if (failed != 0) {
        fprintf(stderr, "what was written cannot be continued\n");
    } else if (code != OSS_RESUMABLE_OK) {
        fprintf(stderr, "download failed, code: %s, message: %s\n", oss_resumable_error_code(error),
                oss_resumable_error_message(error));
    }

    if (reader.file >= 0) {
        close(reader.file);
    }
    oss_resumable_error_free(error);
    oss_resumable_download_free(download);
    oss_resumable_client_free(client);
    return code == OSS_RESUMABLE_OK && failed == 0 ? 0 : 1;
}
