/* The program of the corpus in C; bindings/corpus/README.md describes its arguments and its output.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <oss_resumable/oss_resumable.h>

enum { MAX_LINE = 16 * 1024, MAX_OBJECTS = 1000 };

/* Options that are not given are NULL. */
struct arguments {
    const char *endpoint, *region, *ca_file, *keys, *max_bandwidth;
    const char *bucket, *key, *url, *file_path, *checkpoint_dir, *thread_num, *range_start,
        *range_end, *overwrite, *when_busy, *expected_sha256;
    const char *pause_at, *cancel_at;
    const char *objects, *prefix, *directory;
};

/* The answers to a provider, one in each line of a file. */
struct answers {
    FILE *file;
    unsigned calls;
};

/* Observes a download; pauses or cancels it once this many bytes are there. */
struct watch {
    oss_resumable_download *download;
    uint64_t pause_at, cancel_at;
    uint64_t done, from_network, while_paused;
    unsigned calls, decreases, calls_while_paused;
};

static int parse(int argc, char **argv, struct arguments *to) {
    const struct {
        const char *name;
        const char **value;
    } options[] = {{"--endpoint", &to->endpoint},
                   {"--region", &to->region},
                   {"--ca-file", &to->ca_file},
                   {"--keys", &to->keys},
                   {"--max-bandwidth", &to->max_bandwidth},
                   {"--bucket", &to->bucket},
                   {"--key", &to->key},
                   {"--url", &to->url},
                   {"--file-path", &to->file_path},
                   {"--checkpoint-dir", &to->checkpoint_dir},
                   {"--thread-num", &to->thread_num},
                   {"--range-start", &to->range_start},
                   {"--range-end", &to->range_end},
                   {"--overwrite", &to->overwrite},
                   {"--when-busy", &to->when_busy},
                   {"--expected-sha256", &to->expected_sha256},
                   {"--pause-at", &to->pause_at},
                   {"--cancel-at", &to->cancel_at},
                   {"--objects", &to->objects},
                   {"--prefix", &to->prefix},
                   {"--directory", &to->directory}};
    const size_t count = sizeof(options) / sizeof(options[0]);
    int i;

    for (i = 2; i + 1 < argc; i += 2) {
        size_t at = 0;
        while (at < count && strcmp(options[at].name, argv[i]) != 0) {
            at++;
        }
        if (at == count) {
            return 0;
        }
        *options[at].value = argv[i + 1];
    }
    return argc >= 2 && i == argc;
}

static uint64_t number(const char *text) { return text != NULL ? strtoull(text, NULL, 10) : 0; }

static int is(const char *text, const char *word) {
    return text != NULL && strcmp(text, word) == 0;
}

/* Reads a line without its end; returns 0 at the end of the file. */
static int read_line(FILE *file, char *line) {
    if (file == NULL || fgets(line, MAX_LINE, file) == NULL) {
        return 0;
    }
    line[strcspn(line, "\n")] = '\0';
    return 1;
}

/* The next key, "ID SECRET TOKEN". Runs on a thread of the library. */
static void provide_key(oss_resumable_credentials_sink *sink, void *user_data) {
    struct answers *answers = user_data;
    char line[MAX_LINE], id[128], secret[128], token[1024];

    answers->calls++;
    if (read_line(answers->file, line) &&
        sscanf(line, "%127s %127s %1023s", id, secret, token) == 3) {
        oss_resumable_credentials_set(sink, id, secret, token, 0);
    } else {
        oss_resumable_credentials_fail(sink, "there is no other key");
    }
}

/* The next URL. Runs on a thread of the library. */
static void provide_url(oss_resumable_url_sink *sink, void *user_data) {
    struct answers *answers = user_data;
    char line[MAX_LINE];

    answers->calls++;
    if (read_line(answers->file, line)) {
        oss_resumable_url_set(sink, line);
    } else {
        oss_resumable_url_fail(sink, "there is no other URL");
    }
}

/* Runs on this thread, in oss_resumable_download_wait(). */
static int32_t observe(const oss_resumable_status *status, void *user_data) {
    struct watch *watch = user_data;

    watch->calls++;
    watch->decreases += status->bytes_done < watch->done;
    watch->done = status->bytes_done;
    if (status->phase == OSS_RESUMABLE_PHASE_PAUSED) {
        if (watch->calls_while_paused++ == 0) {
            watch->from_network = status->bytes_from_network;
        } else if (watch->calls_while_paused == 3) {
            watch->while_paused = status->bytes_from_network - watch->from_network;
            oss_resumable_download_resume(watch->download);
        }
    } else if (watch->pause_at > 0 && status->bytes_done >= watch->pause_at) {
        watch->pause_at = 0;
        oss_resumable_download_pause(watch->download);
    }
    return watch->cancel_at > 0 && status->bytes_done >= watch->cancel_at;
}

/* Prints how an object ended, and frees what tells it. Returns the exit status. */
static int report(uint64_t tag, oss_resumable_result *result, oss_resumable_error *error) {
    printf("{\"tag\": %" PRIu64 ", \"result\": %s, \"error\": %s}\n", tag,
           result != NULL ? oss_resumable_result_json(result) : "null",
           error != NULL ? oss_resumable_error_json(error) : "null");
    oss_resumable_result_free(result);
    oss_resumable_error_free(error);
    return error != NULL;
}

static void describe(const struct arguments *from, oss_download_object_request *to) {
    to->bucket = from->bucket;
    to->key = from->key;
    to->file_path = from->file_path;
    to->checkpoint_dir = from->checkpoint_dir;
    to->thread_num = (uint32_t)number(from->thread_num);
    if (from->range_start != NULL) {
        to->has_range = OSS_RESUMABLE_ON;
        to->range_start = (int64_t)number(from->range_start);
        to->range_end = (int64_t)number(from->range_end);
    }
    to->expected_sha256 = from->expected_sha256;
    if (is(from->overwrite, "fail")) {
        to->overwrite = OSS_RESUMABLE_OVERWRITE_FAIL;
    } else if (is(from->overwrite, "if-different")) {
        to->overwrite = OSS_RESUMABLE_OVERWRITE_IF_DIFFERENT;
    }
    if (is(from->when_busy, "wait")) {
        to->when_busy = OSS_RESUMABLE_BUSY_WAIT;
    }
}

static int download_object(oss_resumable_client *client, const struct arguments *arguments,
                           unsigned *key_calls) {
    oss_download_object_request request = OSS_DOWNLOAD_OBJECT_REQUEST_INIT;
    oss_resumable_result *result = NULL;
    oss_resumable_error *error = NULL;
    struct answers urls = {NULL, 0};
    struct watch watch = {NULL, 0, 0, 0, 0, 0, 0, 0, 0};
    char url[MAX_LINE];
    int failed;

    describe(arguments, &request);
    if (arguments->url != NULL) {
        urls.file = fopen(arguments->url, "r");
        request.url = read_line(urls.file, url) ? url : "";
        request.url_provider = provide_url;
        request.url_provider_user_data = &urls;
    }
    watch.pause_at = number(arguments->pause_at);
    watch.cancel_at = number(arguments->cancel_at);
    request.progress = observe;
    request.user_data = &watch;

    if (oss_resumable_download_start(client, &request, &watch.download, &error) ==
        OSS_RESUMABLE_OK) {
        oss_resumable_download_wait(watch.download, -1, &result, &error);
    }
    failed = report(0, result, error);
    printf("{\"progress_calls\": %u, \"progress_decreases\": %u, \"last_bytes_done\": %" PRIu64
           ", \"was_paused\": %s, \"bytes_while_paused\": %" PRIu64 ", \"provider_calls\": %u}\n",
           watch.calls, watch.decreases, watch.done,
           watch.calls_while_paused > 0 ? "true" : "false", watch.while_paused,
           *key_calls + urls.calls);

    oss_resumable_download_free(watch.download);
    if (urls.file != NULL) {
        fclose(urls.file);
    }
    return failed;
}

/* Starts the download of every key in a file, each to the directory, and follows them in this
 * thread. */
static int download_many(oss_resumable_client *client, const struct arguments *arguments) {
    static oss_resumable_download *downloads[MAX_OBJECTS];
    oss_resumable_event_queue *queue = NULL;
    oss_resumable_event event = OSS_RESUMABLE_EVENT_INIT;
    FILE *keys = fopen(arguments->objects, "r");
    char key[MAX_LINE], path[2 * MAX_LINE];
    int failed = 0;
    unsigned started = 0, running = 0, ended = 0;

    oss_resumable_event_queue_new(&queue, NULL);
    while (started < MAX_OBJECTS && read_line(keys, key)) {
        oss_download_object_request request = OSS_DOWNLOAD_OBJECT_REQUEST_INIT;
        oss_resumable_error *error = NULL;
        const char *name = strrchr(key, '/');
        snprintf(path, sizeof(path), "%s/%s", arguments->directory, name != NULL ? name + 1 : key);
        describe(arguments, &request);
        request.key = key;
        request.file_path = path;
        request.event_queue = queue;
        request.tag = started;
        if (oss_resumable_download_start(client, &request, &downloads[started], &error) ==
            OSS_RESUMABLE_OK) {
            running++;
        } else {
            failed |= report(started, NULL, error);
            ended++;
        }
        started++;
    }
    while (running > 0 && oss_resumable_event_queue_next(queue, -1, &event) == OSS_RESUMABLE_OK) {
        if (event.kind == OSS_RESUMABLE_EVENT_ENDED) {
            oss_resumable_result *result = NULL;
            oss_resumable_error *error = NULL;
            /* Returns at once. */
            oss_resumable_download_wait(downloads[event.tag], -1, &result, &error);
            failed |= report(event.tag, result, error);
            oss_resumable_download_free(downloads[event.tag]);
            running--;
            ended++;
        }
    }
    printf("{\"ended\": %u}\n", ended);

    oss_resumable_event_queue_free(queue);
    if (keys != NULL) {
        fclose(keys);
    }
    return failed;
}

static int download_prefix(oss_resumable_client *client, const struct arguments *arguments) {
    oss_resumable_prefix_request request = OSS_RESUMABLE_PREFIX_REQUEST_INIT;
    oss_resumable_prefix_object object = OSS_RESUMABLE_PREFIX_OBJECT_INIT;
    oss_resumable_prefix_counts counts = OSS_RESUMABLE_PREFIX_COUNTS_INIT;
    oss_resumable_prefix_result *result = NULL;
    oss_resumable_error *error = NULL;
    uint64_t i;

    request.bucket = arguments->bucket;
    request.prefix = arguments->prefix;
    request.directory = arguments->directory;
    oss_resumable_download_prefix(client, &request, &result, &error);
    if (result == NULL) {
        return report(0, NULL, error);
    }
    for (i = 0; oss_resumable_prefix_result_object(result, i, &object) == OSS_RESUMABLE_OK; i++) {
        if (object.result == OSS_RESUMABLE_OBJECT_FAILED) {
            printf("{\"tag\": %" PRIu64 ", \"result\": null, \"error\": %s}\n", i,
                   oss_resumable_error_json(object.error));
        }
    }
    oss_resumable_prefix_result_counts(result, &counts);
    printf("{\"objects\": %" PRIu64 ", \"fetched\": %" PRIu64 ", \"unchanged\": %" PRIu64
           ", \"failed\": %" PRIu64 ", \"bytes_from_network\": %" PRIu64 "}\n",
           counts.objects, counts.fetched, counts.unchanged, counts.failed,
           counts.bytes_from_network);
    oss_resumable_prefix_result_free(result);
    return counts.failed > 0;
}

int main(int argc, char **argv) {
    /* Without a provider, the key comes from OSS_ACCESS_KEY_ID and OSS_ACCESS_KEY_SECRET. */
    oss_resumable_client_options options = OSS_RESUMABLE_CLIENT_OPTIONS_INIT;
    oss_resumable_client *client = NULL;
    oss_resumable_error *error = NULL;
    struct arguments arguments;
    struct answers keys = {NULL, 0};
    int status = 2;

    memset(&arguments, 0, sizeof(arguments));
    if (!parse(argc, argv, &arguments)) {
        fprintf(stderr, "usage: %s object|many|prefix [--OPTION VALUE]...\n", argv[0]);
        return status;
    }
    options.endpoint = arguments.endpoint;
    options.region = arguments.region;
    options.ca_file = arguments.ca_file;
    options.max_bandwidth = number(arguments.max_bandwidth);
    if (arguments.keys != NULL) {
        keys.file = fopen(arguments.keys, "r");
        options.credentials_provider = provide_key;
        options.user_data = &keys;
    }
    if (oss_resumable_client_new(&options, &client, &error) != OSS_RESUMABLE_OK) {
        status = report(0, NULL, error);
    } else if (is(argv[1], "object")) {
        status = download_object(client, &arguments, &keys.calls);
    } else if (is(argv[1], "many")) {
        status = download_many(client, &arguments);
    } else if (is(argv[1], "prefix")) {
        status = download_prefix(client, &arguments);
    }
    oss_resumable_client_free(client);
    if (keys.file != NULL) {
        fclose(keys.file);
    }
    return status;
}
