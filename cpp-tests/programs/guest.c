/* A host with a libcurl and an OpenSSL of its own, which it initialises, uses and cleans up before,
 * between, during and after downloads, on several threads. Both must keep working, and so must the
 * downloads.
 *
 *   guest ENDPOINT DIRECTORY
 */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <curl/curl.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>

#include <oss_resumable/oss_resumable.h>

static const char *endpoint, *directory;

static void demand(int holds, const char *what) {
    if (!holds) {
        fprintf(stderr, "FAILED: %s\n", what);
        exit(1);
    }
}

static size_t count(char *data, size_t size, size_t items, void *total) {
    (void)data;
    *(size_t *)total += size * items;
    return size * items;
}

/* The host's own work: a transfer and a digest, between an initialisation and a clean-up. */
static void *use_own_libraries(void *unused) {
    static const unsigned char abc[] = {0xba, 0x78, 0x16, 0xbf};
    unsigned char digest[EVP_MAX_MD_SIZE];
    unsigned int length = 0;
    size_t received = 0;
    char url[512];
    CURL *easy;

    demand(curl_global_init(CURL_GLOBAL_DEFAULT) == CURLE_OK, "curl_global_init");
    easy = curl_easy_init();
    demand(easy != NULL, "curl_easy_init");
    snprintf(url, sizeof url, "%s/examplebucket/generated/1000", endpoint);
    curl_easy_setopt(easy, CURLOPT_URL, url);
    curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, count);
    curl_easy_setopt(easy, CURLOPT_WRITEDATA, &received);
    demand(curl_easy_perform(easy) == CURLE_OK, "the host's transfer");
    demand(received == 1000, "the host's transfer is whole");
    curl_easy_cleanup(easy);
    curl_global_cleanup();

    demand(OPENSSL_init_crypto(0, NULL) == 1, "OPENSSL_init_crypto");
    demand(EVP_Digest("abc", 3, digest, &length, EVP_sha256(), NULL) == 1, "the host's digest");
    demand(length == 32 && memcmp(digest, abc, sizeof abc) == 0, "the host's digest is right");
    OPENSSL_thread_stop();
    return unused;
}

static void on_another_thread(void *(*work)(void *)) {
    pthread_t thread;
    demand(pthread_create(&thread, NULL, work, NULL) == 0, "pthread_create");
    pthread_join(thread, NULL);
}

static int slow_down(const oss_resumable_status *status, void *unused) {
    (void)status;
    (void)unused;
    use_own_libraries(NULL);
    return 0;
}

static void *download(void *with_progress) {
    oss_resumable_client_options options = OSS_RESUMABLE_CLIENT_OPTIONS_INIT;
    oss_download_object_request request = OSS_DOWNLOAD_OBJECT_REQUEST_INIT;
    oss_resumable_client *client = NULL;
    char file[512];

    options.endpoint = endpoint;
    options.region = "cn-hangzhou";
    options.anonymous = OSS_RESUMABLE_ON;
    demand(oss_resumable_client_new(&options, &client, NULL) == OSS_RESUMABLE_OK, "client_new");

    snprintf(file, sizeof file, "%s/%s", directory, with_progress ? "with" : "without");
    request.bucket = "examplebucket";
    request.key = "generated/3MiB";
    request.file_path = file;
    request.part_size = OSS_RESUMABLE_MIN_PART_SIZE;
    request.progress = with_progress ? slow_down : NULL;
    demand(oss_resumable_download_object(client, &request, NULL, NULL) == OSS_RESUMABLE_OK,
           "a download");
    oss_resumable_client_free(client);
    return NULL;
}

int main(int argc, char **argv) {
    static int yes;
    pthread_t downloading, using;
    int round;

    if (argc != 3) {
        return 2;
    }
    endpoint = argv[1];
    directory = argv[2];
    for (round = 0; round < 5; round++) {
        use_own_libraries(NULL);
        download(NULL);
        on_another_thread(use_own_libraries);
        on_another_thread(download);
        download(&yes);
        demand(pthread_create(&downloading, NULL, download, NULL) == 0, "pthread_create");
        demand(pthread_create(&using, NULL, use_own_libraries, NULL) == 0, "pthread_create");
        pthread_join(downloading, NULL);
        pthread_join(using, NULL);
    }
    curl_global_cleanup();
    download(NULL);
    return 0;
}
