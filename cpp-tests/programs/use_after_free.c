/* A mistake of a host that scripts/asan.sh expects AddressSanitizer to find: the library gets a
   request whose memory was freed. The read is in the library's Rust code, so it is detected only
   if that is instrumented. */
#include <stdlib.h>

#include "oss_resumable/oss_resumable.h"

int main(void) {
    oss_resumable_client_options options = OSS_RESUMABLE_CLIENT_OPTIONS_INIT;
    oss_resumable_client *client = NULL;
    oss_download_object_request *request = malloc(sizeof *request);
    options.endpoint = "http://127.0.0.1:9";
    options.region = "cn-hangzhou";
    options.anonymous = 1;
    if (request == NULL || oss_resumable_client_new(&options, &client, NULL) != 0) {
        return 2;
    }
    *request = (oss_download_object_request)OSS_DOWNLOAD_OBJECT_REQUEST_INIT;
    free(request);
    (void)oss_resumable_download_object(client, request, NULL, NULL);
    oss_resumable_client_free(client);
    return 0;
}
