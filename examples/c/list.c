/* Lists the objects of a bucket whose keys begin with a prefix, and what looks like directories
 * below it.
 *
 *   OSS_ACCESS_KEY_ID=... OSS_ACCESS_KEY_SECRET=... ./list \
 *       https://oss-cn-hangzhou.aliyuncs.com cn-hangzhou examplebucket exampledir/
 */
#include <stdio.h>

#include <oss_resumable/oss_resumable.h>

/* A key may contain anything; what is printed here is on one line. */
static void print_key(const char *key) {
    for (; *key != '\0'; ++key) {
        const unsigned char byte = (unsigned char)*key;
        if (byte < 0x20 || byte == 0x7f) {
            printf("\\x%02x", byte);
        } else {
            putchar(byte);
        }
    }
    putchar('\n');
}

int main(int argc, char **argv) {
    oss_resumable_client_options options = OSS_RESUMABLE_CLIENT_OPTIONS_INIT;
    oss_resumable_list_request request = OSS_RESUMABLE_LIST_REQUEST_INIT;
    oss_resumable_object_entry entry = OSS_RESUMABLE_OBJECT_ENTRY_INIT;
    oss_resumable_client *client = NULL;
    oss_resumable_listing *listing = NULL;
    oss_resumable_error *error = NULL;
    oss_resumable_code code;

    if (argc != 5) {
        fprintf(stderr, "usage: %s ENDPOINT REGION BUCKET PREFIX\n", argv[0]);
        return 2;
    }
    options.endpoint = argv[1];
    options.region = argv[2];
    request.bucket = argv[3];
    request.prefix = argv[4];
    request.delimiter = "/";

    code = oss_resumable_client_new(&options, &client, &error);
    if (code == OSS_RESUMABLE_OK) {
        code = oss_resumable_list_objects(client, &request, &listing, &error);
    }
    if (code == OSS_RESUMABLE_OK) {
        /* The next page is fetched when it is needed. */
        while ((code = oss_resumable_listing_next(listing, &entry, &error)) == OSS_RESUMABLE_OK) {
            if (entry.kind == OSS_RESUMABLE_ENTRY_OBJECT) {
                printf("%14llu  ", (unsigned long long)entry.size);
            } else {
                printf("%14s  ", "");
            }
            print_key(entry.key);
        }
    }
    if (code != OSS_RESUMABLE_END_OF_LIST) {
        fprintf(stderr, "listing failed, code: %s, message: %s\n", oss_resumable_error_code(error),
                oss_resumable_error_message(error));
    }

    oss_resumable_error_free(error);
    oss_resumable_listing_free(listing);
    oss_resumable_client_free(client);
    return code == OSS_RESUMABLE_END_OF_LIST ? 0 : 1;
}
