/* Downloads one object to a file and prints a JSON object for each HTTP request, one in a line:
 * enough to draw a timeline of the connections.
 *
 *   OSS_ACCESS_KEY_ID=... OSS_ACCESS_KEY_SECRET=... ./trace \
 *       https://oss-cn-hangzhou.aliyuncs.com cn-hangzhou examplebucket \
 *       exampledir/exampleobject.txt examplefile.txt
 */
#include <inttypes.h>
#include <stdio.h>

#include <oss_resumable/oss_resumable.h>

static const char *end_name(int32_t end) {
    switch (end) {
    case OSS_RESUMABLE_END_COMPLETE:
        return "complete";
    case OSS_RESUMABLE_END_SHARED:
        return "shared";
    case OSS_RESUMABLE_END_SLOW:
        return "slow";
    case OSS_RESUMABLE_END_REFUSED:
        return "refused";
    case OSS_RESUMABLE_END_BROKEN:
        return "broken";
    case OSS_RESUMABLE_END_STALLED:
        return "stalled";
    default:
        return "other";
    }
}

/* Runs on a thread of the client when a request has ended. One call of printf is one line, whatever
 * other threads print. */
static void print(const oss_resumable_trace_record *record, void *user_data) {
    (void)user_data;
    printf("{\"slot\":%" PRIu32 ",\"start_us\":%" PRId64 ",\"first_byte_us\":%" PRId64
           ",\"end_us\":%" PRId64 ",\"range\":[%" PRId64 ",%" PRId64 "],\"bytes\":%" PRIu64
           ",\"status\":%" PRId32 ",\"reused\":%s,\"end\":\"%s\",\"peer\":\"%s\"}\n",
           record->slot, record->start_us, record->first_byte_us, record->end_us,
           record->range_start, record->range_end, record->bytes, record->status,
           record->is_reused ? "true" : "false", end_name(record->end),
           record->peer != NULL ? record->peer : "");
}

int main(int argc, char **argv) {
    oss_resumable_client_options options = OSS_RESUMABLE_CLIENT_OPTIONS_INIT;
    oss_download_object_request request = OSS_DOWNLOAD_OBJECT_REQUEST_INIT;
    oss_resumable_client *client = NULL;
    oss_resumable_error *error = NULL;
    oss_resumable_code code;

    if (argc != 6) {
        fprintf(stderr, "usage: %s ENDPOINT REGION BUCKET KEY FILE\n", argv[0]);
        return 2;
    }
    options.endpoint = argv[1];
    options.region = argv[2];
    options.trace = print;
    request.bucket = argv[3];
    request.key = argv[4];
    request.file_path = argv[5];
    /* As many connections as make it faster, at most 16. */
    request.auto_concurrency = OSS_RESUMABLE_ON;
    request.thread_num = 16;

    code = oss_resumable_client_new(&options, &client, &error);
    if (code == OSS_RESUMABLE_OK) {
        code = oss_resumable_download_object(client, &request, NULL, &error);
    }
    if (code != OSS_RESUMABLE_OK) {
        fprintf(stderr, "download failed, code: %s, message: %s\n", oss_resumable_error_code(error),
                oss_resumable_error_message(error));
    }
    oss_resumable_error_free(error);
    oss_resumable_client_free(client);
    return code == OSS_RESUMABLE_OK ? 0 : 1;
}
