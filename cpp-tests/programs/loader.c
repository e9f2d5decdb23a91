/* Repeatedly loads the library, downloads, and unloads it: no threads or descriptors are left each
 * time.
 *
 *   loader LIBRARY ENDPOINT DIRECTORY
 */
#include <dirent.h>
#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <oss_resumable/oss_resumable.h>

static void demand(int holds, const char *what) {
    if (!holds) {
        fprintf(stderr, "FAILED: %s\n", what);
        exit(1);
    }
}

static int entries(const char *path) {
    DIR *directory = opendir(path);
    int count = 0;
    demand(directory != NULL, path);
    while (readdir(directory)) {
        count++;
    }
    closedir(directory);
    return count;
}

/* A function of the library; ISO C has no cast from an object to a function. */
static void find(void *library, const char *name, void *function) {
    void *found = dlsym(library, name);
    demand(found != NULL, name);
    memcpy(function, &found, sizeof found);
}

static void load_and_download(const char *path, const char *endpoint, const char *file) {
    oss_resumable_code (*client_new)(const oss_resumable_client_options *, oss_resumable_client **,
                                     oss_resumable_error **);
    oss_resumable_code (*download_object)(oss_resumable_client *,
                                          const oss_download_object_request *,
                                          oss_resumable_result **, oss_resumable_error **);
    void (*client_free)(oss_resumable_client *);
    oss_resumable_client_options options = OSS_RESUMABLE_CLIENT_OPTIONS_INIT;
    oss_download_object_request request = OSS_DOWNLOAD_OBJECT_REQUEST_INIT;
    oss_resumable_client *client = NULL;
    void *library = dlopen(path, RTLD_NOW | RTLD_LOCAL);

    demand(library != NULL, "dlopen");
    find(library, "oss_resumable_client_new", &client_new);
    find(library, "oss_resumable_download_object", &download_object);
    find(library, "oss_resumable_client_free", &client_free);

    options.endpoint = endpoint;
    options.region = "cn-hangzhou";
    options.anonymous = OSS_RESUMABLE_ON;
    demand(client_new(&options, &client, NULL) == OSS_RESUMABLE_OK, "client_new");
    request.bucket = "examplebucket";
    request.key = "generated/1MiB";
    request.file_path = file;
    demand(download_object(client, &request, NULL, NULL) == OSS_RESUMABLE_OK, "a download");
    client_free(client);
    demand(dlclose(library) == 0, "dlclose");
}

int main(int argc, char **argv) {
    char file[512];
    int threads, descriptors = 0, round;

    if (argc != 4) {
        return 2;
    }
    snprintf(file, sizeof file, "%s/file", argv[3]);
    threads = entries("/proc/self/task");
    for (round = 0; round < 50; round++) {
        load_and_download(argv[1], argv[2], file);
        demand(entries("/proc/self/task") == threads, "no thread is left");
        if (round == 0) {
            descriptors = entries("/proc/self/fd");
        }
        demand(entries("/proc/self/fd") == descriptors, "no descriptor is left");
    }
    return 0;
}
