/**
 * @file oss_resumable.h
 * @brief Resumable, verified downloads of large objects from Alibaba Cloud OSS.
 *
 * A download fetches one object in parallel, goes on where an earlier run of any process ended, and puts the file
 * in its place only when its bytes are proven to be the object's.
 *
 * The smallest use, with credentials from the environment (`OSS_ACCESS_KEY_ID`, `OSS_ACCESS_KEY_SECRET`):
 * @code
 * oss_resumable_client_options options = OSS_RESUMABLE_CLIENT_OPTIONS_INIT;
 * oss_download_object_request request = OSS_DOWNLOAD_OBJECT_REQUEST_INIT;
 * oss_resumable_client *client = NULL;
 * oss_resumable_error *error = NULL;
 *
 * options.endpoint = "oss-cn-hangzhou.aliyuncs.com";
 * request.bucket = "examplebucket";
 * request.key = "exampledir/exampleobject.txt";
 * request.file_path = "examplefile.txt";
 * request.checkpoint_dir = ".";
 *
 * if (oss_resumable_client_new(&options, &client, &error) != OSS_RESUMABLE_OK ||
 *     oss_resumable_download_object(client, &request, NULL, &error) != OSS_RESUMABLE_OK) {
 *     fprintf(stderr, "%s: %s\n", oss_resumable_error_code(error), oss_resumable_error_message(error));
 * }
 * oss_resumable_error_free(error);
 * oss_resumable_client_free(client);
 * @endcode
 *
 * @section conventions Conventions
 * - **Codes.** Functions that can fail return an ::oss_resumable_code; 0 is success. Outputs are the last parameters.
 *   `out` is written on success only, `err` on failure only; each may be NULL.
 * - **Structs** begin with `struct_size`, which the caller sets to `sizeof` the struct. Set the rest to zero first:
 *   zero is the default of every field. The `_INIT` macro after each struct does both, for automatic, static and
 *   `const` objects. A program may be older than the library, or newer: fields the library does not know are refused
 *   unless they are zero.
 * - **Switches** are `int32_t`: ::OSS_RESUMABLE_DEFAULT, ::OSS_RESUMABLE_ON or ::OSS_RESUMABLE_OFF. Times are in
 *   milliseconds, sizes in bytes. Lists are a pointer and a count.
 * - **Strings** are UTF-8 and end with NUL. The library copies what it is given. Strings that it returns are
 *   borrowed from the object they were asked of, and NULL when absent.
 * - **Ownership.** What a function gives through `out` or `err` belongs to the caller and is freed once with the
 *   `_free` function of its type. Freeing NULL does nothing. Objects may be freed in any order.
 * - **NULL** where it is not allowed is ::OSS_RESUMABLE_ERR_VALIDATION, never a crash.
 * - **Threads.** Every function may be called from any thread. An object may be used by several threads at the same
 *   time; only its `_free` must come after all other uses.
 * - **Callbacks** carry `user_data`, and each says on which thread it runs. None is called under a lock, and all are
 *   optional. They must return normally: no exception, `longjmp` or thread exit may leave them.
 * - **fork.** In a forked child, the parent's clients and downloads answer ::OSS_RESUMABLE_ERR_FORKED. Make new ones.
 * - The library writes nothing to stdout or stderr, installs no signal handler, and changes no environment variable.
 */


#ifndef OSS_RESUMABLE_C_API_H
#define OSS_RESUMABLE_C_API_H

#include <stddef.h>
#include <stdint.h>

/**
 * Major version of this header. Compare with oss_resumable_version() of the library that is loaded.
 */
#define OSS_RESUMABLE_VERSION_MAJOR 0

/**
 * Minor version of this header. Until 1.0, libraries of another minor version are not compatible.
 */
#define OSS_RESUMABLE_VERSION_MINOR 1

/**
 * Patch version of this header.
 */
#define OSS_RESUMABLE_VERSION_PATCH 0

/**
 * For fields that say "default, on or off": the documented default.
 */
#define OSS_RESUMABLE_DEFAULT 0

/**
 * For fields that say "default, on or off": on.
 */
#define OSS_RESUMABLE_ON 1

/**
 * For fields that say "default, on or off": off.
 */
#define OSS_RESUMABLE_OFF 2

/**
 * Level of a log line: the download fails because of it.
 */
#define OSS_RESUMABLE_LOG_ERROR 1

/**
 * Level of a log line: something went wrong and is being dealt with.
 */
#define OSS_RESUMABLE_LOG_WARN 2

/**
 * Level of a log line: one line for each step of a download.
 */
#define OSS_RESUMABLE_LOG_INFO 3

/**
 * Level of a log line: one line for each request.
 */
#define OSS_RESUMABLE_LOG_DEBUG 4

/**
 * Answer of an ::oss_resumable_retry_decision: what the library's own policy says.
 */
#define OSS_RESUMABLE_RETRY_DEFAULT -1

/**
 * Answer of an ::oss_resumable_retry_decision: give up.
 */
#define OSS_RESUMABLE_RETRY_STOP -2

/**
 * `signature_version`: HMAC-SHA1.
 */
#define OSS_RESUMABLE_SIGNATURE_V1 1

/**
 * `signature_version`: `OSS4-HMAC-SHA256`, the default.
 */
#define OSS_RESUMABLE_SIGNATURE_V4 4

/**
 * `address_style`: the bucket stands before the host, and in the path for IP addresses and `localhost`.
 */
#define OSS_RESUMABLE_ADDRESS_AUTO 0

/**
 * `address_style`: `https://endpoint/bucket/key`.
 */
#define OSS_RESUMABLE_ADDRESS_PATH 1

/**
 * `address_style`: the endpoint is a custom domain bound to the bucket, `https://endpoint/key`.
 */
#define OSS_RESUMABLE_ADDRESS_CNAME 2

/**
 * `proxy_scheme`: the connection to the proxy is in the clear; `https` endpoints are reached through a tunnel.
 */
#define OSS_RESUMABLE_PROXY_HTTP 0

/**
 * `proxy_scheme`: the connection to the proxy is made over TLS; its certificate is verified against the system's
 * authorities, whatever `ca_file`, `ca_path` and `verify_tls` say about the service's.
 */
#define OSS_RESUMABLE_PROXY_HTTPS 1

/**
 * Smallest `part_size`, in bytes (100 KiB).
 */
#define OSS_RESUMABLE_MIN_PART_SIZE 102400

/**
 * Largest `part_size`, in bytes (5 GiB).
 */
#define OSS_RESUMABLE_MAX_PART_SIZE 5368709120

/**
 * Default `part_size`, in bytes (8 MiB).
 */
#define OSS_RESUMABLE_DEFAULT_PART_SIZE 8388608

/**
 * Default `thread_num`.
 */
#define OSS_RESUMABLE_DEFAULT_THREAD_NUM 3

/**
 * Largest `thread_num`.
 */
#define OSS_RESUMABLE_MAX_THREAD_NUM 1024

/**
 * `overwrite`: replace an existing file, once the new one is whole.
 */
#define OSS_RESUMABLE_OVERWRITE_REPLACE 0

/**
 * `overwrite`: fail with the code `FileAlreadyExists` and leave the file alone.
 */
#define OSS_RESUMABLE_OVERWRITE_FAIL 1

/**
 * oss_resumable_status: validating, locking, waiting for the first reply.
 */
#define OSS_RESUMABLE_PHASE_STARTING 1

/**
 * oss_resumable_status: fetching bytes, and proving those of an earlier run.
 */
#define OSS_RESUMABLE_PHASE_TRANSFERRING 2

/**
 * oss_resumable_status: comparing checksums, flushing, renaming.
 */
#define OSS_RESUMABLE_PHASE_FINISHING 3

/**
 * oss_resumable_status: ended well; the file is in its place.
 */
#define OSS_RESUMABLE_PHASE_SUCCEEDED 4

/**
 * oss_resumable_status: ended with an error.
 */
#define OSS_RESUMABLE_PHASE_FAILED 5

/**
 * oss_resumable_result_proof(): the file's bytes have the CRC-64 that the service stores for the object.
 */
#define OSS_RESUMABLE_PROOF_OBJECT_CRC 1

/**
 * oss_resumable_result_proof(): the file's bytes are those the network delivered for one generation of the object;
 * the service sent no CRC-64, or only a range was downloaded.
 */
#define OSS_RESUMABLE_PROOF_GENERATION 2

/**
 * oss_resumable_result_proof(): as ::OSS_RESUMABLE_PROOF_GENERATION, and the service's CRC-64 was not compared
 * because the client's options say so.
 */
#define OSS_RESUMABLE_PROOF_NOT_COMPARED 3

/**
 * What the checkpoint of a download says. Made by oss_resumable_checkpoint_inspect(), owned by the caller, freed
 * with oss_resumable_checkpoint_free().
 *
 * Immutable: any thread may read it, several at once; only the freeing must come last. It stays valid after
 * every other handle is freed and after the checkpoint is gone. Strings got from it are borrowed, and valid until
 * it is freed.
 */
typedef struct oss_resumable_checkpoint oss_resumable_checkpoint;

/**
 * Endpoint, region, credentials, connection settings, and the threads that serve downloads.
 *
 * Thread-safe: any number of threads may use one client at the same time; only oss_resumable_client_free() must
 * be the last call. Make one and share it. Threads start with the first download and are joined by the freeing.
 */
typedef struct oss_resumable_client oss_resumable_client;

/**
 * Takes the answer of an ::oss_resumable_credentials_provider. Valid during that call only; thread-safe.
 */
typedef struct oss_resumable_credentials_sink oss_resumable_credentials_sink;

/**
 * One transfer, running or ended.
 *
 * Thread-safe: any thread may wait for, look at or cancel it at the same time; only
 * oss_resumable_download_free() must be the last call. It may outlive the handle of its client.
 */
typedef struct oss_resumable_download oss_resumable_download;

/**
 * Why a call failed. Made by the call, owned by the caller, freed with oss_resumable_error_free().
 *
 * Immutable: any thread may read it, several at once; only the freeing must come last. It stays valid after
 * every other handle is freed. Strings got from it are UTF-8, borrowed, and valid until it is freed.
 */
typedef struct oss_resumable_error oss_resumable_error;

/**
 * What a successful download came to. Made by the call, owned by the caller, freed with
 * oss_resumable_result_free().
 *
 * Immutable: any thread may read it, several at once; only the freeing must come last. It stays valid after
 * every other handle is freed. Strings got from it are borrowed, and valid until it is freed.
 */
typedef struct oss_resumable_result oss_resumable_result;

/**
 * What a call came to: ::OSS_RESUMABLE_OK, ::OSS_RESUMABLE_WAIT_TIMEOUT or one of the `OSS_RESUMABLE_ERR_…`
 * codes. Numbers are never reused for another meaning; treat one that you do not know as a failure.
 */
typedef int32_t oss_resumable_code;

/**
 * Supplies temporary credentials: before the first request, shortly before they expire, and when the service
 * says that they expired. Runs on a thread of its own, once at a time; it may block, and neither transfers nor
 * a cancel wait for it.
 *
 * Answer with oss_resumable_credentials_set() or oss_resumable_credentials_fail() before returning; without an
 * answer the requests that need one fail. The callback must not start or wait for downloads, or throw: a C++ exception
 * that leaves it ends the program.
 */
typedef void (*oss_resumable_credentials_provider)(struct oss_resumable_credentials_sink *sink,
                                                   void *user_data);

/**
 * A failed attempt, shown to an ::oss_resumable_retry_decision.
 */
typedef struct oss_resumable_failed_attempt {
    /**
     * Size of this struct, set by the library; fields beyond it do not exist.
     */
    size_t struct_size;
    /**
     * The error's code, such as `InternalError` or `ClientError:200028`; valid during the call.
     */
    const char *code;
    /**
     * HTTP status, or 200000 + CURLcode.
     */
    int64_t status;
    /**
     * Attempts without a new byte so far, this one included; from 1.
     */
    uint32_t attempts;
    /**
     * 1 when the library's own policy would try again, else 0.
     */
    int32_t would_retry;
    /**
     * The error's message; valid during the call.
     */
    const char *message;
} oss_resumable_failed_attempt;

/**
 * Initialises an object of type ::oss_resumable_failed_attempt: sets `struct_size`, and every other field to zero.
 */
#define OSS_RESUMABLE_FAILED_ATTEMPT_INIT \
    { sizeof(oss_resumable_failed_attempt), NULL, 0, 0, 0, NULL }

/**
 * Decides whether a failed attempt is repeated. Runs on threads of the client's own, possibly several at once.
 *
 * Return a delay in milliseconds (0 or more) to try again after it, ::OSS_RESUMABLE_RETRY_STOP to give up, or
 * ::OSS_RESUMABLE_RETRY_DEFAULT (as any other negative number) for the library's own policy. `attempt` is valid
 * during the call. The callback must not block for long, start or wait for downloads, or throw: a C++
 * exception that leaves it ends the program.
 */
typedef int64_t (*oss_resumable_retry_decision)(const struct oss_resumable_failed_attempt *attempt,
                                                void *user_data);

/**
 * Receives a line of the log. Runs on threads of the client's own, possibly several at once.
 *
 * `level` is one of the `OSS_RESUMABLE_LOG_…` values. `message` is UTF-8 without a line end and without
 * secrets, valid during the call. The callback must not block for long, start or wait for downloads, or throw: a C++
 * exception that leaves it ends the program.
 */
typedef void (*oss_resumable_log)(int32_t level,
                                  const char *message,
                                  void *user_data);

/**
 * Frees `user_data`. Called exactly once, on any thread, after the last call of the callbacks it stands beside:
 * also when the call that was given the struct fails, provided that `struct_size` reaches to the field. It must not
 * throw: a C++ exception that leaves a callback ends the program.
 */
typedef void (*oss_resumable_user_data_free)(void *user_data);

/**
 * How a client reaches the service. Only `struct_size` and `endpoint` are required: set every other field to
 * zero for its default. Strings are UTF-8 and copied by oss_resumable_client_new().
 */
typedef struct oss_resumable_client_options {
    /**
     * `sizeof(oss_resumable_client_options)`.
     */
    size_t struct_size;
    /**
     * `[http[s]://]host[:port]`; `https://` when no scheme is given. Required.
     */
    const char *endpoint;
    /**
     * Region id such as `cn-hangzhou`. NULL: taken from the endpoint. V4 signatures need it.
     */
    const char *region;
    /**
     * Access key id, together with `access_key_secret`. Both NULL: the provider if there is one, else the
     * environment variables `OSS_ACCESS_KEY_ID`, `OSS_ACCESS_KEY_SECRET` and `OSS_SESSION_TOKEN`, read when a
     * download starts.
     */
    const char *access_key_id;
    /**
     * Access key secret.
     */
    const char *access_key_secret;
    /**
     * Security token of temporary credentials, or NULL.
     */
    const char *security_token;
    /**
     * Supplies and renews temporary credentials, or NULL. Excludes `access_key_id`.
     */
    oss_resumable_credentials_provider credentials_provider;
    /**
     * Decides about failed attempts, or NULL for the library's own policy.
     */
    oss_resumable_retry_decision retry_decision;
    /**
     * Receives log lines, or NULL.
     */
    oss_resumable_log log;
    /**
     * Passed to the three callbacks above.
     */
    void *user_data;
    /**
     * Frees `user_data`, or NULL.
     */
    oss_resumable_user_data_free user_data_free;
    /**
     * Trust the certificates (PEM) of this file instead of the system's, or NULL.
     */
    const char *ca_file;
    /**
     * Trust the certificates of this hashed directory as well, or NULL.
     */
    const char *ca_path;
    /**
     * Replaces the `User-Agent`, or NULL.
     */
    const char *user_agent;
    /**
     * Longest time to look up, connect and shake hands, in milliseconds. 0: 5000; −1: no limit.
     */
    int64_t connect_timeout_ms;
    /**
     * Longest time without a byte on a connection, in milliseconds. 0: 10000; −1: no limit.
     */
    int64_t idle_timeout_ms;
    /**
     * Longest time spent on attempts while a download has not received a byte, in milliseconds. 0: 10000;
     * −1: no limit.
     */
    int64_t first_byte_limit_ms;
    /**
     * After the first byte: longest time without a new one, over all connections and retries, in
     * milliseconds. 0: 120000; −1: no limit.
     */
    int64_t no_progress_limit_ms;
    /**
     * Attempts while a download has not received a byte; 1 is no retry. 0: 3.
     */
    uint32_t max_attempts;
    /**
     * Most transfer threads, which serve all connections of the client together. 0: one for each processor,
     * at most 4.
     */
    uint32_t max_workers;
    /**
     * 0 or ::OSS_RESUMABLE_SIGNATURE_V4: V4; ::OSS_RESUMABLE_SIGNATURE_V1: V1.
     */
    int32_t signature_version;
    /**
     * One of the `OSS_RESUMABLE_ADDRESS_…` values.
     */
    int32_t address_style;
    /**
     * Requests are not signed: default (off), on or off. On excludes credentials.
     */
    int32_t anonymous;
    /**
     * Verify the server's certificate and name: default (on), on or off.
     */
    int32_t verify_tls;
    /**
     * Compare the whole object's CRC-64 with the service's: default (on), on or off. Off leaves every other
     * check in force.
     */
    int32_t verify_crc;
    /**
     * Correct the request time when the service says the clock is wrong: default (on), on or off.
     */
    int32_t correct_clock;
    /**
     * Most verbose `OSS_RESUMABLE_LOG_…` level sent to `log`. 0: ::OSS_RESUMABLE_LOG_INFO.
     */
    int32_t log_level;
    /**
     * Must be zero.
     */
    uint32_t reserved;
    /**
     * Proxy that all requests go through: a host name or address. NULL: what `http_proxy` and its like in the
     * environment say. Either way hosts that `no_proxy` there lists are reached without it.
     */
    const char *proxy_host;
    /**
     * User of the proxy, or NULL.
     */
    const char *proxy_user;
    /**
     * Password of the proxy's user, or NULL.
     */
    const char *proxy_password;
    /**
     * Network interface, host name or address that connections leave from, or NULL.
     */
    const char *network_interface;
    /**
     * Most body bytes a second, of all downloads and connections together. 0: no limit. See
     * oss_resumable_client_set_bandwidth().
     */
    uint64_t max_bandwidth;
    /**
     * Port of the proxy, at most 65535. 0: libcurl's default, 1080 for HTTP and 443 for HTTPS.
     */
    uint32_t proxy_port;
    /**
     * One of the `OSS_RESUMABLE_PROXY_…` values.
     */
    int32_t proxy_scheme;
    /**
     * Longest time that the service may throttle a download (503, 429, `Retry-After`) while no byte comes, in
     * milliseconds. Throttled requests are no failed attempts. 0: 60000; −1: no limit.
     */
    int64_t throttle_limit_ms;
} oss_resumable_client_options;

/**
 * Initialises an object of type ::oss_resumable_client_options: sets `struct_size`, and every other field to zero.
 */
#define OSS_RESUMABLE_CLIENT_OPTIONS_INIT \
    { sizeof(oss_resumable_client_options), NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, \
      NULL, NULL, NULL, NULL, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, NULL, NULL, NULL, NULL, 0, \
      0, 0, 0 }

/**
 * A name and its value; both are required. Copied by the call that reads them.
 */
typedef struct oss_resumable_pair {
    /**
     * Name, UTF-8.
     */
    const char *name;
    /**
     * Value, UTF-8; may be empty.
     */
    const char *value;
} oss_resumable_pair;

/**
 * A snapshot of a running or ended download. The counters never go down, except `bytes_done`.
 */
typedef struct oss_resumable_status {
    /**
     * `sizeof(oss_resumable_status)`, set by the caller; in a callback, by the library.
     */
    size_t struct_size;
    /**
     * Bytes of the file that are on disk, those of an earlier run included; goes down when bytes turn out to
     * be wrong.
     */
    uint64_t bytes_done;
    /**
     * Bytes of the file; −1 until the service's first reply.
     */
    int64_t bytes_total;
    /**
     * One of the `OSS_RESUMABLE_PHASE_…` values.
     */
    int32_t phase;
    /**
     * Connections that are transferring now.
     */
    uint32_t active_connections;
    /**
     * Body bytes received from the network.
     */
    uint64_t bytes_from_network;
    /**
     * Bytes of an earlier run that were proven and kept.
     */
    uint64_t bytes_reused;
    /**
     * Bytes received or recorded that were thrown away and fetched again.
     */
    uint64_t bytes_discarded;
    /**
     * HTTP requests sent.
     */
    uint64_t requests;
    /**
     * Connections opened.
     */
    uint64_t connections;
    /**
     * Repeated requests, for whatever reason.
     */
    uint64_t retries;
    /**
     * Since the start, in milliseconds; stands still after the end.
     */
    uint64_t elapsed_ms;
} oss_resumable_status;

/**
 * Initialises an object of type ::oss_resumable_status: sets `struct_size`, and every other field to zero.
 */
#define OSS_RESUMABLE_STATUS_INIT \
    { sizeof(oss_resumable_status), 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0 }

/**
 * Shows how a download gets on. Runs only on the thread that is inside oss_resumable_download_object() or
 * oss_resumable_download_wait(), at least every 200 ms even without new bytes, never twice at once.
 *
 * Return 0 to go on, anything else to cancel: the call then returns ::OSS_RESUMABLE_ERR_CANCELLED.
 * `status` is valid during the call. The callback may call any function of this API and must not throw: a C++
 * exception that leaves it ends the program. It may take its time: the download goes on meanwhile.
 */
typedef int32_t (*oss_resumable_progress)(const struct oss_resumable_status *status,
                                          void *user_data);

/**
 * What to download and where to put it. Only `struct_size`, `bucket` and `key` are required: set every other
 * field to zero for its default. Strings are UTF-8; everything is copied before the call that reads the
 * request returns, and checked before the network or the disk is touched.
 */
typedef struct oss_download_object_request {
    /**
     * `sizeof(oss_download_object_request)`.
     */
    size_t struct_size;
    /**
     * Bucket: 3–63 of `a-z0-9-`, no `-` at either end. Required.
     */
    const char *bucket;
    /**
     * Object key: 1–1023 bytes, not starting with `/` or `\`. Required.
     */
    const char *key;
    /**
     * Target file. NULL: the last segment of the key, in the current directory. An existing file is replaced
     * only once the new one is whole.
     */
    const char *file_path;
    /**
     * Directory of the checkpoint, which must exist; setting it turns resuming on. NULL: see
     * `enable_checkpoint`.
     */
    const char *checkpoint_dir;
    /**
     * Bytes of a part: ::OSS_RESUMABLE_MIN_PART_SIZE … ::OSS_RESUMABLE_MAX_PART_SIZE. 0: 8 MiB.
     */
    uint64_t part_size;
    /**
     * Parts downloaded at once, which is connections: 1 … ::OSS_RESUMABLE_MAX_THREAD_NUM. 0: 3.
     */
    uint32_t thread_num;
    /**
     * Download only `range_start` … `range_end`: default (off, both are ignored), on or off.
     */
    int32_t has_range;
    /**
     * First byte of the range, from 0.
     */
    int64_t range_start;
    /**
     * Last byte of the range, inclusive; −1 is the object's end.
     */
    int64_t range_end;
    /**
     * `if_match_count` ETags: download only if the object has one of them.
     */
    const char *const *if_match;
    /**
     * Number of ETags in `if_match`.
     */
    size_t if_match_count;
    /**
     * `if_none_match_count` ETags: download only if the object has none of them.
     */
    const char *const *if_none_match;
    /**
     * Number of ETags in `if_none_match`.
     */
    size_t if_none_match_count;
    /**
     * HTTP date: download only if the object was modified since, or NULL.
     */
    const char *if_modified_since;
    /**
     * HTTP date: download only if the object was not modified since, or NULL.
     */
    const char *if_unmodified_since;
    /**
     * Sent as `response-content-type`: the service replies with this header instead of the object's. Or NULL.
     */
    const char *response_content_type;
    /**
     * Sent as `response-content-language`, or NULL.
     */
    const char *response_content_language;
    /**
     * Sent as `response-expires`, or NULL.
     */
    const char *response_expires;
    /**
     * Sent as `response-cache-control`, or NULL.
     */
    const char *response_cache_control;
    /**
     * Sent as `response-content-disposition`, or NULL.
     */
    const char *response_content_disposition;
    /**
     * Sent as `response-content-encoding`, or NULL.
     */
    const char *response_content_encoding;
    /**
     * Download this version of the object, or NULL; needs the permission `oss:GetObjectVersion`.
     */
    const char *version_id;
    /**
     * Bandwidth the service is asked to keep to for each connection, in bits per second: 819200 … 838860800.
     * 0: none.
     */
    uint64_t traffic_limit;
    /**
     * `extra_headers_count` more headers for every request.
     */
    const struct oss_resumable_pair *extra_headers;
    /**
     * Number of pairs in `extra_headers`.
     */
    size_t extra_headers_count;
    /**
     * `extra_query_count` more query parameters for every request.
     */
    const struct oss_resumable_pair *extra_query;
    /**
     * Number of pairs in `extra_query`.
     */
    size_t extra_query_count;
    /**
     * Fail with ::OSS_RESUMABLE_ERR_DEADLINE when the whole download takes longer, in milliseconds. 0 or −1: no
     * limit.
     */
    int64_t deadline_ms;
    /**
     * Shows how the download gets on, or NULL.
     */
    oss_resumable_progress progress;
    /**
     * Passed to `progress`.
     */
    void *user_data;
    /**
     * Frees `user_data`, or NULL.
     */
    oss_resumable_user_data_free user_data_free;
    /**
     * Record progress and resume: default (on when `checkpoint_dir` is set), on (in the target's directory when
     * `checkpoint_dir` is NULL) or off.
     */
    int32_t enable_checkpoint;
    /**
     * ::OSS_RESUMABLE_OVERWRITE_REPLACE or ::OSS_RESUMABLE_OVERWRITE_FAIL.
     */
    int32_t overwrite;
    /**
     * The requester pays for the traffic: default (off), on or off.
     */
    int32_t requester_pays;
    /**
     * Set the file's modification time from `Last-Modified`: default (off), on or off.
     */
    int32_t set_modified_time;
    /**
     * Check the free space before writing: default (on), on or off.
     */
    int32_t check_space;
    /**
     * Reserve the file's blocks before writing: default (off), on or off.
     */
    int32_t preallocate;
    /**
     * Flush the file to the disk before success is reported: default (on), on or off. Without it a
     * power failure after success may leave the target empty, partly filled or missing, and the
     * file it replaced gone, until a later download replaces it. A flush that fails is
     * `FlushError`: the old file is still in place, unless it was the last one, of the directory
     * after the rename; the message says so.
     */
    int32_t flush;
    /**
     * Read the whole file back before it is put in its place: default (off), on or off. Always done on file
     * systems whose locks cannot be trusted.
     */
    int32_t verify_before_rename;
    /**
     * Save an object that a client encrypted as it is stored, still encrypted: default (off: such an object is
     * refused), on or off.
     */
    int32_t allow_encrypted;
    /**
     * Must be zero.
     */
    uint32_t reserved;
    /**
     * Most body bytes a second, over all connections of this download. 0: no limit. See
     * oss_resumable_download_set_bandwidth().
     */
    uint64_t max_bandwidth;
} oss_download_object_request;

/**
 * Initialises an object of type ::oss_download_object_request: sets `struct_size`, and every other field to zero.
 */
#define OSS_DOWNLOAD_OBJECT_REQUEST_INIT \
    { sizeof(oss_download_object_request), NULL, NULL, NULL, NULL, 0, 0, 0, 0, 0, NULL, 0, NULL, \
      0, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, 0, NULL, 0, NULL, 0, 0, NULL, NULL, \
      NULL, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0 }

/**
 * The figures of one ended download. Written by oss_resumable_result_stats(); set `struct_size` before.
 */
typedef struct oss_resumable_statistics {
    /**
     * `sizeof(oss_resumable_statistics)`, set by the caller.
     */
    size_t struct_size;
    /**
     * Body bytes received from the network.
     */
    uint64_t bytes_from_network;
    /**
     * Bytes of an earlier run that were proven and kept.
     */
    uint64_t bytes_reused;
    /**
     * Bytes received or recorded that were thrown away and fetched again.
     */
    uint64_t bytes_discarded;
    /**
     * HTTP requests sent.
     */
    uint64_t requests;
    /**
     * Connections opened.
     */
    uint64_t connections;
    /**
     * Repeated requests because a connection could not be made.
     */
    uint64_t retries_connect;
    /**
     * Repeated requests because a connection broke or a body was short.
     */
    uint64_t retries_broken;
    /**
     * Repeated requests because no byte came in time.
     */
    uint64_t retries_timeout;
    /**
     * Repeated requests because the service answered 5xx or 429.
     */
    uint64_t retries_service;
    /**
     * Repeated requests because credentials had expired or the clock was wrong.
     */
    uint64_t retries_auth;
    /**
     * Repeated requests because the object had changed or a reply was unusable.
     */
    uint64_t retries_reply;
    /**
     * From start to end, in milliseconds.
     */
    uint64_t elapsed_ms;
    /**
     * Time that the service asked this download to wait (503, 429, `Retry-After`) or, by `x-oss-qos-delay-time`, held
     * its replies back, in milliseconds, added up over all connections.
     */
    uint64_t throttled_ms;
} oss_resumable_statistics;

/**
 * Initialises an object of type ::oss_resumable_statistics: sets `struct_size`, and every other field to zero.
 */
#define OSS_RESUMABLE_STATISTICS_INIT \
    { sizeof(oss_resumable_statistics), 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0 }

/**
 * The call did what it is for.
 */
#define OSS_RESUMABLE_OK 0

/**
 * oss_resumable_download_wait(): the time is up and the download goes on. Not a failure; no output was touched.
 */
#define OSS_RESUMABLE_WAIT_TIMEOUT 1

/**
 * An argument, option or field of a request is wrong. Nothing was sent or written. Error code `ValidateError`.
 */
#define OSS_RESUMABLE_ERR_VALIDATION 100

/**
 * Another run, of this or another process, is downloading the same object to the same file.
 */
#define OSS_RESUMABLE_ERR_BUSY 101

/**
 * The handle was made in another process, of which this one is a forked child.
 */
#define OSS_RESUMABLE_ERR_FORKED 102

/**
 * The service answered with an error: see oss_resumable_error_status() and oss_resumable_error_code().
 */
#define OSS_RESUMABLE_ERR_SERVICE 200

/**
 * No usable answer came: name lookup, connection, TLS or time-out. oss_resumable_error_status() is 200000 + CURLcode.
 */
#define OSS_RESUMABLE_ERR_TRANSPORT 201

/**
 * The object was replaced during the download, and again after a clean start.
 */
#define OSS_RESUMABLE_ERR_OBJECT_CHANGED 202

/**
 * The bytes are not the object's: a checksum differs, or the service contradicts itself.
 */
#define OSS_RESUMABLE_ERR_INTEGRITY 203

/**
 * The local file system refused: see oss_resumable_error_errno() and oss_resumable_error_path().
 */
#define OSS_RESUMABLE_ERR_IO 300

/**
 * The download was cancelled; its checkpoint, if it has one, is kept.
 */
#define OSS_RESUMABLE_ERR_CANCELLED 400

/**
 * `deadline_ms` of the request passed; the checkpoint, if there is one, is kept.
 */
#define OSS_RESUMABLE_ERR_DEADLINE 401

/**
 * The requests of the client are disabled, see oss_resumable_client_disable_requests(); the checkpoint, if there
 * is one, is kept. Error code `ClientError:100002`, the OSS C++ SDK's.
 */
#define OSS_RESUMABLE_ERR_DISABLED 402

/**
 * A defect of this library; the operation failed and the process is unharmed.
 */
#define OSS_RESUMABLE_ERR_INTERNAL 900

#ifdef __cplusplus
extern "C" {
#endif // __cplusplus

/**
 * The versions of the library that is loaded, and of the libraries it uses, such as
 * `0.1.0 libcurl/7.88.1 OpenSSL/3.0.19`.
 *
 * Thread-safe; callable at any time.
 *
 * @return a constant string that is never freed, never NULL
 */
const char *oss_resumable_version(void);

/**
 * The name of a code, such as `OSS_RESUMABLE_ERR_BUSY`, for logs.
 *
 * Thread-safe; callable at any time, in a forked child too.
 *
 * @param code any number
 * @return a constant string that is never freed, never NULL; `"unknown"` for a number that is no code
 */
const char *oss_resumable_code_name(oss_resumable_code code);

/**
 * Answers an ::oss_resumable_credentials_provider with credentials; of several answers the last one counts.
 *
 * Any thread may call it while the provider runs. The strings are copied.
 *
 * @param sink the provider's parameter; not NULL
 * @param access_key_id required
 * @param access_key_secret required
 * @param security_token the token of temporary credentials, or NULL
 * @param expires_unix_ms when they expire, in milliseconds since 1970-01-01 UTC; 0 when unknown
 * @return ::OSS_RESUMABLE_OK, or ::OSS_RESUMABLE_ERR_VALIDATION for a NULL or malformed argument, which leaves
 * an earlier answer in place
 */
oss_resumable_code oss_resumable_credentials_set(struct oss_resumable_credentials_sink *sink,
                                                 const char *access_key_id,
                                                 const char *access_key_secret,
                                                 const char *security_token,
                                                 int64_t expires_unix_ms);

/**
 * Answers an ::oss_resumable_credentials_provider with a failure.
 *
 * Any thread may call it while the provider runs. The string is copied.
 *
 * @param sink the provider's parameter; not NULL
 * @param message why there are no credentials, shown in the download's error; no secrets; NULL: no reason
 * @return ::OSS_RESUMABLE_OK, or ::OSS_RESUMABLE_ERR_VALIDATION for a NULL sink or a malformed message
 */
oss_resumable_code oss_resumable_credentials_fail(struct oss_resumable_credentials_sink *sink,
                                                  const char *message);

/**
 * Makes a client. Checks the options; starts no thread and sends nothing.
 *
 * Thread-safe. `user_data_free` of the options is called when the client and its downloads are gone, or at once
 * when this fails.
 *
 * @param options not NULL; everything is copied
 * @param out receives the client, to be freed with oss_resumable_client_free(); written on success only; NULL
 * checks the options and makes nothing
 * @param err receives an error to be freed with oss_resumable_error_free(); written on failure only; may be NULL
 * @return ::OSS_RESUMABLE_OK or ::OSS_RESUMABLE_ERR_VALIDATION
 */
oss_resumable_code oss_resumable_client_new(const struct oss_resumable_client_options *options,
                                            struct oss_resumable_client **out,
                                            struct oss_resumable_error **err);

/**
 * Replaces the region, for requests signed from now on, in running downloads too.
 *
 * Thread-safe.
 *
 * @param client not NULL
 * @param region region id such as `cn-hangzhou`; not NULL; copied
 * @param err receives an error; written on failure only; may be NULL
 * @return ::OSS_RESUMABLE_OK, ::OSS_RESUMABLE_ERR_VALIDATION or ::OSS_RESUMABLE_ERR_FORKED
 */
oss_resumable_code oss_resumable_client_set_region(struct oss_resumable_client *client,
                                                   const char *region,
                                                   struct oss_resumable_error **err);

/**
 * Replaces the credentials, whatever kind they were, for requests signed from now on, in running downloads too.
 *
 * Thread-safe.
 *
 * @param client not NULL
 * @param access_key_id not NULL; copied
 * @param access_key_secret not NULL; copied
 * @param security_token the token of temporary credentials, or NULL; copied
 * @param err receives an error; written on failure only; may be NULL
 * @return ::OSS_RESUMABLE_OK, ::OSS_RESUMABLE_ERR_VALIDATION or ::OSS_RESUMABLE_ERR_FORKED
 */
oss_resumable_code oss_resumable_client_set_credentials(struct oss_resumable_client *client,
                                                        const char *access_key_id,
                                                        const char *access_key_secret,
                                                        const char *security_token,
                                                        struct oss_resumable_error **err);

/**
 * Limits all downloads of a client together, from now on, in running downloads too. Limits of single downloads
 * hold as well.
 *
 * Thread-safe; callable inside callbacks.
 *
 * @param client not NULL
 * @param bytes_per_second body bytes a second over all connections; 0: no limit
 * @param err receives an error; written on failure only; may be NULL
 * @return ::OSS_RESUMABLE_OK, ::OSS_RESUMABLE_ERR_VALIDATION or ::OSS_RESUMABLE_ERR_FORKED
 */
oss_resumable_code oss_resumable_client_set_bandwidth(struct oss_resumable_client *client,
                                                      uint64_t bytes_per_second,
                                                      struct oss_resumable_error **err);

/**
 * Ends a client's downloads with ::OSS_RESUMABLE_ERR_DISABLED, keeping their checkpoints, and refuses later ones
 * until oss_resumable_client_enable_requests(). Returns at once; downloads end as soon as they notice.
 *
 * Thread-safe; callable inside callbacks.
 *
 * @param client not NULL
 * @param err receives an error; written on failure only; may be NULL
 * @return ::OSS_RESUMABLE_OK, ::OSS_RESUMABLE_ERR_VALIDATION or ::OSS_RESUMABLE_ERR_FORKED
 */
oss_resumable_code oss_resumable_client_disable_requests(struct oss_resumable_client *client,
                                                         struct oss_resumable_error **err);

/**
 * Lets downloads of a client start again after oss_resumable_client_disable_requests().
 *
 * Thread-safe; callable inside callbacks.
 *
 * @param client not NULL
 * @param err receives an error; written on failure only; may be NULL
 * @return ::OSS_RESUMABLE_OK, ::OSS_RESUMABLE_ERR_VALIDATION or ::OSS_RESUMABLE_ERR_FORKED
 */
oss_resumable_code oss_resumable_client_enable_requests(struct oss_resumable_client *client,
                                                        struct oss_resumable_error **err);

/**
 * Cancels the client's downloads, keeping their checkpoints, waits for its threads to end, and frees it.
 *
 * Handles of its downloads stay valid: they have ended, and are freed on their own, before or after this. Any
 * thread may call it, once. Inside a callback it returns at once, and the rest follows after the callback. In a
 * forked child it does nothing: what the client holds is lost there.
 *
 * @param client a client, or NULL, which does nothing
 */
void oss_resumable_client_free(struct oss_resumable_client *client);

/**
 * Downloads an object to a file: resumes if it can, downloads, proves the bytes, and puts the file in its place.
 * Returns when that is done or has failed. Success means that the file is byte for byte the object.
 *
 * Thread-safe; several downloads may run at once. `progress` of the request runs on this thread. A failure
 * leaves `file_path` as it was; the checkpoint, if there is one, is kept so that the next call goes on. Must not
 * be called inside a callback that runs on one of the library's threads.
 *
 * @param client not NULL
 * @param request not NULL; everything is copied
 * @param out receives the result, to be freed with oss_resumable_result_free(); written on success only; may be
 * NULL
 * @param err receives an error, to be freed with oss_resumable_error_free(); written on failure only; may be NULL
 * @return ::OSS_RESUMABLE_OK or one of the `OSS_RESUMABLE_ERR_…` codes
 */
oss_resumable_code oss_resumable_download_object(struct oss_resumable_client *client,
                                                 const struct oss_download_object_request *request,
                                                 struct oss_resumable_result **out,
                                                 struct oss_resumable_error **err);

/**
 * Starts the job of oss_resumable_download_object() and returns at once, with a handle to it.
 *
 * Thread-safe. `progress` of the request runs only inside oss_resumable_download_wait(). `user_data_free` of the
 * request is called when the handle is freed, or at once when this fails.
 *
 * @param client not NULL
 * @param request not NULL; everything is copied
 * @param out receives the handle, to be freed with oss_resumable_download_free(); written on success only; NULL
 * cancels the download at once
 * @param err receives an error; written on failure only; may be NULL
 * @return ::OSS_RESUMABLE_OK or one of the `OSS_RESUMABLE_ERR_…` codes; what goes wrong later is told by
 * oss_resumable_download_wait()
 */
oss_resumable_code oss_resumable_download_start(struct oss_resumable_client *client,
                                                const struct oss_download_object_request *request,
                                                struct oss_resumable_download **out,
                                                struct oss_resumable_error **err);

/**
 * Waits until a download has ended.
 *
 * Thread-safe; may be repeated, also after the end: each success gives a fresh result, each failure a fresh
 * error. `progress` of the request runs on this thread. Must not be called inside a callback that runs on one
 * of the library's threads.
 *
 * @param download not NULL
 * @param timeout_ms longest time to wait, in milliseconds; 0 only looks; negative: for ever
 * @param out receives the result, to be freed with oss_resumable_result_free(); written on success only; may be
 * NULL
 * @param err receives an error, to be freed with oss_resumable_error_free(); written on failure only; may be NULL
 * @return ::OSS_RESUMABLE_OK when the download succeeded; ::OSS_RESUMABLE_WAIT_TIMEOUT when the time is up and it
 * goes on, with no output touched; otherwise why it failed
 */
oss_resumable_code oss_resumable_download_wait(struct oss_resumable_download *download,
                                               int64_t timeout_ms,
                                               struct oss_resumable_result **out,
                                               struct oss_resumable_error **err);

/**
 * Takes a snapshot of a download. Never waits for the network or the disk.
 *
 * Thread-safe; callable inside callbacks.
 *
 * @param download not NULL
 * @param snapshot not NULL, with its `struct_size` set; filled up to that size
 * @return ::OSS_RESUMABLE_OK, ::OSS_RESUMABLE_ERR_VALIDATION or ::OSS_RESUMABLE_ERR_FORKED
 */
oss_resumable_code oss_resumable_download_status(struct oss_resumable_download *download,
                                                 struct oss_resumable_status *snapshot);

/**
 * Asks a download to end with ::OSS_RESUMABLE_ERR_CANCELLED, and returns at once. The checkpoint, if there is one,
 * is kept. Does nothing to a download that has ended.
 *
 * Thread-safe; callable inside callbacks.
 *
 * @param download not NULL
 * @return ::OSS_RESUMABLE_OK, ::OSS_RESUMABLE_ERR_VALIDATION or ::OSS_RESUMABLE_ERR_FORKED
 */
oss_resumable_code oss_resumable_download_cancel(struct oss_resumable_download *download);

/**
 * Limits a download from now on, over all its connections. The limit of its client holds as well.
 *
 * Thread-safe; callable inside callbacks.
 *
 * @param download not NULL
 * @param bytes_per_second body bytes a second; 0: no limit
 * @return ::OSS_RESUMABLE_OK, ::OSS_RESUMABLE_ERR_VALIDATION or ::OSS_RESUMABLE_ERR_FORKED
 */
oss_resumable_code oss_resumable_download_set_bandwidth(struct oss_resumable_download *download,
                                                        uint64_t bytes_per_second);

/**
 * Frees a download's handle. A running download is cancelled and its end waited for; its checkpoint is kept.
 *
 * Any thread may call it, once, before or after its client is freed. Inside a callback it returns at once, and
 * the rest follows after the callback. In a forked child it does nothing.
 *
 * @param download a download, or NULL, which does nothing
 */
void oss_resumable_download_free(struct oss_resumable_download *download);

/**
 * Tells what the checkpoint of a request's download says. Sends nothing and changes nothing.
 *
 * Thread-safe. The checkpoint may be in use by a running download.
 *
 * @param client not NULL
 * @param request the request that would be downloaded; not NULL; its `user_data` is freed before this returns
 * @param out receives the checkpoint, to be freed with oss_resumable_checkpoint_free(), or NULL when there is none
 * to go on from; written on success only; may be NULL
 * @param err receives an error, to be freed with oss_resumable_error_free(); written on failure only; may be NULL
 * @return ::OSS_RESUMABLE_OK, also without a checkpoint; ::OSS_RESUMABLE_ERR_VALIDATION, ::OSS_RESUMABLE_ERR_IO or
 * ::OSS_RESUMABLE_ERR_FORKED
 */
oss_resumable_code oss_resumable_checkpoint_inspect(struct oss_resumable_client *client,
                                                    const struct oss_download_object_request *request,
                                                    struct oss_resumable_checkpoint **out,
                                                    struct oss_resumable_error **err);

/**
 * Removes the checkpoint of a request's download, and the temporary file that belongs to it.
 *
 * Thread-safe. Refused with ::OSS_RESUMABLE_ERR_BUSY while a download uses them.
 *
 * @param client not NULL
 * @param request the request that would be downloaded; not NULL; its `user_data` is freed before this returns
 * @param discarded receives 1 when there was a checkpoint, else 0; written on success only; may be NULL
 * @param err receives an error, to be freed with oss_resumable_error_free(); written on failure only; may be NULL
 * @return ::OSS_RESUMABLE_OK, also without a checkpoint; ::OSS_RESUMABLE_ERR_BUSY, ::OSS_RESUMABLE_ERR_VALIDATION,
 * ::OSS_RESUMABLE_ERR_IO or ::OSS_RESUMABLE_ERR_FORKED
 */
oss_resumable_code oss_resumable_checkpoint_discard(struct oss_resumable_client *client,
                                                    const struct oss_download_object_request *request,
                                                    int32_t *discarded,
                                                    struct oss_resumable_error **err);

/**
 * The checkpoint file: an absolute path, as the system has it.
 *
 * Thread-safe.
 *
 * @param checkpoint a checkpoint, or NULL
 * @return a string valid until the checkpoint is freed; NULL only for NULL
 */
const char *oss_resumable_checkpoint_path(const struct oss_resumable_checkpoint *checkpoint);

/**
 * The ETag of the object that the recorded bytes are of, without quotes.
 *
 * Thread-safe.
 *
 * @param checkpoint a checkpoint, or NULL
 * @return a string valid until the checkpoint is freed; NULL only for NULL
 */
const char *oss_resumable_checkpoint_etag(const struct oss_resumable_checkpoint *checkpoint);

/**
 * The object's `Last-Modified`, an HTTP date.
 *
 * Thread-safe.
 *
 * @param checkpoint a checkpoint, or NULL
 * @return a string valid until the checkpoint is freed; NULL when the service sent none, and for NULL
 */
const char *oss_resumable_checkpoint_last_modified(const struct oss_resumable_checkpoint *checkpoint);

/**
 * Bytes of the whole object.
 *
 * Thread-safe.
 *
 * @param checkpoint a checkpoint, or NULL
 * @return bytes; 0 for NULL
 */
uint64_t oss_resumable_checkpoint_object_size(const struct oss_resumable_checkpoint *checkpoint);

/**
 * Where in the object the download begins.
 *
 * Thread-safe.
 *
 * @param checkpoint a checkpoint, or NULL
 * @return an offset in bytes; 0 for NULL
 */
uint64_t oss_resumable_checkpoint_range_start(const struct oss_resumable_checkpoint *checkpoint);

/**
 * Bytes of the file when the download is done.
 *
 * Thread-safe.
 *
 * @param checkpoint a checkpoint, or NULL
 * @return bytes; 0 for NULL
 */
uint64_t oss_resumable_checkpoint_size(const struct oss_resumable_checkpoint *checkpoint);

/**
 * Bytes recorded as downloaded. They are compared with the disk when the download goes on.
 *
 * Thread-safe.
 *
 * @param checkpoint a checkpoint, or NULL
 * @return bytes; 0 for NULL
 */
uint64_t oss_resumable_checkpoint_bytes_recorded(const struct oss_resumable_checkpoint *checkpoint);

/**
 * Frees what oss_resumable_checkpoint_inspect() gave, and the strings got from it. The checkpoint stays.
 *
 * Any thread may call it, once.
 *
 * @param checkpoint a checkpoint, or NULL, which does nothing
 */
void oss_resumable_checkpoint_free(struct oss_resumable_checkpoint *checkpoint);

/**
 * Where the file is: an absolute path, as the system has it.
 *
 * Thread-safe.
 *
 * @param result a result, or NULL
 * @return a string valid until the result is freed; NULL only for NULL
 */
const char *oss_resumable_result_file_path(const struct oss_resumable_result *result);

/**
 * The object's ETag, without quotes.
 *
 * Thread-safe.
 *
 * @param result a result, or NULL
 * @return a string valid until the result is freed; NULL when the service sent none, and for NULL
 */
const char *oss_resumable_result_etag(const struct oss_resumable_result *result);

/**
 * The version of the object that was downloaded.
 *
 * Thread-safe.
 *
 * @param result a result, or NULL
 * @return a string valid until the result is freed; NULL for a bucket without versions, and for NULL
 */
const char *oss_resumable_result_version_id(const struct oss_resumable_result *result);

/**
 * The object's `Last-Modified`, an HTTP date.
 *
 * Thread-safe.
 *
 * @param result a result, or NULL
 * @return a string valid until the result is freed; NULL when the service sent none, and for NULL
 */
const char *oss_resumable_result_last_modified(const struct oss_resumable_result *result);

/**
 * The `RequestId` of the first answered request.
 *
 * Thread-safe.
 *
 * @param result a result, or NULL
 * @return a string valid until the result is freed; NULL when the service sent none, and for NULL
 */
const char *oss_resumable_result_request_id(const struct oss_resumable_result *result);

/**
 * Bytes in the file: the object's size, or the length of the range that was asked for.
 *
 * Thread-safe.
 *
 * @param result a result, or NULL
 * @return bytes; 0 for NULL
 */
uint64_t oss_resumable_result_size(const struct oss_resumable_result *result);

/**
 * Bytes of the whole object.
 *
 * Thread-safe.
 *
 * @param result a result, or NULL
 * @return bytes; 0 for NULL
 */
uint64_t oss_resumable_result_object_size(const struct oss_resumable_result *result);

/**
 * CRC-64/XZ of the file's bytes.
 *
 * Thread-safe.
 *
 * @param result a result, or NULL
 * @return the checksum; 0 for NULL
 */
uint64_t oss_resumable_result_crc64(const struct oss_resumable_result *result);

/**
 * The whole object's CRC-64 as the service sent it.
 *
 * Thread-safe.
 *
 * @param result a result, or NULL
 * @param crc64 receives the checksum, when there is one; may be NULL
 * @return 1 when the service sent one, else 0
 */
int32_t oss_resumable_result_object_crc64(const struct oss_resumable_result *result,
                                          uint64_t *crc64);

/**
 * What was shown about the file before success was reported.
 *
 * Thread-safe.
 *
 * @param result a result, or NULL
 * @return one of the `OSS_RESUMABLE_PROOF_…` values; 0 for NULL
 */
int32_t oss_resumable_result_proof(const struct oss_resumable_result *result);

/**
 * Number of headers of the first good reply.
 *
 * Thread-safe.
 *
 * @param result a result, or NULL
 * @return the count; 0 for NULL
 */
size_t oss_resumable_result_header_count(const struct oss_resumable_result *result);

/**
 * The name of a header of the first good reply, in the service's order and spelling.
 *
 * Thread-safe.
 *
 * @param result a result, or NULL
 * @param index 0 … oss_resumable_result_header_count() − 1
 * @return a string valid until the result is freed; NULL for an index beyond the last, and for NULL
 */
const char *oss_resumable_result_header_name(const struct oss_resumable_result *result,
                                             size_t index);

/**
 * The value of a header of the first good reply.
 *
 * Thread-safe.
 *
 * @param result a result, or NULL
 * @param index 0 … oss_resumable_result_header_count() − 1
 * @return a string valid until the result is freed; NULL for an index beyond the last, and for NULL
 */
const char *oss_resumable_result_header_value(const struct oss_resumable_result *result,
                                              size_t index);

/**
 * The value of the first header with this name, such as `x-oss-meta-author`.
 *
 * Thread-safe.
 *
 * @param result a result, or NULL
 * @param name the header's name, in any case; NULL finds nothing
 * @return a string valid until the result is freed; NULL when there is no such header, and for NULL
 */
const char *oss_resumable_result_header(const struct oss_resumable_result *result,
                                        const char *name);

/**
 * Reads the download's figures.
 *
 * Thread-safe.
 *
 * @param result not NULL
 * @param statistics not NULL, with its `struct_size` set; filled up to that size
 * @return ::OSS_RESUMABLE_OK or ::OSS_RESUMABLE_ERR_VALIDATION
 */
oss_resumable_code oss_resumable_result_stats(const struct oss_resumable_result *result,
                                              struct oss_resumable_statistics *statistics);

/**
 * Frees a result and the strings got from it. The file stays.
 *
 * Any thread may call it, once for each result.
 *
 * @param result a result, or NULL, which does nothing
 */
void oss_resumable_result_free(struct oss_resumable_result *result);

/**
 * The failure's group: the same number that the failed call returned.
 *
 * Thread-safe.
 *
 * @param error an error, or NULL
 * @return one of the `OSS_RESUMABLE_ERR_…` codes; ::OSS_RESUMABLE_OK for NULL
 */
oss_resumable_code oss_resumable_error_kind(const struct oss_resumable_error *error);

/**
 * The failure's own name: the OSS service's code (`NoSuchKey`, `AccessDenied` …), or the OSS C++ SDK's where it
 * has one (`ValidateError`, `CrcCheckError`, `ClientError:200028` …).
 *
 * Thread-safe.
 *
 * @param error an error, or NULL
 * @return a string valid until the error is freed; NULL only for NULL
 */
const char *oss_resumable_error_code(const struct oss_resumable_error *error);

/**
 * What was attempted, on which object and bytes, why it failed and what to do. One line, without secrets.
 *
 * Thread-safe.
 *
 * @param error an error, or NULL
 * @return a string valid until the error is freed; NULL only for NULL
 */
const char *oss_resumable_error_message(const struct oss_resumable_error *error);

/**
 * The `RequestId` by which the service's support finds the failed request.
 *
 * Thread-safe.
 *
 * @param error an error, or NULL
 * @return a string valid until the error is freed; NULL when the service sent none, and for NULL
 */
const char *oss_resumable_error_request_id(const struct oss_resumable_error *error);

/**
 * The `HostId` of the service's error: the host that answered.
 *
 * Thread-safe.
 *
 * @param error an error, or NULL
 * @return a string valid until the error is freed; NULL when the service sent none, and for NULL
 */
const char *oss_resumable_error_host_id(const struct oss_resumable_error *error);

/**
 * The `EC` of the service's error: its number in the service's error catalogue, such as `0026-00000001`.
 *
 * Thread-safe.
 *
 * @param error an error, or NULL
 * @return a string valid until the error is freed; NULL when the service sent none, and for NULL
 */
const char *oss_resumable_error_ec(const struct oss_resumable_error *error);

/**
 * The failure's number.
 *
 * Thread-safe.
 *
 * @param error an error, or NULL
 * @return the HTTP status of ::OSS_RESUMABLE_ERR_SERVICE; 200000 + CURLcode of ::OSS_RESUMABLE_ERR_TRANSPORT;
 * 0 otherwise
 */
int64_t oss_resumable_error_status(const struct oss_resumable_error *error);

/**
 * The system's error number (`errno`) of ::OSS_RESUMABLE_ERR_IO.
 *
 * Thread-safe.
 *
 * @param error an error, or NULL
 * @return such as `ENOSPC`; 0 when there is none
 */
int32_t oss_resumable_error_errno(const struct oss_resumable_error *error);

/**
 * The file that ::OSS_RESUMABLE_ERR_IO or ::OSS_RESUMABLE_ERR_BUSY is about.
 *
 * Thread-safe.
 *
 * @param error an error, or NULL
 * @return the path as the system has it, valid until the error is freed; NULL when no file is concerned
 */
const char *oss_resumable_error_path(const struct oss_resumable_error *error);

/**
 * Frees an error and the strings got from it.
 *
 * Any thread may call it, once for each error.
 *
 * @param error an error, or NULL, which does nothing
 */
void oss_resumable_error_free(struct oss_resumable_error *error);

#ifdef __cplusplus
}  // extern "C"
#endif  // __cplusplus

#endif  /* OSS_RESUMABLE_C_API_H */
