/**
 * @file oss_resumable.h
 * @brief Resumable, verified downloads of large objects from Alibaba Cloud OSS.
 *
 * A download fetches one object over several connections and resumes where an earlier run, of this or another process,
 * stopped. The file appears under its name only after its bytes have been verified.
 *
 * A minimal program, with credentials from the environment (`OSS_ACCESS_KEY_ID`, `OSS_ACCESS_KEY_SECRET`):
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
 *   `const` objects. A program may be older or newer than the library: a field that the library does not know must be
 *   zero, otherwise the struct is rejected.
 * - **Switches** are `int32_t`: ::OSS_RESUMABLE_DEFAULT, ::OSS_RESUMABLE_ON or ::OSS_RESUMABLE_OFF. Times are in
 *   milliseconds, sizes in bytes. Lists are a pointer and a count.
 * - **Strings** are UTF-8 and end with NUL. The library copies the strings passed to it. Strings that it returns belong
 *   to the object they were read from; an absent string is NULL.
 * - **Ownership.** An object returned through `out` or `err` belongs to the caller, who frees it once with the `_free`
 *   function of its type. Freeing NULL does nothing. Objects may be freed in any order.
 * - **NULL** where it is not allowed is ::OSS_RESUMABLE_ERR_VALIDATION, never a crash.
 * - **Out of memory.** A call that does not get memory for something of its own (the copy of a string, a handle, a
 *   result, an error) returns ::OSS_RESUMABLE_ERR_OUT_OF_MEMORY, also where its description does not name that code.
 *   `err` receives an error that needs no memory. Nothing leaks, nothing has been started, and the call can be repeated;
 *   oss_resumable_download_object() says what is different there. Functions that free or read an object need no memory
 *   of this kind, except oss_resumable_result_json(). What the library allocates below this API, for connections, threads and buffers, is not covered:
 *   without memory for it, Rust's standard library writes a line to stderr and aborts the process.
 * - **Threads.** Every function may be called from any thread. An object may be used by several threads at the same
 *   time; its `_free` function must be called after all other uses.
 * - **Callbacks** receive `user_data`. The description of each says on which thread it runs. None is called while the
 *   library holds a lock, and all are optional. They must return normally: no exception, `longjmp` or thread exit may
 *   leave them.
 * - **fork.** In a forked child, calls with the parent's clients, downloads and event queues return
 *   ::OSS_RESUMABLE_ERR_FORKED. Create new ones.
 * - Otherwise the library writes nothing to stdout or stderr. It installs no signal handler, and does not change the
 *   environment.
 */


#ifndef OSS_RESUMABLE_C_API_H
#define OSS_RESUMABLE_C_API_H

#include <stddef.h>
#include <stdint.h>

/**
 * Major version of this header. Compare it with oss_resumable_version(), which describes the loaded library.
 */
#define OSS_RESUMABLE_VERSION_MAJOR 0

/**
 * Minor version of this header. Until 1.0, libraries with a different minor version are not compatible.
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
 * Level of a log line: a problem from which the download may recover.
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
 * Return value of an ::oss_resumable_retry_decision: apply the library's own policy.
 */
#define OSS_RESUMABLE_RETRY_DEFAULT -1

/**
 * Return value of an ::oss_resumable_retry_decision: do not retry.
 */
#define OSS_RESUMABLE_RETRY_STOP -2

/**
 * oss_resumable_trace_record: the request has brought everything that was asked for.
 */
#define OSS_RESUMABLE_END_COMPLETE 1

/**
 * oss_resumable_trace_record: it has brought everything up to the byte from which an idle connection has taken over.
 */
#define OSS_RESUMABLE_END_SHARED 2

/**
 * oss_resumable_trace_record: it was stopped because it was much slower than the others; another request continues at
 * its byte.
 */
#define OSS_RESUMABLE_END_SLOW 3

/**
 * oss_resumable_trace_record: it was stopped because the download was paused.
 */
#define OSS_RESUMABLE_END_PAUSED 4

/**
 * oss_resumable_trace_record: it was stopped because its connection was needed for another download of the client.
 */
#define OSS_RESUMABLE_END_YIELDED 5

/**
 * oss_resumable_trace_record: it was stopped because nobody needs it any more: the download has ended or starts over, or
 * the bytes were there.
 */
#define OSS_RESUMABLE_END_STOPPED 6

/**
 * oss_resumable_trace_record: the service answered with a status that brings no bytes of the object.
 */
#define OSS_RESUMABLE_END_REFUSED 7

/**
 * oss_resumable_trace_record: the reply was not the one that was asked for, or unreadable.
 */
#define OSS_RESUMABLE_END_UNUSABLE 8

/**
 * oss_resumable_trace_record: no connection could be made, it broke, or the body was short; see `curl_code`.
 */
#define OSS_RESUMABLE_END_BROKEN 9

/**
 * oss_resumable_trace_record: nothing arrived for `idle_timeout_ms`.
 */
#define OSS_RESUMABLE_END_STALLED 10

/**
 * oss_resumable_trace_record: something failed on this machine, such as a write to the file.
 */
#define OSS_RESUMABLE_END_FAILED 11

/**
 * `signature_version`: HMAC-SHA1.
 */
#define OSS_RESUMABLE_SIGNATURE_V1 1

/**
 * `signature_version`: `OSS4-HMAC-SHA256`, the default.
 */
#define OSS_RESUMABLE_SIGNATURE_V4 4

/**
 * `address_style`: `https://bucket.endpoint/key`; for IP addresses and `localhost`, as ::OSS_RESUMABLE_ADDRESS_PATH.
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
 * `proxy_scheme`: the connection to the proxy is not encrypted; `https` endpoints are reached through a tunnel
 * (`CONNECT`).
 */
#define OSS_RESUMABLE_PROXY_HTTP 0

/**
 * `proxy_scheme`: the connection to the proxy uses TLS. Its certificate is always verified against the system's
 * certificate authorities: `ca_file`, `ca_path` and `verify_tls` apply to the service's certificate only.
 */
#define OSS_RESUMABLE_PROXY_HTTPS 1

/**
 * `max_active_downloads`: the default.
 */
#define OSS_RESUMABLE_DEFAULT_MAX_ACTIVE_DOWNLOADS 16

/**
 * `max_connections`: the default.
 */
#define OSS_RESUMABLE_DEFAULT_MAX_CONNECTIONS 64

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
 * `overwrite`: replace an existing file once the new one is complete and verified.
 */
#define OSS_RESUMABLE_OVERWRITE_REPLACE 0

/**
 * `overwrite`: if the target exists, leave it unchanged and fail with the code `FileAlreadyExists`.
 */
#define OSS_RESUMABLE_OVERWRITE_FAIL 1

/**
 * `overwrite`: as ::OSS_RESUMABLE_OVERWRITE_REPLACE, but a file of the object's size is read first, and if it has the
 * CRC-64 that the service stores for the object, the download succeeds without fetching a byte:
 * ::OSS_RESUMABLE_PROOF_OBJECT_CRC, and all bytes count as reused.
 *
 * - One HEAD request with the conditions of the request is sent if there is a file. A service that refuses it is asked
 *   for the object as if there were no file.
 * - The file is only compared, not locked. With `flush` it is flushed first, and what is compared is what is on the
 *   disk, as far as the system allows. With `set_modified_time` it gets the object's time. A file that cannot be read,
 *   flushed or changed so is replaced.
 * - The checkpoint and the temporary file of an earlier run are removed.
 * - With expected digests the file must have those too, and the proof is ::OSS_RESUMABLE_PROOF_EXPECTED_DIGEST.
 * - A range and a processed object are downloaded as with ::OSS_RESUMABLE_OVERWRITE_REPLACE, and so is an object
 *   without a CRC-64 of which no digest is expected. `verify_crc` of oss_resumable_client_options has no influence on this
 *   comparison. The file of an encrypted object that is to be decrypted is encrypted again in memory.
 */
#define OSS_RESUMABLE_OVERWRITE_IF_DIFFERENT 2

/**
 * `when_busy`: fail with ::OSS_RESUMABLE_ERR_BUSY.
 */
#define OSS_RESUMABLE_BUSY_FAIL 0

/**
 * `when_busy`: wait until the other run has ended, then continue from what it has left: its checkpoint, or its finished
 * file.
 *
 * - A file that was created or replaced since this download was started is compared with the object as with
 *   ::OSS_RESUMABLE_OVERWRITE_IF_DIFFERENT, so that the finished file of another run costs a HEAD request and is not
 *   fetched again. If the service sends no CRC-64, the object is downloaded again. With ::OSS_RESUMABLE_OVERWRITE_FAIL
 *   the file of the other run is an error.
 * - Several that wait for a file of this process start in the order of their calls. They are queued, cost no thread,
 *   and start without a place in the client's queue until the file is free.
 * - A run that waits for another process counts as running. It looks every 200 ms at the latest whether the files are
 *   free; which of several processes is first is left to chance.
 * - Waiting ends with a cancel, and with the deadline, whose error then says what was waited for. A paused download
 *   goes on to wait when it is resumed. The status shows ::OSS_RESUMABLE_PHASE_QUEUED.
 * - Other processes are noticed by the locks of the files. Where a file system has none, this is as
 *   ::OSS_RESUMABLE_BUSY_FAIL.
 */
#define OSS_RESUMABLE_BUSY_WAIT 1

/**
 * `write_mode`: directly for a download of at least 64 MiB that is larger than a quarter of the memory that the system
 * can make available (`MemAvailable` in `/proc/meminfo`, or the memory limit of the process's control group if that is
 * lower), on a local file system; otherwise buffered. The bytes that stay in memory make a file fast to read that is
 * used at once; a file that does not fit there only displaces other files. With ::OSS_RESUMABLE_ORDER_SEQUENTIAL always
 * buffered, because the file is read while it grows.
 */
#define OSS_RESUMABLE_WRITE_MODE_AUTO 0

/**
 * `write_mode`: through the page cache.
 */
#define OSS_RESUMABLE_WRITE_MODE_BUFFERED 1

/**
 * `write_mode`: past the page cache (`O_DIRECT`), except for the first and the last bytes of each connection, which do
 * not fill a page. Needs less processor time and leaves the page cache as it is; the first reader of the file reads from
 * the disk. Bytes of an earlier run are verified past the page cache, too. The file's disk blocks are allocated before
 * writing where the file system can do that. Where the file system refuses, for example tmpfs and some FUSE file
 * systems, the bytes are written through the page cache; a line in the log says so (::OSS_RESUMABLE_LOG_INFO).
 */
#define OSS_RESUMABLE_WRITE_MODE_DIRECT 2

/**
 * `order`: the connections divide the object among themselves: fewest requests.
 */
#define OSS_RESUMABLE_ORDER_DEFAULT 0

/**
 * `order`: from the start, for a program that reads the file while it grows (`contiguous_bytes` of
 * ::oss_resumable_status): each connection takes the first missing bytes, about `part_size` of them, and none begins
 * further than 2 × `thread_num` of these pieces after the first missing byte. A connection that has nothing to fetch
 * within that distance takes a part of another one's piece, or waits. This takes more requests than the default, about
 * one for each part, and more time if the connections are uneven.
 */
#define OSS_RESUMABLE_ORDER_SEQUENTIAL 1

/**
 * oss_resumable_status: validating, locking, waiting for the first reply.
 */
#define OSS_RESUMABLE_PHASE_STARTING 1

/**
 * oss_resumable_status: fetching bytes and verifying those of an earlier run, or those of an existing file
 * (::OSS_RESUMABLE_OVERWRITE_IF_DIFFERENT).
 */
#define OSS_RESUMABLE_PHASE_TRANSFERRING 2

/**
 * oss_resumable_status: comparing checksums, flushing, renaming.
 */
#define OSS_RESUMABLE_PHASE_FINISHING 3

/**
 * oss_resumable_status: ended successfully; the file is at its path.
 */
#define OSS_RESUMABLE_PHASE_SUCCEEDED 4

/**
 * oss_resumable_status: ended with an error.
 */
#define OSS_RESUMABLE_PHASE_FAILED 5

/**
 * oss_resumable_status: paused by oss_resumable_download_pause() or oss_resumable_client_pause(), in the queue or
 * later: no connection is open and nothing is read or written, until the download is resumed or cancelled.
 */
#define OSS_RESUMABLE_PHASE_PAUSED 6

/**
 * oss_resumable_status: waiting in the client's queue until fewer than `max_active_downloads` run, or until another run
 * has ended (::OSS_RESUMABLE_BUSY_WAIT).
 */
#define OSS_RESUMABLE_PHASE_QUEUED 7

/**
 * oss_resumable_event: the download has begun to work.
 */
#define OSS_RESUMABLE_EVENT_STARTED 1

/**
 * oss_resumable_event: the status of the download has changed. Changes are merged: at most ten of these a second for
 * each download.
 */
#define OSS_RESUMABLE_EVENT_PROGRESS 2

/**
 * oss_resumable_event: the download has been paused: its connections are closed and what they brought is recorded.
 * Pauses that follow one another before the event is read are merged.
 */
#define OSS_RESUMABLE_EVENT_PAUSED 3

/**
 * oss_resumable_event: the download has ended. The last event of each download.
 */
#define OSS_RESUMABLE_EVENT_ENDED 4

/**
 * oss_resumable_prefix_status: listing the objects; nothing is written before the listing is complete.
 */
#define OSS_RESUMABLE_PREFIX_PHASE_LISTING 1

/**
 * oss_resumable_prefix_status: comparing and fetching objects.
 */
#define OSS_RESUMABLE_PREFIX_PHASE_TRANSFERRING 2

/**
 * oss_resumable_prefix_status: ended with a result, which may contain errors of objects.
 */
#define OSS_RESUMABLE_PREFIX_PHASE_SUCCEEDED 3

/**
 * oss_resumable_prefix_status: ended with an error.
 */
#define OSS_RESUMABLE_PREFIX_PHASE_FAILED 4

/**
 * oss_resumable_object_entry: an object.
 */
#define OSS_RESUMABLE_ENTRY_OBJECT 1

/**
 * oss_resumable_object_entry: the common beginning of one or more keys, up to the delimiter and with it. Only `key` is
 * set.
 */
#define OSS_RESUMABLE_ENTRY_COMMON_PREFIX 2

/**
 * oss_resumable_prefix_object: fetched, whole or, if an earlier run had left something of it, in part. The file is complete
 * and verified.
 */
#define OSS_RESUMABLE_OBJECT_FETCHED 1

/**
 * oss_resumable_prefix_object: the file was there and is unchanged; nothing was fetched.
 */
#define OSS_RESUMABLE_OBJECT_UNCHANGED 2

/**
 * oss_resumable_prefix_object: a directory marker; the directory is there.
 */
#define OSS_RESUMABLE_OBJECT_DIRECTORY 3

/**
 * oss_resumable_prefix_object: it could not be downloaded. A file that was there before is as it was.
 */
#define OSS_RESUMABLE_OBJECT_FAILED 4

/**
 * oss_resumable_result_proof(): the file's bytes have the CRC-64 that the service stores for the object.
 */
#define OSS_RESUMABLE_PROOF_OBJECT_CRC 1

/**
 * oss_resumable_result_proof(): the file's bytes are those received from the network, all of one generation of the
 * object. They were not compared with a CRC-64 of the service, because it sent none, only a range was downloaded, or the
 * object was processed.
 *
 * Of a processed object (`x-oss-process` in the query) it means that the file's bytes are the complete body of one
 * reply: as many as its `Content-Length` says, or all up to its last chunk. If the service sends a CRC-64 with it, that
 * is the one of the object as it is stored.
 */
#define OSS_RESUMABLE_PROOF_GENERATION 2

/**
 * oss_resumable_result_proof(): as ::OSS_RESUMABLE_PROOF_GENERATION; the service's CRC-64 was not compared because
 * `verify_crc` is off.
 */
#define OSS_RESUMABLE_PROOF_NOT_COMPARED 3

/**
 * oss_resumable_result_proof(): the file has the digest that the request expects (`expected_sha256`, `expected_md5`,
 * `expected_crc64`), each one if there are several. This is the strongest proof: it covers the way from whoever computed
 * the digest to this file, the service included. It is the proof also if the object's CRC-64 was compared, too.
 */
#define OSS_RESUMABLE_PROOF_EXPECTED_DIGEST 4

/**
 * The contents of a download's checkpoint. Created by oss_resumable_checkpoint_inspect(), owned by the caller, freed
 * with oss_resumable_checkpoint_free().
 *
 * Immutable: several threads may read it at the same time; free it after all other uses. It stays valid after every
 * other handle is freed and after the checkpoint is removed. Strings read from it are valid until it is freed.
 */
typedef struct oss_resumable_checkpoint oss_resumable_checkpoint;

/**
 * Endpoint, region, credentials, connection settings, and the threads that serve downloads.
 *
 * Thread-safe: any number of threads may use one client at the same time; oss_resumable_client_free() must be the last
 * call. Create one client and share it. Its threads start with the first download and are joined when it is freed.
 */
typedef struct oss_resumable_client oss_resumable_client;

/**
 * Receives the answer of an ::oss_resumable_key_unwrapper. Valid only during that call; thread-safe.
 */
typedef struct oss_resumable_content_key_sink oss_resumable_content_key_sink;

/**
 * Receives the answer of an ::oss_resumable_credentials_provider. Valid only during that call; thread-safe.
 */
typedef struct oss_resumable_credentials_sink oss_resumable_credentials_sink;

/**
 * One transfer, running or ended.
 *
 * Thread-safe: several threads may wait for it, query it or cancel it at the same time; oss_resumable_download_free()
 * must be the last call. It may outlive the handle of its client.
 */
typedef struct oss_resumable_download oss_resumable_download;

/**
 * The reason why a call failed. Created by the call, owned by the caller, freed with oss_resumable_error_free().
 *
 * Immutable: several threads may read it at the same time; free it after all other uses. It stays valid after every
 * other handle is freed. Strings read from it are UTF-8 and valid until it is freed.
 */
typedef struct oss_resumable_error oss_resumable_error;

/**
 * Collects the events of any number of downloads, of one or several clients, so that one thread can follow them all.
 *
 * `event_queue` and `tag` of a request add the queue to a download. Each download that has been started successfully
 * then reports ::OSS_RESUMABLE_EVENT_STARTED when it begins to work, ::OSS_RESUMABLE_EVENT_PROGRESS while its status
 * changes, ::OSS_RESUMABLE_EVENT_PAUSED when a pause is complete, and ::OSS_RESUMABLE_EVENT_ENDED exactly once, as its
 * last event and after its result can be read: also if it is cancelled, and if its handle is freed while it runs. A
 * download that is cancelled before it begins to work reports its end only. Downloads by
 * oss_resumable_download_object() report as well. Events may come before oss_resumable_download_start() returns; a call
 * that fails to start a download causes none. Events of one download come in this order; starts, pauses and ends of all
 * downloads come in the order in which they happen.
 *
 * `event_queue` and `tag` of ::oss_resumable_prefix_request do the same for a prefix download, which reports as one
 * download: its objects report nothing of their own. One queue may serve both.
 *
 * Starts, pauses and ends are kept until they are read. Progress is not: an event shows the status at the time when it is read,
 * so a slow reader gets fewer of them. No thread serves a queue.
 *
 * Thread-safe: several threads may read, and each event goes to one of them. oss_resumable_event_queue_free() must be
 * the last call, but downloads that refer to the queue may still run.
 */
typedef struct oss_resumable_event_queue oss_resumable_event_queue;

/**
 * The objects of a bucket, one after the other.
 *
 * May be used by one thread at a time, which need not always be the same; oss_resumable_listing_cancel() may be called
 * by any thread at any time. oss_resumable_listing_free() must be the last call. It may outlive the handle of its client.
 */
typedef struct oss_resumable_listing oss_resumable_listing;

/**
 * One prefix download, running or ended.
 *
 * Thread-safe: several threads may wait for it, query it or cancel it at the same time; oss_resumable_prefix_download_free() must
 * be the last call. It may outlive the handle of its client.
 */
typedef struct oss_resumable_prefix_download oss_resumable_prefix_download;

/**
 * The result of a prefix download that has not failed as a whole. Created by the call, owned by the caller, freed with
 * oss_resumable_prefix_result_free().
 *
 * Several threads may read it at the same time, except with oss_resumable_prefix_result_object(). It stays valid after every
 * other handle is freed.
 */
typedef struct oss_resumable_prefix_result oss_resumable_prefix_result;

/**
 * The result of a successful download. Created by the call, owned by the caller, freed with
 * oss_resumable_result_free().
 *
 * Immutable: several threads may read it at the same time; free it after all other uses. It stays valid after every
 * other handle is freed. Strings read from it are valid until it is freed.
 */
typedef struct oss_resumable_result oss_resumable_result;

/**
 * Receives the answer of an ::oss_resumable_url_provider. Valid only during that call; thread-safe.
 */
typedef struct oss_resumable_url_sink oss_resumable_url_sink;

/**
 * The return code of a call: ::OSS_RESUMABLE_OK, ::OSS_RESUMABLE_WAIT_TIMEOUT, ::OSS_RESUMABLE_END_OF_LIST,
 * ::OSS_RESUMABLE_OBJECTS_FAILED or one of the `OSS_RESUMABLE_ERR_…` codes. The meaning of a number never changes. Treat an unknown number as a failure.
 */
typedef int32_t oss_resumable_code;

/**
 * One event, filled in by oss_resumable_event_queue_next(); set `struct_size` first. It refers to nothing that would
 * have to be freed.
 *
 * The values of a prefix download are put together from those of its objects:
 * - `phase` is ::OSS_RESUMABLE_PHASE_STARTING while the objects are listed, then ::OSS_RESUMABLE_PHASE_TRANSFERRING until
 *   the end, or ::OSS_RESUMABLE_PHASE_PAUSED when a pause by oss_resumable_prefix_download_pause() is complete.
 * - `bytes_done` is that of ::oss_resumable_prefix_status, and `bytes_total` is `bytes_listed` as soon as the listing is
 *   complete, before that −1. The two differ at the end if objects have failed or were replaced after they were listed.
 * - `active_connections` and `bytes_per_second` are sums over all objects; `elapsed_ms` is the time since the call that
 *   started it.
 * - `contiguous_bytes` and `contiguous_resets` are 0.
 */
typedef struct oss_resumable_event {
    /**
     * `sizeof(oss_resumable_event)`, set by the caller.
     */
    size_t struct_size;
    /**
     * `tag` of the request, or of the ::oss_resumable_prefix_request.
     */
    uint64_t tag;
    /**
     * One of the `OSS_RESUMABLE_EVENT_…` values. Ignore those that you do not know.
     */
    int32_t kind;
    /**
     * With ::OSS_RESUMABLE_EVENT_ENDED: ::OSS_RESUMABLE_OK if the download succeeded, otherwise the code of the failure.
     * oss_resumable_download_wait() then returns the same code at once, and the result or the error. So does
     * oss_resumable_prefix_download_wait(); ::OSS_RESUMABLE_OBJECTS_FAILED is a success with a result. With other kinds
     * 0.
     */
    oss_resumable_code code;
    /**
     * As in ::oss_resumable_status, when the event was read; with ::OSS_RESUMABLE_EVENT_ENDED, at the end.
     */
    uint64_t bytes_done;
    /**
     * As in ::oss_resumable_status.
     */
    int64_t bytes_total;
    /**
     * As in ::oss_resumable_status.
     */
    int32_t phase;
    /**
     * As in ::oss_resumable_status.
     */
    uint32_t active_connections;
    /**
     * As in ::oss_resumable_status.
     */
    uint64_t bytes_per_second;
    /**
     * As in ::oss_resumable_status.
     */
    int64_t eta_ms;
    /**
     * As in ::oss_resumable_status.
     */
    uint64_t elapsed_ms;
    /**
     * As in ::oss_resumable_status. The path of the temporary file is not here, because nothing would own the string:
     * oss_resumable_download_status() has it.
     */
    uint64_t contiguous_bytes;
    /**
     * As in ::oss_resumable_status.
     */
    uint64_t contiguous_resets;
} oss_resumable_event;

/**
 * Initialises an object of type ::oss_resumable_event: sets `struct_size`, and every other field to zero.
 */
#define OSS_RESUMABLE_EVENT_INIT \
    { sizeof(oss_resumable_event), 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0 }

/**
 * Supplies temporary credentials: before the first request, shortly before they expire, and when the service reports
 * that they have expired. Runs on a thread of its own and is never called concurrently for one client. It may block:
 * neither transfers nor cancellation wait for it.
 *
 * Answer with oss_resumable_credentials_set() or oss_resumable_credentials_fail() before returning; without an answer,
 * the requests that need credentials fail. The callback must not start downloads or wait for them, and must not throw:
 * a C++ exception that leaves it ends the program.
 */
typedef void (*oss_resumable_credentials_provider)(struct oss_resumable_credentials_sink *sink,
                                                   void *user_data);

/**
 * A failed attempt, passed to an ::oss_resumable_retry_decision.
 */
typedef struct oss_resumable_failed_attempt {
    /**
     * Size of this struct, set by the library. Fields beyond this size are not present.
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
     * Number of attempts since the last new byte, this one included; at least 1.
     */
    uint32_t attempts;
    /**
     * 1 when the library's own policy would retry, otherwise 0.
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
 * Decides whether a failed attempt is retried. Runs on threads of the client, and inside oss_resumable_listing_next(),
 * possibly on several at once.
 *
 * Return a delay in milliseconds (0 or more) to retry after it, ::OSS_RESUMABLE_RETRY_STOP to give up, or
 * ::OSS_RESUMABLE_RETRY_DEFAULT (or any other negative number) to apply the library's own policy, which also applies,
 * without a call, if there is no memory for the strings of `attempt`. `attempt` is valid during the call. The callback must not block for long, start downloads or wait for them, and must not throw: a C++
 * exception that leaves it ends the program.
 */
typedef int64_t (*oss_resumable_retry_decision)(const struct oss_resumable_failed_attempt *attempt,
                                                void *user_data);

/**
 * Receives a log line. Runs on threads of the client, and inside oss_resumable_listing_next(), possibly on several at
 * once.
 *
 * `level` is one of the `OSS_RESUMABLE_LOG_…` values. `message` is UTF-8, contains neither a line end nor secrets, and
 * is valid during the call; without memory for it, it says that a line was lost. The callback must not block for long,
 * start downloads or wait for them, and must not throw: a C++ exception that leaves it ends the program.
 */
typedef void (*oss_resumable_log)(int32_t level,
                                  const char *message,
                                  void *user_data);

/**
 * Frees `user_data`. Called exactly once, on any thread, after the last call of the callbacks in the same struct. It
 * is also called when the function that received the struct fails, provided that `struct_size` includes this field. It
 * must not throw: a C++ exception that leaves a callback ends the program.
 */
typedef void (*oss_resumable_user_data_free)(void *user_data);

/**
 * An RSA private key that unwraps the content keys of encrypted objects (`RSA/NONE/PKCS1Padding`). Copied by the call
 * that reads it.
 */
typedef struct oss_resumable_decryption_key {
    /**
     * The key in PEM, PKCS #1 (`RSA PRIVATE KEY`) or PKCS #8 (`PRIVATE KEY`), not protected by a password. Required.
     */
    const char *pem;
    /**
     * Description of the key pair, a JSON object of strings, as it was given for the upload. The key is used for
     * objects with an equal description; the order of its members and blanks do not matter. NULL: the key is used for
     * every object whose description no other key has.
     */
    const char *matdesc;
} oss_resumable_decryption_key;

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
 * What the metadata of an encrypted object says of its content key. Valid during the call that receives it.
 */
typedef struct oss_resumable_wrapped_key {
    /**
     * Size of this struct, set by the library; fields beyond it do not exist.
     */
    size_t struct_size;
    /**
     * Bucket of the object.
     */
    const char *bucket;
    /**
     * Key of the object.
     */
    const char *key;
    /**
     * How the content key is wrapped, such as `KMS/ALICLOUD` or `RSA/NONE/PKCS1Padding`.
     */
    const char *wrap_algorithm;
    /**
     * Description of the key that wraps it, usually a JSON object of strings; NULL without one.
     */
    const char *matdesc;
    /**
     * The members of that object that are strings, numbers or booleans, as text, in the order of their names.
     */
    const struct oss_resumable_pair *description;
    /**
     * Number of elements of `description`; 0 when `matdesc` is no JSON object.
     */
    size_t description_count;
    /**
     * The content key, wrapped; base64 is decoded.
     */
    const uint8_t *encrypted_key;
    /**
     * Number of bytes of `encrypted_key`.
     */
    size_t encrypted_key_size;
    /**
     * The initial counter block, wrapped; base64 is decoded.
     */
    const uint8_t *encrypted_iv;
    /**
     * Number of bytes of `encrypted_iv`.
     */
    size_t encrypted_iv_size;
} oss_resumable_wrapped_key;

/**
 * Initialises an object of type ::oss_resumable_wrapped_key: sets `struct_size`, and every other field to zero.
 */
#define OSS_RESUMABLE_WRAPPED_KEY_INIT \
    { sizeof(oss_resumable_wrapped_key), NULL, NULL, NULL, NULL, NULL, 0, NULL, 0, NULL, 0 }

/**
 * Unwraps the content key of an encrypted object, by a key management service for instance. Called once for each
 * download of an encrypted object that no decryption key of the client is for, and again if the object is replaced
 * during it, on a thread of its own, for several downloads possibly at once. It may block for as long as a download
 * may wait for its first byte (`first_byte_limit_ms`); neither transfers nor cancellation wait for it, but oss_resumable_client_free() does.
 * While 64 calls whose downloads have ended have not returned, it is not called, and downloads that need it fail.
 *
 * Answer with oss_resumable_content_key_set() or oss_resumable_content_key_fail() before returning; without an answer
 * the download fails, and also, without a call, if there is no memory for `wrapped`. `wrapped` is valid during the call. The callback must not start downloads or wait for them, and
 * must not throw: a C++ exception that leaves it ends the program.
 */
typedef void (*oss_resumable_key_unwrapper)(struct oss_resumable_content_key_sink *sink,
                                            const struct oss_resumable_wrapped_key *wrapped,
                                            void *user_data);

/**
 * One HTTP request that has ended, passed to an ::oss_resumable_trace. The requests of one `slot` follow each other in
 * time, so that the slots of a download are the lines of a timeline of its connections. Times are in microseconds since
 * the call of oss_resumable_client_new(), by a clock that is never set.
 */
typedef struct oss_resumable_trace_record {
    /**
     * Size of this struct, set by the library. Fields beyond this size are not present.
     */
    size_t struct_size;
    /**
     * `tag` of the request that started the download.
     */
    uint64_t tag;
    /**
     * The connection of the download that the request had: 0 … `thread_num` − 1.
     */
    uint32_t slot;
    /**
     * Why it ended: one of the `OSS_RESUMABLE_END_…` values. Accept those that you do not know.
     */
    int32_t end;
    /**
     * When it was handed to a transfer thread.
     */
    int64_t start_us;
    /**
     * When its new connection was ready, the TLS handshake included; −1 if it had an open one or got none.
     */
    int64_t connected_us;
    /**
     * When the first byte of the reply arrived; −1 without a reply.
     */
    int64_t first_byte_us;
    /**
     * When the download noticed the end: what was received is stored.
     */
    int64_t end_us;
    /**
     * First byte of the object that was asked for.
     */
    int64_t range_start;
    /**
     * Last byte that was asked for; −1 if the request had no range or one without an end.
     */
    int64_t range_end;
    /**
     * Bytes of the object that were received, without those that another connection has taken over.
     */
    uint64_t bytes;
    /**
     * HTTP status of the reply; 0 without one.
     */
    int32_t status;
    /**
     * With ::OSS_RESUMABLE_END_BROKEN: libcurl's `CURLcode`; otherwise 0.
     */
    int32_t curl_code;
    /**
     * Address and port to which the connection was made, the proxy's if there is one, such as `203.0.113.7:443` or
     * `[2001:db8::7]:443`; NULL without a connection. Valid during the call.
     */
    const char *peer;
    /**
     * `x-oss-request-id` of the reply; NULL without one, and without memory for it. Valid during the call.
     */
    const char *request_id;
    /**
     * Port of this machine from which the connection was made, 0 without one. Together with `peer` it tells which
     * requests had the same connection.
     */
    uint32_t local_port;
    /**
     * 1 if the connection had been opened for an earlier request, of this or another download of the client, otherwise
     * 0.
     */
    int32_t is_reused;
    /**
     * 1 for HEAD, 0 for GET.
     */
    int32_t is_head;
    /**
     * 0.
     */
    uint32_t reserved;
} oss_resumable_trace_record;

/**
 * Initialises an object of type ::oss_resumable_trace_record: sets `struct_size`, and every other field to zero.
 */
#define OSS_RESUMABLE_TRACE_RECORD_INIT \
    { sizeof(oss_resumable_trace_record), 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, NULL, NULL, 0, 0, 0, \
      0 }

/**
 * Receives a record for each request that was started, when it has ended and before the download ends. Runs on threads
 * of the client, possibly on several at once, for one download one after another.
 *
 * `record` is valid during the call. The callback must not block for long, because the download waits for it, must not
 * start downloads or wait for them, and must not throw: a C++ exception that leaves it ends the program.
 */
typedef void (*oss_resumable_trace)(const struct oss_resumable_trace_record *record,
                                    void *user_data);

/**
 * Options of a client. Only `struct_size` and `endpoint` are required, and a client that only downloads from URLs needs
 * no `endpoint`; zero in any other field selects its default.
 * Strings are UTF-8 and copied by oss_resumable_client_new().
 */
typedef struct oss_resumable_client_options {
    /**
     * `sizeof(oss_resumable_client_options)`.
     */
    size_t struct_size;
    /**
     * `[http[s]://]host[:port]`; `https://` when no scheme is given. NULL: the client only downloads from
     * URLs, and a request for a bucket is ::OSS_RESUMABLE_ERR_VALIDATION.
     */
    const char *endpoint;
    /**
     * Region id such as `cn-hangzhou`. NULL: taken from the endpoint. V4 signatures need it.
     */
    const char *region;
    /**
     * Access key id; set it together with `access_key_secret`. When both are NULL, credentials come from the provider
     * if there is one, otherwise from the environment variables `OSS_ACCESS_KEY_ID`, `OSS_ACCESS_KEY_SECRET` and
     * `OSS_SESSION_TOKEN`, which are read when a download starts. Leading and trailing blanks and line ends of their
     * values are ignored.
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
     * Supplies and renews temporary credentials, or NULL. Cannot be combined with `access_key_id`.
     */
    oss_resumable_credentials_provider credentials_provider;
    /**
     * Decides whether failed attempts are retried, or NULL for the library's own policy.
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
     * File of trusted CA certificates (PEM), used instead of the system's, or NULL.
     */
    const char *ca_file;
    /**
     * Directory of trusted CA certificates, used in addition to the file, or NULL. `openssl rehash` gives the files the
     * names that they need.
     */
    const char *ca_path;
    /**
     * Value of the `User-Agent` header, or NULL for the library's own.
     */
    const char *user_agent;
    /**
     * Longest time for name lookup, connection and TLS handshake together, in milliseconds. 0: 5000; −1: no limit.
     */
    int64_t connect_timeout_ms;
    /**
     * Longest time without receiving a byte on a connection, in milliseconds. 0: 10000; −1: no limit.
     */
    int64_t idle_timeout_ms;
    /**
     * Longest time spent on attempts before a download receives its first byte, in milliseconds. 0: 10000;
     * −1: no limit.
     */
    int64_t first_byte_limit_ms;
    /**
     * After the first byte: longest time without a new one, over all connections and retries, in
     * milliseconds. 0: 120000; −1: no limit.
     */
    int64_t no_progress_limit_ms;
    /**
     * Maximum number of attempts before a download has received its first byte, and afterwards for replies that are
     * unusable or refuse the credentials. 1: no retry at any time. 0: 3.
     */
    uint32_t max_attempts;
    /**
     * Largest number of transfer threads, which serve all connections of the client. 0: one for each processor, at
     * most 4.
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
     * Send requests without a signature: default (off), on or off. On cannot be combined with credentials.
     */
    int32_t anonymous;
    /**
     * Verify the server's certificate and name: default (on), on or off.
     */
    int32_t verify_tls;
    /**
     * Compare the whole object's CRC-64 with the service's: default (on), on or off. Off disables only this check, and
     * with it what nothing else can prove: downloads of objects that grow meanwhile, and from services that refuse the
     * ETag they send.
     */
    int32_t verify_crc;
    /**
     * Correct the time used in signatures when the service reports that the clock is wrong: default (on), on or off.
     */
    int32_t correct_clock;
    /**
     * Most verbose `OSS_RESUMABLE_LOG_…` level passed to `log`. 0: ::OSS_RESUMABLE_LOG_INFO.
     */
    int32_t log_level;
    /**
     * Must be zero.
     */
    uint32_t reserved;
    /**
     * Proxy for all requests: a host name or address. NULL: the environment variables `http_proxy`, `https_proxy` and
     * `all_proxy` apply. In both cases, hosts listed in the environment variable `no_proxy` are reached directly.
     */
    const char *proxy_host;
    /**
     * User name for the proxy, or NULL.
     */
    const char *proxy_user;
    /**
     * Password for the proxy, or NULL.
     */
    const char *proxy_password;
    /**
     * Local network interface, host name or address from which connections are made, or NULL.
     */
    const char *network_interface;
    /**
     * Bandwidth limit in body bytes per second, over all downloads and connections of the client. 0: no limit. See
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
     * Longest time for which the service may throttle a download (503, 429, `Retry-After`) while no byte arrives, in
     * milliseconds. Throttled requests do not count as failed attempts. 0: 60000; −1: no limit.
     */
    int64_t throttle_limit_ms;
    /**
     * Keys for objects that were encrypted on the client side, or NULL. No two may have the same `matdesc`.
     */
    const struct oss_resumable_decryption_key *decryption_keys;
    /**
     * Number of elements of `decryption_keys`.
     */
    size_t decryption_keys_count;
    /**
     * Unwraps the content keys of encrypted objects for which no decryption key is, or NULL.
     */
    oss_resumable_key_unwrapper key_unwrapper;
    /**
     * Passed to `key_unwrapper`.
     */
    void *key_unwrapper_user_data;
    /**
     * Frees `key_unwrapper_user_data`, or NULL.
     */
    oss_resumable_user_data_free key_unwrapper_user_data_free;
    /**
     * Largest number of downloads that run at once. 0: ::OSS_RESUMABLE_DEFAULT_MAX_ACTIVE_DOWNLOADS. Further downloads wait in a queue, where they have no thread
     * and no connection. They start by `priority` of their requests, then in the order of their calls. No more downloads
     * run than `max_connections` allows.
     */
    uint32_t max_active_downloads;
    /**
     * Largest number of requests in flight, over all downloads of the client, each on a connection of its own. 0:
     * ::OSS_RESUMABLE_DEFAULT_MAX_CONNECTIONS.
     * Running downloads share the connections evenly; those that one cannot use go to the others. About as many idle
     * connections may stay open for later requests. See oss_resumable_client_set_max_connections().
     */
    uint32_t max_connections;
    /**
     * Receives a record of each request, or NULL: no records are made.
     */
    oss_resumable_trace trace;
    /**
     * Passed to `trace`.
     */
    void *trace_user_data;
    /**
     * Frees `trace_user_data`, or NULL.
     */
    oss_resumable_user_data_free trace_user_data_free;
} oss_resumable_client_options;

/**
 * Initialises an object of type ::oss_resumable_client_options: sets `struct_size`, and every other field to zero.
 */
#define OSS_RESUMABLE_CLIENT_OPTIONS_INIT \
    { sizeof(oss_resumable_client_options), NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, \
      NULL, NULL, NULL, NULL, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, NULL, NULL, NULL, NULL, 0, \
      0, 0, 0, NULL, 0, NULL, NULL, NULL, 0, 0, NULL, NULL, NULL }

/**
 * The status of a running or ended download at one moment. The counters never decrease, except `bytes_done`.
 */
typedef struct oss_resumable_status {
    /**
     * `sizeof(oss_resumable_status)`, set by the caller; set by the library in a callback.
     */
    size_t struct_size;
    /**
     * Bytes of the file received so far, including those of an earlier run. Decreases when bytes turn out to be wrong.
     */
    uint64_t bytes_done;
    /**
     * Size of the finished file in bytes; −1 until the service's first reply, and until the end if a processed object
     * (`x-oss-process`) comes without its length.
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
     * Bytes of an earlier run that were verified and kept.
     */
    uint64_t bytes_reused;
    /**
     * Bytes, received or recorded, that were discarded and fetched again.
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
     * Repeated requests, for any reason.
     */
    uint64_t retries;
    /**
     * Time since the start, in milliseconds; constant after the end.
     */
    uint64_t elapsed_ms;
    /**
     * Body bytes per second received from the network over about the last two seconds; 0 after the end.
     */
    uint64_t bytes_per_second;
    /**
     * Time in milliseconds until the last byte arrives if the rate stays as it is; −1 while `bytes_total` is unknown or
     * nothing arrives, and after a failure.
     */
    int64_t eta_ms;
    /**
     * Requests repeated because a connection could not be established.
     */
    uint64_t retries_connect;
    /**
     * Requests repeated because a connection broke or a body was incomplete.
     */
    uint64_t retries_broken;
    /**
     * Requests repeated because no byte arrived in time.
     */
    uint64_t retries_timeout;
    /**
     * Requests repeated because the service answered 5xx or 429.
     */
    uint64_t retries_service;
    /**
     * Requests repeated because credentials had expired or the clock was wrong.
     */
    uint64_t retries_auth;
    /**
     * Requests repeated because the object had changed or a reply was unusable.
     */
    uint64_t retries_reply;
    /**
     * Place in the queue of the client, 1 for the download that starts next; 0: it is not queued.
     */
    uint64_t queue_position;
    /**
     * Number of bytes from the start of the file that are in the temporary file, so that a program can read them while
     * the download runs: written by this run, or by an earlier one and verified. It grows at least once a second while
     * the first missing bytes arrive; with ::OSS_RESUMABLE_ORDER_SEQUENTIAL these are fetched first.
     * The bytes are those that the service sent, but nothing has compared them with the object's CRC-64 yet: only
     * success proves them. Where the service cannot tell one state of the object from another, because the object may
     * grow or the service refuses its own ETag, they may even be of two. The number decreases if bytes turn out to be
     * useless, and each time `contiguous_resets` increases. It stays as it is after the end.
     */
    uint64_t contiguous_bytes;
    /**
     * Number of times that `contiguous_bytes` has decreased: the object had changed, a stream broke that cannot be
     * resumed, or a checksum was wrong. What was read before must be read again. Bytes that were read between two
     * statuses with the same number are those to which the first one refers.
     */
    uint64_t contiguous_resets;
    /**
     * Absolute path of the temporary file, in the bytes of the file system. NULL until there is one and after success,
     * when the file is at `file_path`; one that was opened before is that file. After a failure without a checkpoint it
     * has been removed. Do not write to the file and do not lock it.
     * The string is valid until the download's handle is freed; in the callback of oss_resumable_download_object(),
     * until that function returns.
     */
    const char *temp_path;
} oss_resumable_status;

/**
 * Initialises an object of type ::oss_resumable_status: sets `struct_size`, and every other field to zero.
 */
#define OSS_RESUMABLE_STATUS_INIT \
    { sizeof(oss_resumable_status), 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, \
      0, NULL }

/**
 * Reports the progress of a download. Runs only on the thread that is inside oss_resumable_download_object() or
 * oss_resumable_download_wait(), at least every 200 ms even without new bytes, and never concurrently for one
 * download.
 *
 * Return 0 to continue; any other value cancels the download, and the call returns ::OSS_RESUMABLE_ERR_CANCELLED.
 * `status` is valid during the call. The callback may call any function of this API and must not throw: a C++
 * exception that leaves it ends the program. It may block: the download continues meanwhile.
 */
typedef int32_t (*oss_resumable_progress)(const struct oss_resumable_status *status,
                                          void *user_data);

/**
 * Supplies a new URL of the same object when the one of a download has expired; see `url_provider` of
 * oss_download_object_request. Runs on a thread of its own and is never called concurrently for one download. It may
 * block: neither transfers nor cancellation wait for it, but oss_resumable_client_free() does. While 64 calls whose
 * downloads have ended have not returned, it is not called, and downloads that need it fail.
 *
 * Answer with oss_resumable_url_set() or oss_resumable_url_fail() before returning; without an answer, the requests
 * that need a URL fail. The callback must not start downloads or wait for them, and must not throw: a C++ exception
 * that leaves it ends the program.
 */
typedef void (*oss_resumable_url_provider)(struct oss_resumable_url_sink *sink,
                                           void *user_data);

/**
 * Names the object to download and the file to write, with options. Only `struct_size`, and `bucket` and `key` or
 * `url`, are required; zero in any other field selects its default. Strings are UTF-8. Everything is copied before the call that
 * receives the request returns, and validated before anything is sent or written.
 */
typedef struct oss_download_object_request {
    /**
     * `sizeof(oss_download_object_request)`.
     */
    size_t struct_size;
    /**
     * Bucket name: 3–63 characters of `a-z0-9-`, not starting or ending with `-`. Required without `url`.
     */
    const char *bucket;
    /**
     * Object key: 1–1023 bytes, not starting with `/` or `\`, and not the object's URL. Required without `url`.
     */
    const char *key;
    /**
     * Target file. NULL: the last segment of the key, or of the URL's decoded path, in the current directory. An existing file is replaced only once
     * the new one is complete and verified.
     * A symbolic link to a file, or to a name in an existing directory, stays a link: the file that it names when the
     * download starts is created or replaced. A link in a sticky, world-writable directory such as /tmp must belong to
     * this user or to the owner of the directory.
     * A file that replaces an existing one keeps that file's permission bits, and its owner and group if this process
     * may set them. If the group cannot be kept, the group and others get only the permissions that both had.
     * Set-user-ID, set-group-ID and sticky bits, access control lists, security labels and other extended attributes
     * are not kept. The temporary file does not grant anyone else access that the existing file denies, with one
     * exception: the group bits of a file with an access control list are the list's mask, and the group gets them
     * all. A new file gets its mode from the umask.
     */
    const char *file_path;
    /**
     * Directory of the checkpoint; it must exist. Setting it enables resuming. NULL: see `enable_checkpoint`.
     */
    const char *checkpoint_dir;
    /**
     * Part size in bytes: ::OSS_RESUMABLE_MIN_PART_SIZE … ::OSS_RESUMABLE_MAX_PART_SIZE. 0: 8 MiB.
     */
    uint64_t part_size;
    /**
     * Number of connections: 1 … ::OSS_RESUMABLE_MAX_THREAD_NUM. 0: 3. With `auto_concurrency` this is the largest
     * number, and 0 means 32.
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
     * `if_match_count` ETags; download only if the object has one of them.
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
     * HTTP date: download only if the object was modified after it, or NULL.
     */
    const char *if_modified_since;
    /**
     * HTTP date: download only if the object was not modified after it, or NULL.
     */
    const char *if_unmodified_since;
    /**
     * Sent as `response-content-type`, or NULL. The service then replies with this `Content-Type` instead of the
     * object's.
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
     * Version of the object to download, or NULL for the current one. Requires the permission `oss:GetObjectVersion`.
     */
    const char *version_id;
    /**
     * Bandwidth limit that the service is asked to apply to each connection, in bits per second: 819200 … 838860800.
     * 0: no limit.
     */
    uint64_t traffic_limit;
    /**
     * `extra_headers_count` additional headers for every request. With `url`, see there.
     */
    const struct oss_resumable_pair *extra_headers;
    /**
     * Number of pairs in `extra_headers`.
     */
    size_t extra_headers_count;
    /**
     * `extra_query_count` additional query parameters for every request.
     *
     * With `x-oss-process`, the object is downloaded as the service processes it, for example an image in another
     * size. The service sends the result as one stream, often without its length and never with its checksum:
     *
     * - One request without a range is sent on one connection, whatever `part_size` and `thread_num` are.
     * - `has_range` must be 0 (::OSS_RESUMABLE_ERR_VALIDATION).
     * - The download cannot be resumed. Nothing is recorded in the checkpoint; a record of the object as it is
     *   stored, for the same file, is discarded. A stream that breaks is started over, at most `max_attempts` times in
     *   all.
     * - `bytes_total` of the status may be −1 until the end; the check of the free space and `preallocate` then have
     *   no effect.
     * - A body without a length must be chunked, because only its last chunk shows that it is complete.
     * - The proof is ::OSS_RESUMABLE_PROOF_GENERATION.
     */
    const struct oss_resumable_pair *extra_query;
    /**
     * Number of pairs in `extra_query`.
     */
    size_t extra_query_count;
    /**
     * Longest time for the whole download from the call that starts it, its time in the client's queue included, in
     * milliseconds, after which it fails with ::OSS_RESUMABLE_ERR_DEADLINE. 0 or −1: no limit.
     */
    int64_t deadline_ms;
    /**
     * Reports the progress of the download, or NULL.
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
     * Keep a checkpoint and resume from it: default (on when `checkpoint_dir` is set), on (in the target's directory
     * when `checkpoint_dir` is NULL) or off.
     */
    int32_t enable_checkpoint;
    /**
     * ::OSS_RESUMABLE_OVERWRITE_REPLACE, ::OSS_RESUMABLE_OVERWRITE_FAIL or ::OSS_RESUMABLE_OVERWRITE_IF_DIFFERENT.
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
     * Check the free disk space before writing: default (on), on or off.
     */
    int32_t check_space;
    /**
     * Allocate the file's disk blocks before writing: default (off), on or off.
     */
    int32_t preallocate;
    /**
     * Flush the file to the disk before success is reported: default (on), on or off. When off, a power failure after
     * success may leave the target empty, incomplete or missing, and the file that it replaced lost. A failed flush is
     * reported as `FlushError`. The old file is then still there, unless the flush of the directory after the rename
     * failed; the message says which.
     */
    int32_t flush;
    /**
     * Read the whole file back and verify it before it is renamed to its target: default (off), on or off. Always done
     * on file systems whose locks cannot be trusted.
     */
    int32_t verify_before_rename;
    /**
     * Download an object that was encrypted on the client side as it is stored, still encrypted: default (off: such an
     * object is decrypted, or rejected when the client has no key for it), on or off.
     */
    int32_t allow_encrypted;
    /**
     * Must be zero.
     */
    uint32_t reserved;
    /**
     * Bandwidth limit in body bytes per second, over all connections of this download. 0: no limit. See
     * oss_resumable_download_set_bandwidth().
     */
    uint64_t max_bandwidth;
    /**
     * Takes the events of the download, or NULL. It may be freed before the download ends; see
     * ::oss_resumable_event_queue.
     */
    struct oss_resumable_event_queue *event_queue;
    /**
     * Any number, for example an index or a pointer: each event of the download and each trace of its requests carries
     * it. Downloads may share one.
     */
    uint64_t tag;
    /**
     * Downloads with a higher priority start first if the client does not start all at once; see
     * `max_active_downloads` of oss_resumable_client_options. Downloads of one priority start in the order of their
     * calls. Any number; see oss_resumable_download_set_priority().
     */
    int32_t priority;
    /**
     * Must be zero.
     */
    uint32_t reserved2;
    /**
     * One of the `OSS_RESUMABLE_ORDER_…` values. An object that comes in one stream is fetched from the start in any
     * case.
     */
    int32_t order;
    /**
     * How the file's bytes get to the disk: ::OSS_RESUMABLE_WRITE_MODE_AUTO, ::OSS_RESUMABLE_WRITE_MODE_BUFFERED or
     * ::OSS_RESUMABLE_WRITE_MODE_DIRECT. It has no influence on what is safe after a power failure; for that see
     * `flush`.
     */
    int32_t write_mode;
    /**
     * Let the download find its number of connections, between 1 and `thread_num`: default (off), on or off.
     *
     * It starts with one and adds more while they make it faster: by at least 5 % for each one added, or, from ten
     * connections on, by at least half of what they would bring on a path without a limit. It gives up those that
     * bring nothing, adds none while the service throttles or delays its traffic, and tries again when the rate
     * changes and, rarely, when it does not. Each step adds half of the connections; where a first byte takes 100 ms or
     * longer, the first steps multiply a few connections by up to eight. A small object ends before the number is
     * found: a fixed `thread_num` is faster then. `max_connections` of oss_resumable_client_options holds as for every download.
     */
    int32_t auto_concurrency;
    /**
     * Must be zero.
     */
    uint32_t reserved3;
    /**
     * SHA-256 that the file must have, or else the download fails with the code `DigestMismatch`
     * (::OSS_RESUMABLE_ERR_INTEGRITY). NULL: none.
     *
     * It is written as 64 hexadecimal digits of either case or 44 characters of base64 with padding, after an optional
     * `sha256:` as container tools write it, or as `sha256-` with base64 as in Subresource Integrity. The length tells
     * hexadecimal digits from base64. Blanks and line ends around the text are ignored. Anything else, an empty text
     * included, is refused (::OSS_RESUMABLE_ERR_VALIDATION).
     *
     * An expected digest is that of the file: of the range if only a range is downloaded, of the decrypted bytes if the
     * object is decrypted, of the result if the object is processed. It is compared before the rename, also when
     * every byte is from an earlier run. The file is hashed while it grows, on a thread of its own, so that little is
     * left to hash at the end; a small one is hashed when it is complete.
     *
     * If it differs and the object's CRC-64 was not compared, bytes that the disk has damaged, or else all bytes, are
     * fetched once more. If it differs again, or if the object's CRC-64 has shown that the file is the object, the
     * download fails. It keeps no checkpoint then, and the old file stays.
     *
     * A download whose digest is right has the proof ::OSS_RESUMABLE_PROOF_EXPECTED_DIGEST. Like the object's CRC-64,
     * the digest proves bytes that cannot be pinned with `If-Match`, of a service that refuses its own ETag or of an
     * object that grows.
     */
    const char *expected_sha256;
    /**
     * MD5 that the file must have: 32 hexadecimal digits or 24 characters of base64 as in `Content-MD5`, after an
     * optional `md5:`, or `md5-` with base64. Otherwise as `expected_sha256`. It detects damage, not forgery. NULL: none.
     */
    const char *expected_md5;
    /**
     * CRC-64/XZ that the file must have: a decimal number as in `x-oss-hash-crc64ecma`, or `0x` with 1 to 16
     * hexadecimal digits; digits without `0x` are always decimal. Otherwise as `expected_sha256`. NULL: none.
     *
     * It needs no pass over the bytes, unless they are decrypted. If the service states another CRC-64 for the whole
     * object, the download fails before it fetches anything, and keeps the checkpoint of an earlier run.
     */
    const char *expected_crc64;
    /**
     * What to do if another run, of this process or of another one, downloads to the same file:
     * ::OSS_RESUMABLE_BUSY_FAIL or ::OSS_RESUMABLE_BUSY_WAIT.
     */
    int32_t when_busy;
    /**
     * Must be zero.
     */
    uint32_t reserved4;
    /**
     * URL of the object, in place of `bucket` and `key`, which must be NULL or empty: `http` or `https`, at most 16 KiB,
     * without a user name. It may be a presigned URL of OSS (V1 or V4), a link of a CDN or a custom domain, or a public
     * link of any HTTP/1.1 server. NULL: `bucket` and `key` name the object. The endpoint, the region and the
     * credentials of the client are not used; the client may have none.
     *
     * - It is sent as it is, without its fragment. Requests carry `Range`, `If-Match` and the extra headers, and no other
     *   header that a signature would have to cover. So `version_id`, `traffic_limit`, `requester_pays`, the
     *   `response_…` fields and `extra_query` must not be set (::OSS_RESUMABLE_ERR_VALIDATION): they belong into the URL
     *   when it is signed.
     * - A server that supports ranges and sends a strong ETag is used like OSS. Without a strong ETag, without ranges,
     *   or with a chunked body without a length, the object is fetched in one stream that cannot be resumed. A CRC-64 in
     *   `x-oss-hash-crc64ecma` is compared. A body that was compressed in transit is an error.
     * - A download is resumed when host, path, ETag and size are the same, whatever the query is. No query appears in
     *   the checkpoint, a message, a log line or a trace.
     * - Up to five redirects in a row are followed, but never from `https` to `http`; others end the download with
     *   `RedirectError`. The extra headers, which may be credentials and here also may be `Authorization`, are sent only
     *   to the scheme, host and port of this URL, except `Accept`, `Accept-Language`, `Cache-Control`, `Pragma` and
     *   `User-Agent`. When an address that a redirect gave stops working, the URL is asked again.
     * - With `x-oss-process` in its query, the object is processed; see `extra_query`.
     * - When it expires, `url_provider` is asked; without one the download fails.
     */
    const char *url;
    /**
     * Supplies a new URL when the one of the download has expired, or NULL: its `Expires`, or `x-oss-date` and
     * `x-oss-expires`, say so, the server answers 400, 401 or 403 and calls it expired, or it answers 403 to a URL that
     * has worked before. The download goes on at its byte if the new URL has the same object (ETag and size); otherwise
     * the object has changed. The new URL may have another host, but not `http` after `https`. A provider without
     * a usable URL ends the download with `UrlProviderError`. Only with `url`.
     */
    oss_resumable_url_provider url_provider;
    /**
     * Passed to `url_provider`.
     */
    void *url_provider_user_data;
    /**
     * Frees `url_provider_user_data` after the last call of `url_provider`, or NULL.
     */
    oss_resumable_user_data_free url_provider_user_data_free;
} oss_download_object_request;

/**
 * Initialises an object of type ::oss_download_object_request: sets `struct_size`, and every other field to zero.
 */
#define OSS_DOWNLOAD_OBJECT_REQUEST_INIT \
    { sizeof(oss_download_object_request), NULL, NULL, NULL, NULL, 0, 0, 0, 0, 0, NULL, 0, NULL, \
      0, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, 0, NULL, 0, NULL, 0, 0, NULL, NULL, \
      NULL, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, NULL, 0, 0, 0, 0, 0, 0, 0, NULL, NULL, NULL, 0, 0, \
      NULL, NULL, NULL, NULL }

/**
 * What to list; see oss_resumable_list_objects(). Only `bucket` is required.
 */
typedef struct oss_resumable_list_request {
    /**
     * `sizeof(oss_resumable_list_request)`.
     */
    size_t struct_size;
    /**
     * Bucket name.
     */
    const char *bucket;
    /**
     * Only keys that begin with this, at most 1023 bytes; NULL: all.
     */
    const char *prefix;
    /**
     * Keys that contain this text behind the prefix are not listed one by one: what they have in common up to its end
     * is listed once, as ::OSS_RESUMABLE_ENTRY_COMMON_PREFIX. `/` lists one level of what looks like directories. At
     * most 1023 bytes; NULL: none.
     */
    const char *delimiter;
    /**
     * Only keys behind this one, which need not exist; at most 1023 bytes. NULL: from the first one.
     */
    const char *start_after;
    /**
     * Longest time for the whole listing from the call that starts it, in milliseconds, after which it fails with
     * ::OSS_RESUMABLE_ERR_DEADLINE. 0 or −1: no limit.
     */
    int64_t deadline_ms;
    /**
     * Largest number of entries in one page, 1 … 1000. 0: 1000. The listing goes through all pages, whatever their size;
     * one page is in memory at a time.
     */
    uint32_t max_keys;
    /**
     * The requester pays for the requests: default (off), on or off.
     */
    int32_t requester_pays;
} oss_resumable_list_request;

/**
 * Initialises an object of type ::oss_resumable_list_request: sets `struct_size`, and every other field to zero.
 */
#define OSS_RESUMABLE_LIST_REQUEST_INIT \
    { sizeof(oss_resumable_list_request), NULL, NULL, NULL, NULL, 0, 0, 0 }

/**
 * One entry of a listing, filled in by oss_resumable_listing_next(); set `struct_size` first. Its strings belong to the
 * listing, and are valid until the next call of oss_resumable_listing_next() for the same listing or until that is freed.
 */
typedef struct oss_resumable_object_entry {
    /**
     * `sizeof(oss_resumable_object_entry)`, set by the caller.
     */
    size_t struct_size;
    /**
     * The key of the object, or the common prefix; never NULL. It is as it is in the service: it may contain control
     * characters, backslashes or segments such as `..`. Check it before making a path of it.
     */
    const char *key;
    /**
     * The ETag without quotes; NULL if the service did not send it.
     */
    const char *etag;
    /**
     * `Standard`, `IA`, `Archive` …; NULL if the service did not send it.
     */
    const char *storage_class;
    /**
     * `Normal`, `Multipart`, `Appendable` or `Symlink`; NULL if the service did not send it.
     */
    const char *object_type;
    /**
     * The state of the restoration of an archived object, such as `ongoing-request="true"`; NULL if the service did not
     * send it.
     */
    const char *restore_info;
    /**
     * Size of the object in bytes.
     */
    uint64_t size;
    /**
     * When the object was last modified, in milliseconds since 1970-01-01 UTC; −1 if the service did not send it.
     */
    int64_t last_modified_ms;
    /**
     * CRC-64/XZ of the object, if `has_crc64` is 1.
     */
    uint64_t crc64;
    /**
     * One of the `OSS_RESUMABLE_ENTRY_…` values. Ignore those that you do not know.
     */
    int32_t kind;
    /**
     * 1 if the service sent the object's CRC-64 (`OSSCRC64`), which OSS itself does not do in listings; otherwise 0.
     */
    int32_t has_crc64;
} oss_resumable_object_entry;

/**
 * Initialises an object of type ::oss_resumable_object_entry: sets `struct_size`, and every other field to zero.
 */
#define OSS_RESUMABLE_OBJECT_ENTRY_INIT \
    { sizeof(oss_resumable_object_entry), NULL, NULL, NULL, NULL, NULL, 0, 0, 0, 0, 0 }

/**
 * Which objects are downloaded, and where to; see oss_resumable_download_prefix(). Only `bucket` and `directory` are
 * required.
 *
 * The path of an object's file is its key without everything up to the last `/` of the prefix, in the directory: with the
 * prefix `models/llama` or `models/`, the key `models/llama/a.bin` becomes `llama/a.bin`. Directories are created as
 * needed. A key that ends in `/` is a directory marker: a directory is created, and no file.
 *
 * These keys are not downloaded, and each gets an error in the result:
 * - `UnsafeKey`: the path would have an empty segment, or a segment `.` or `..`, so that it might lead elsewhere; it
 *   contains a backslash, which other systems take for a separator, or a control character; a segment or the path is too
 *   long; it begins with the name of the manifest's directory, `.oss-resumable`; or a directory marker has content.
 * - `KeyCollision`: the path is that of another key's file, on a file system that does not distinguish upper and lower
 *   case (both keys get the error); it is a directory for other keys, as that of `a` is for `a/b`; or it is that of
 *   another key's temporary file, as `a.temp` is for `a` (the other keys are downloaded).
 * - `UnsafePath`: a part of the path is a symbolic link. Links below the directory are not followed.
 */
typedef struct oss_resumable_prefix_request {
    /**
     * `sizeof(oss_resumable_prefix_request)`.
     */
    size_t struct_size;
    /**
     * Bucket name.
     */
    const char *bucket;
    /**
     * Only keys that begin with this, at most 1023 bytes; NULL: the whole bucket.
     */
    const char *prefix;
    /**
     * Where the files are created; it must exist.
     */
    const char *directory;
    /**
     * Directory of the manifest and of the checkpoints of unfinished objects; it must exist, and other prefix downloads may
     * use it too. NULL: `.oss-resumable` in `directory`, which is created.
     */
    const char *manifest_dir;
    /**
     * Only keys behind this one, which need not exist; at most 1023 bytes. NULL: from the first one.
     */
    const char *start_after;
    /**
     * How each object is downloaded; NULL: with every default. Limits such as `thread_num` and `max_bandwidth` are those of
     * one object. These are not set: `bucket`, `key`, `file_path`, `checkpoint_dir`, `enable_checkpoint`, `progress`, a
     * range, a version, conditions, `x-oss-process`, expected digests, `event_queue` and `deadline_ms`. With `requester_pays` the listing is
     * paid by the requester too.
     */
    const struct oss_download_object_request *objects;
    /**
     * Longest time for everything from the call that starts it, in milliseconds, after which it fails with
     * ::OSS_RESUMABLE_ERR_DEADLINE. 0 or −1: no limit.
     */
    int64_t deadline_ms;
    /**
     * Read every file that is there already and compare it with its checksums: default (off), on or off. When off, a file
     * that has the size, the modification time and the inode that it had after its download counts as unchanged.
     */
    int32_t verify;
    /**
     * Must be zero.
     */
    uint32_t reserved;
    /**
     * Takes the events of the prefix download, or NULL. It may be freed before the download ends. The prefix download
     * reports as one download, its objects report nothing of their own; ::oss_resumable_event says what its events
     * contain. The same queue may take the events of other downloads.
     */
    struct oss_resumable_event_queue *event_queue;
    /**
     * Any number: each event of the prefix download carries it. The traces of its requests carry `tag` of `objects`.
     */
    uint64_t tag;
} oss_resumable_prefix_request;

/**
 * Initialises an object of type ::oss_resumable_prefix_request: sets `struct_size`, and every other field to zero.
 */
#define OSS_RESUMABLE_PREFIX_REQUEST_INIT \
    { sizeof(oss_resumable_prefix_request), NULL, NULL, NULL, NULL, NULL, NULL, 0, 0, 0, NULL, 0 }

/**
 * A snapshot of a prefix download. Filled in by oss_resumable_prefix_download_status(); set `struct_size` first.
 */
typedef struct oss_resumable_prefix_status {
    /**
     * `sizeof(oss_resumable_prefix_status)`, set by the caller.
     */
    size_t struct_size;
    /**
     * Objects that were listed so far, directory markers included.
     */
    uint64_t objects;
    /**
     * Objects that were fetched, whole or in part.
     */
    uint64_t fetched;
    /**
     * Objects whose files were there and are unchanged.
     */
    uint64_t unchanged;
    /**
     * Directory markers.
     */
    uint64_t directories;
    /**
     * Objects that could not be downloaded.
     */
    uint64_t failed;
    /**
     * Objects whose downloads have started and not ended, those in the client's queue included.
     */
    uint64_t active;
    /**
     * Sizes of the objects that were listed so far, in bytes, as the listing says.
     */
    uint64_t bytes_listed;
    /**
     * Bytes of the files that are complete, and of those that are being downloaded.
     */
    uint64_t bytes_done;
    /**
     * Body bytes of objects received from the network.
     */
    uint64_t bytes_from_network;
    /**
     * Body bytes per second received from the network over about the last two seconds; 0 after the end.
     */
    uint64_t bytes_per_second;
    /**
     * One of the `OSS_RESUMABLE_PREFIX_PHASE_…` values. Ignore those that you do not know.
     */
    int32_t phase;
    /**
     * 1 while it is paused, otherwise 0.
     */
    int32_t is_paused;
    /**
     * Those of `bytes_done` that were there already: the sizes of unchanged files, and what downloads kept of an earlier
     * run or of a damaged file.
     */
    uint64_t bytes_reused;
} oss_resumable_prefix_status;

/**
 * Initialises an object of type ::oss_resumable_prefix_status: sets `struct_size`, and every other field to zero.
 */
#define OSS_RESUMABLE_PREFIX_STATUS_INIT \
    { sizeof(oss_resumable_prefix_status), 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0 }

/**
 * The counts of an ended prefix download. Filled in by oss_resumable_prefix_result_counts(); set `struct_size` first.
 */
typedef struct oss_resumable_prefix_counts {
    /**
     * `sizeof(oss_resumable_prefix_counts)`, set by the caller.
     */
    size_t struct_size;
    /**
     * Objects that were listed, directory markers included.
     */
    uint64_t objects;
    /**
     * Objects that were fetched, whole or in part.
     */
    uint64_t fetched;
    /**
     * Objects whose files were there and are unchanged.
     */
    uint64_t unchanged;
    /**
     * Directory markers.
     */
    uint64_t directories;
    /**
     * Objects that could not be downloaded.
     */
    uint64_t failed;
    /**
     * Sizes of the listed objects, in bytes, as the listing says.
     */
    uint64_t bytes_listed;
    /**
     * Bytes of the files that are complete.
     */
    uint64_t bytes_done;
    /**
     * Body bytes of objects received from the network.
     */
    uint64_t bytes_from_network;
    /**
     * Those of `bytes_done` that were there already: the sizes of unchanged files, and what downloads kept of an earlier
     * run or of a damaged file.
     */
    uint64_t bytes_reused;
} oss_resumable_prefix_counts;

/**
 * Initialises an object of type ::oss_resumable_prefix_counts: sets `struct_size`, and every other field to zero.
 */
#define OSS_RESUMABLE_PREFIX_COUNTS_INIT \
    { sizeof(oss_resumable_prefix_counts), 0, 0, 0, 0, 0, 0, 0, 0, 0 }

/**
 * One object of a prefix download, and what became of it. Filled in by oss_resumable_prefix_result_object(); set
 * `struct_size` first. What it points to belongs to the result, and is valid until the next call of that function for the
 * same result or until that is freed.
 */
typedef struct oss_resumable_prefix_object {
    /**
     * `sizeof(oss_resumable_prefix_object)`, set by the caller.
     */
    size_t struct_size;
    /**
     * The whole key; never NULL. It may contain control characters, without NUL bytes.
     */
    const char *key;
    /**
     * Absolute path of the file, or of the directory of a marker; NULL if the object failed because of its key.
     */
    const char *path;
    /**
     * Why the object failed; NULL otherwise. Do not free it.
     */
    const struct oss_resumable_error *error;
    /**
     * Size of the file in bytes; 0 for a directory. Of an object that has failed, that of the listing.
     */
    uint64_t size;
    /**
     * One of the `OSS_RESUMABLE_OBJECT_…` values.
     */
    int32_t result;
    /**
     * Zero.
     */
    uint32_t reserved;
} oss_resumable_prefix_object;

/**
 * Initialises an object of type ::oss_resumable_prefix_object: sets `struct_size`, and every other field to zero.
 */
#define OSS_RESUMABLE_PREFIX_OBJECT_INIT \
    { sizeof(oss_resumable_prefix_object), NULL, NULL, NULL, 0, 0, 0 }

/**
 * The statistics of an ended download. Filled in by oss_resumable_result_stats(); set `struct_size` first.
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
     * Bytes of an earlier run that were verified and kept.
     */
    uint64_t bytes_reused;
    /**
     * Bytes, received or recorded, that were discarded and fetched again.
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
     * Requests repeated because a connection could not be established.
     */
    uint64_t retries_connect;
    /**
     * Requests repeated because a connection broke or a body was incomplete.
     */
    uint64_t retries_broken;
    /**
     * Requests repeated because no byte arrived in time.
     */
    uint64_t retries_timeout;
    /**
     * Requests repeated because the service answered 5xx or 429.
     */
    uint64_t retries_service;
    /**
     * Requests repeated because credentials had expired or the clock was wrong.
     */
    uint64_t retries_auth;
    /**
     * Requests repeated because the object had changed or a reply was unusable.
     */
    uint64_t retries_reply;
    /**
     * Time from the call that started the download to its end, in milliseconds, including the time in the queue.
     */
    uint64_t elapsed_ms;
    /**
     * Time for which the service asked this download to wait (503, 429, `Retry-After`) or delayed its replies
     * (`x-oss-qos-delay-time`), in milliseconds, summed over all connections.
     */
    uint64_t throttled_ms;
} oss_resumable_statistics;

/**
 * Initialises an object of type ::oss_resumable_statistics: sets `struct_size`, and every other field to zero.
 */
#define OSS_RESUMABLE_STATISTICS_INIT \
    { sizeof(oss_resumable_statistics), 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0 }

/**
 * The call succeeded.
 */
#define OSS_RESUMABLE_OK 0

/**
 * oss_resumable_download_wait(): the time-out expired and the download continues. Not a failure; no output is written.
 */
#define OSS_RESUMABLE_WAIT_TIMEOUT 1

/**
 * oss_resumable_listing_next(): there are no more entries. Not a failure; no output is written.
 */
#define OSS_RESUMABLE_END_OF_LIST 2

/**
 * oss_resumable_download_prefix() and oss_resumable_prefix_download_wait(): the prefix download has ended, and at least one object
 * could not be downloaded. There is a result, which tells which ones and why, and no error.
 */
#define OSS_RESUMABLE_OBJECTS_FAILED 3

/**
 * An argument, option or field of a request is wrong. Nothing was sent or written. Error code `ValidateError`.
 */
#define OSS_RESUMABLE_ERR_VALIDATION 100

/**
 * Another run, of this or another process, is downloading the same object to the same file.
 */
#define OSS_RESUMABLE_ERR_BUSY 101

/**
 * The handle was created in the parent process; this process is a forked child.
 */
#define OSS_RESUMABLE_ERR_FORKED 102

/**
 * The service answered with an error: see oss_resumable_error_status() and oss_resumable_error_code().
 */
#define OSS_RESUMABLE_ERR_SERVICE 200

/**
 * No usable reply was received: name lookup, connection, TLS or time-out. oss_resumable_error_status() is 200000 +
 * CURLcode.
 */
#define OSS_RESUMABLE_ERR_TRANSPORT 201

/**
 * The object was replaced during the download, and again after the download had started over.
 */
#define OSS_RESUMABLE_ERR_OBJECT_CHANGED 202

/**
 * The received bytes are not the object's: a checksum differs, or replies contradict each other.
 */
#define OSS_RESUMABLE_ERR_INTEGRITY 203

/**
 * A local file operation failed: see oss_resumable_error_errno() and oss_resumable_error_path().
 */
#define OSS_RESUMABLE_ERR_IO 300

/**
 * There was no memory for what the call itself allocates: see "Out of memory" at the beginning of this header. Error code
 * `OutOfMemory`.
 */
#define OSS_RESUMABLE_ERR_OUT_OF_MEMORY 301

/**
 * The download was cancelled; its checkpoint, if it has one, is kept.
 */
#define OSS_RESUMABLE_ERR_CANCELLED 400

/**
 * The download took longer than `deadline_ms`; the checkpoint, if there is one, is kept.
 */
#define OSS_RESUMABLE_ERR_DEADLINE 401

/**
 * The requests of the client are disabled, see oss_resumable_client_disable_requests(); the checkpoint, if there
 * is one, is kept. Error code `ClientError:100002`, as in the OSS C++ SDK.
 */
#define OSS_RESUMABLE_ERR_DISABLED 402

/**
 * A defect in this library, or a thread that the system could not start. The operation failed; the process may
 * continue.
 */
#define OSS_RESUMABLE_ERR_INTERNAL 900

#ifdef __cplusplus
extern "C" {
#endif // __cplusplus

/**
 * Returns the versions of the loaded library and of the libraries it uses, such as
 * `0.1.0 libcurl/7.88.1 OpenSSL/3.0.19`; without memory for it, the first of them only.
 *
 * Thread-safe; callable at any time.
 *
 * @return a constant string, never NULL; do not free it
 */
const char *oss_resumable_version(void);

/**
 * Returns the name of a code, such as `OSS_RESUMABLE_ERR_BUSY`, for logs.
 *
 * Thread-safe; callable at any time, in a forked child too.
 *
 * @param code any number
 * @return a constant string, never NULL; do not free it; `"unknown"` for a number that is not a code
 */
const char *oss_resumable_code_name(oss_resumable_code code);

/**
 * Answers an ::oss_resumable_credentials_provider with credentials. Of several answers the last one counts.
 *
 * Any thread may call it while the provider runs. The strings are copied.
 *
 * @param sink the provider's parameter; not NULL
 * @param access_key_id required
 * @param access_key_secret required
 * @param security_token the token of temporary credentials, or NULL
 * @param expires_unix_ms time of expiry, in milliseconds since 1970-01-01 UTC; 0 when unknown
 * @return ::OSS_RESUMABLE_OK, ::OSS_RESUMABLE_ERR_VALIDATION for a NULL or malformed argument, or
 * ::OSS_RESUMABLE_ERR_OUT_OF_MEMORY; after a failure an earlier answer still counts
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
 * @param message the reason, which becomes part of the download's error message and must not contain secrets; NULL: no
 * reason
 * @return ::OSS_RESUMABLE_OK, ::OSS_RESUMABLE_ERR_VALIDATION for a NULL sink or a message that is not valid UTF-8, or
 * ::OSS_RESUMABLE_ERR_OUT_OF_MEMORY; the failure is then the answer all the same, without its reason
 */
oss_resumable_code oss_resumable_credentials_fail(struct oss_resumable_credentials_sink *sink,
                                                  const char *message);

/**
 * Answers an ::oss_resumable_key_unwrapper with a content key. Of several answers the last one counts.
 *
 * Any thread may call it while the unwrapper runs. The bytes are copied; wipe yours afterwards.
 *
 * @param sink the unwrapper's parameter; not NULL
 * @param key the content key
 * @param key_size its number of bytes, which must be 32
 * @param iv the initial counter block
 * @param iv_size its number of bytes, which must be 16
 * @return ::OSS_RESUMABLE_OK; ::OSS_RESUMABLE_ERR_VALIDATION for a NULL argument or a wrong size;
 * ::OSS_RESUMABLE_ERR_OUT_OF_MEMORY for a wrong size, without memory for its description. A wrong size is the answer, and
 * the download fails with it
 */
oss_resumable_code oss_resumable_content_key_set(struct oss_resumable_content_key_sink *sink,
                                                 const uint8_t *key,
                                                 size_t key_size,
                                                 const uint8_t *iv,
                                                 size_t iv_size);

/**
 * Answers an ::oss_resumable_key_unwrapper with a failure.
 *
 * Any thread may call it while the unwrapper runs. The string is copied.
 *
 * @param sink the unwrapper's parameter; not NULL
 * @param message the reason, which becomes part of the download's error message and must not contain secrets; NULL: no
 * reason
 * @return ::OSS_RESUMABLE_OK, ::OSS_RESUMABLE_ERR_VALIDATION for a NULL sink or a message that is not valid UTF-8, or
 * ::OSS_RESUMABLE_ERR_OUT_OF_MEMORY; the failure is then the answer all the same, without its reason
 */
oss_resumable_code oss_resumable_content_key_fail(struct oss_resumable_content_key_sink *sink,
                                                  const char *message);

/**
 * Answers an ::oss_resumable_url_provider with a URL. Of several answers the last one counts.
 *
 * Any thread may call it while the provider runs. The string is copied.
 *
 * @param sink the provider's parameter; not NULL
 * @param url the URL; one that is not valid, or that is `http` after `https`, is a failed answer
 * @return ::OSS_RESUMABLE_OK, ::OSS_RESUMABLE_ERR_VALIDATION for an argument that is NULL or not UTF-8, or
 * ::OSS_RESUMABLE_ERR_OUT_OF_MEMORY; after a failure an earlier answer still counts
 */
oss_resumable_code oss_resumable_url_set(struct oss_resumable_url_sink *sink,
                                         const char *url);

/**
 * Answers an ::oss_resumable_url_provider with a failure.
 *
 * Any thread may call it while the provider runs. The string is copied.
 *
 * @param sink the provider's parameter; not NULL
 * @param message the reason, which becomes part of the download's error message and must not contain secrets; NULL: no
 * reason
 * @return ::OSS_RESUMABLE_OK, ::OSS_RESUMABLE_ERR_VALIDATION for a NULL sink or a message that is not valid UTF-8, or
 * ::OSS_RESUMABLE_ERR_OUT_OF_MEMORY; the failure is then the answer all the same, without its reason
 */
oss_resumable_code oss_resumable_url_fail(struct oss_resumable_url_sink *sink,
                                          const char *message);

/**
 * Creates an event queue.
 *
 * Thread-safe.
 *
 * @param out receives the queue, to be freed with oss_resumable_event_queue_free(); written on success only; NULL: no
 * queue is created
 * @param err receives an error to be freed with oss_resumable_error_free(); written on failure only; may be NULL
 * @return ::OSS_RESUMABLE_OK; ::OSS_RESUMABLE_ERR_IO if the process has no file descriptor left;
 * ::OSS_RESUMABLE_ERR_OUT_OF_MEMORY
 */
oss_resumable_code oss_resumable_event_queue_new(struct oss_resumable_event_queue **out,
                                                 struct oss_resumable_error **err);

/**
 * Takes the next event from a queue; waits for one if there is none.
 *
 * Without a limit it waits also while no download reports to the queue, since another thread may start one.
 *
 * Thread-safe. Inside a callback on one of the library's threads, only with a time-out of 0.
 *
 * @param queue not NULL
 * @param timeout_ms longest time to wait, in milliseconds; 0: return immediately; negative: no limit
 * @param event not NULL, with its `struct_size` set; filled in up to that size on ::OSS_RESUMABLE_OK, otherwise not
 * written
 * @return ::OSS_RESUMABLE_OK; ::OSS_RESUMABLE_WAIT_TIMEOUT when no event came in time; ::OSS_RESUMABLE_ERR_VALIDATION
 * for a wrong argument, in which case no event is taken; ::OSS_RESUMABLE_ERR_CANCELLED when the queue is freed
 * meanwhile, and in an exit handler that runs after the library has stopped waiting for its threads;
 * ::OSS_RESUMABLE_ERR_FORKED
 */
oss_resumable_code oss_resumable_event_queue_next(struct oss_resumable_event_queue *queue,
                                                  int64_t timeout_ms,
                                                  struct oss_resumable_event *event);

/**
 * Returns a file descriptor for poll(2), epoll(7) and event loops such as libuv's and asyncio's, which is readable while
 * events wait and stays so until they have been read (level-triggered).
 *
 * While downloads run, it may become readable without an event, at most ten times a second, so that
 * oss_resumable_event_queue_next() looks at their progress. When it is readable, call that function with a time-out of
 * 0 until it returns ::OSS_RESUMABLE_WAIT_TIMEOUT, or once for each wake-up.
 *
 * The descriptor is the same for each call, and has the close-on-exec flag. The queue owns it and closes it when it is
 * freed; remove it from the event loop before. Do not read from it and do not close it.
 *
 * Thread-safe.
 *
 * @param queue a queue, or NULL
 * @return the descriptor; −1 for NULL and in a forked child
 */
int32_t oss_resumable_event_queue_fd(struct oss_resumable_event_queue *queue);

/**
 * Frees a queue and the events that wait in it. Downloads that refer to it continue, and their events are discarded.
 *
 * Any thread may call it, once, before or after the downloads and clients are freed, also inside callbacks. Returns
 * immediately. In a forked child it does nothing.
 *
 * @param queue a queue, or NULL, which does nothing
 */
void oss_resumable_event_queue_free(struct oss_resumable_event_queue *queue);

/**
 * Creates a client. Validates the options; starts no thread and sends nothing.
 *
 * Thread-safe. `user_data_free` of the options is called when the client and its downloads have been freed, or before
 * this function returns when it fails.
 *
 * @param options not NULL; everything is copied
 * @param out receives the client, to be freed with oss_resumable_client_free(); written on success only; NULL: the
 * options are validated and no client is created
 * @param err receives an error to be freed with oss_resumable_error_free(); written on failure only; may be NULL
 * @return ::OSS_RESUMABLE_OK or ::OSS_RESUMABLE_ERR_VALIDATION
 */
oss_resumable_code oss_resumable_client_new(const struct oss_resumable_client_options *options,
                                            struct oss_resumable_client **out,
                                            struct oss_resumable_error **err);

/**
 * Replaces the region for requests signed from now on, including those of running downloads.
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
 * Replaces the credentials, whatever their kind, for requests signed from now on, including those of running
 * downloads.
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
 * Sets the bandwidth limit of a client, over all its downloads, running ones included, from now on. The limits of
 * individual downloads apply as well.
 *
 * Thread-safe; callable inside callbacks.
 *
 * @param client not NULL
 * @param bytes_per_second body bytes per second over all connections; 0: no limit
 * @param err receives an error; written on failure only; may be NULL
 * @return ::OSS_RESUMABLE_OK, ::OSS_RESUMABLE_ERR_VALIDATION or ::OSS_RESUMABLE_ERR_FORKED
 */
oss_resumable_code oss_resumable_client_set_bandwidth(struct oss_resumable_client *client,
                                                      uint64_t bytes_per_second,
                                                      struct oss_resumable_error **err);

/**
 * Sets the largest number of requests in flight, over all downloads of a client, from now on. If there are more, the
 * client ends the slowest ones at once and continues at their bytes later. If there are fewer connections than running
 * downloads, the newest of these wait until others have ended; they are not stalled meanwhile. A request that cannot be
 * continued, because the service sends the object as one stream, is not ended.
 *
 * Thread-safe; callable inside callbacks.
 *
 * @param client not NULL
 * @param connections as `max_connections` of oss_resumable_client_options; 0: the default
 * @param err receives an error; written on failure only; may be NULL
 * @return ::OSS_RESUMABLE_OK, ::OSS_RESUMABLE_ERR_VALIDATION or ::OSS_RESUMABLE_ERR_FORKED
 */
oss_resumable_code oss_resumable_client_set_max_connections(struct oss_resumable_client *client,
                                                            uint32_t connections,
                                                            struct oss_resumable_error **err);

/**
 * Pauses the downloads of a client, and those that are started from now on, until oss_resumable_client_resume() is
 * called. Returns immediately. oss_resumable_download_pause() describes what a pause does. A download runs when neither
 * it nor its client is paused. No queued download starts meanwhile.
 *
 * Thread-safe; callable inside callbacks.
 *
 * @param client not NULL
 * @param err receives an error; written on failure only; may be NULL
 * @return ::OSS_RESUMABLE_OK, ::OSS_RESUMABLE_ERR_VALIDATION or ::OSS_RESUMABLE_ERR_FORKED
 */
oss_resumable_code oss_resumable_client_pause(struct oss_resumable_client *client,
                                              struct oss_resumable_error **err);

/**
 * Ends oss_resumable_client_pause(). Downloads that have been paused individually stay paused.
 *
 * Thread-safe; callable inside callbacks.
 *
 * @param client not NULL
 * @param err receives an error; written on failure only; may be NULL
 * @return ::OSS_RESUMABLE_OK, ::OSS_RESUMABLE_ERR_VALIDATION or ::OSS_RESUMABLE_ERR_FORKED
 */
oss_resumable_code oss_resumable_client_resume(struct oss_resumable_client *client,
                                               struct oss_resumable_error **err);

/**
 * Ends a client's downloads, running and queued, with ::OSS_RESUMABLE_ERR_DISABLED and refuses new ones until
 * oss_resumable_client_enable_requests() is called. Checkpoints are kept. Listings end in the same way when they need a
 * page. Returns immediately; running downloads end
 * shortly afterwards.
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
 * Allows downloads and listings of a client again after oss_resumable_client_disable_requests().
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
 * Cancels the client's downloads and listings, waits for its threads to end, and frees it. Checkpoints are kept.
 *
 * Handles of its downloads and listings stay valid and must be freed separately, before or after this call; the downloads have
 * ended. Any thread may call it, once. When called inside a callback it returns immediately, and the client is freed
 * after the callback. In a forked child it does nothing, and the memory of the client is not released.
 *
 * @param client a client, or NULL, which does nothing
 */
void oss_resumable_client_free(struct oss_resumable_client *client);

/**
 * Downloads an object to a file: resumes an earlier run if possible, fetches the missing bytes, verifies the file and
 * renames it to its target. Returns when that is done or has failed. Success means that the file is byte for byte the
 * object.
 *
 * Thread-safe; several downloads may run at once. `progress` of the request runs on this thread. Must not be called
 * inside a callback that runs on one of the library's threads.
 *
 * On failure the file at `file_path` is unchanged, with the exception described at `flush`. The checkpoint, if there is
 * one, is kept so that the next call can resume, except after ::OSS_RESUMABLE_ERR_OBJECT_CHANGED and the error codes
 * `CrcCheckError`, `DiskCorruption` and `FlushError`. After ::OSS_RESUMABLE_ERR_OUT_OF_MEMORY the download may have ended
 * without memory for its result or its error: if it has succeeded, the file is there, complete and verified. With
 * oss_resumable_download_start() and oss_resumable_download_wait(), nothing is lost.
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
 * Starts a download as oss_resumable_download_object() does, and returns immediately with a handle to it. If the client
 * runs as many downloads as it may (`max_active_downloads`), the download is queued: it has no thread, its phase is
 * ::OSS_RESUMABLE_PHASE_QUEUED, and it can be cancelled and freed as any other.
 *
 * ::OSS_RESUMABLE_ERR_BUSY if this process has a download to the same file, running or queued, and for a download that
 * is queued also if another process works on its files. Otherwise oss_resumable_download_wait() reports it if another
 * process does when the download starts. With ::OSS_RESUMABLE_BUSY_WAIT in `when_busy` of the request the download waits
 * instead; it is queued while it waits for one of this process.
 *
 * Thread-safe. `progress` of the request runs only inside oss_resumable_download_wait(). `user_data_free` of the
 * request is called when the handle is freed, or before this function returns when it fails.
 *
 * @param client not NULL
 * @param request not NULL; everything is copied
 * @param out receives the handle, to be freed with oss_resumable_download_free(); written on success only; NULL: the
 * download is cancelled immediately
 * @param err receives an error; written on failure only; may be NULL
 * @return ::OSS_RESUMABLE_OK or one of the `OSS_RESUMABLE_ERR_…` codes; later failures are reported by
 * oss_resumable_download_wait()
 */
oss_resumable_code oss_resumable_download_start(struct oss_resumable_client *client,
                                                const struct oss_download_object_request *request,
                                                struct oss_resumable_download **out,
                                                struct oss_resumable_error **err);

/**
 * Waits until a download has ended.
 *
 * Thread-safe; may be called again, also after the end: each success returns a new result, each failure a new error.
 * After ::OSS_RESUMABLE_ERR_OUT_OF_MEMORY, for which the download is not the reason, another call returns how it ended.
 * `progress` of the request runs on this thread. Must not be called inside a callback that runs on one of the
 * library's threads.
 *
 * @param download not NULL
 * @param timeout_ms longest time to wait, in milliseconds; 0: return immediately; negative: no limit
 * @param out receives the result, to be freed with oss_resumable_result_free(); written on success only; may be
 * NULL
 * @param err receives an error, to be freed with oss_resumable_error_free(); written on failure only; may be NULL
 * @return ::OSS_RESUMABLE_OK when the download succeeded; ::OSS_RESUMABLE_WAIT_TIMEOUT when the time-out expired
 * first, in which case no output is written; otherwise the code of the failure
 */
oss_resumable_code oss_resumable_download_wait(struct oss_resumable_download *download,
                                               int64_t timeout_ms,
                                               struct oss_resumable_result **out,
                                               struct oss_resumable_error **err);

/**
 * Reads the status of a download. Never waits for the network or the disk.
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
 * Cancels a download, which then ends with ::OSS_RESUMABLE_ERR_CANCELLED. Returns immediately. The download ends within
 * 100 ms, whatever it waits for, or as soon as the disk has done the one call that is running; a queued download has
 * ended when the call returns. The checkpoint, if there is one, is kept. Has no effect on a download that has ended.
 *
 * Thread-safe; callable inside callbacks.
 *
 * @param download not NULL
 * @return ::OSS_RESUMABLE_OK, ::OSS_RESUMABLE_ERR_VALIDATION or ::OSS_RESUMABLE_ERR_FORKED
 */
oss_resumable_code oss_resumable_download_cancel(struct oss_resumable_download *download);

/**
 * Pauses a download until oss_resumable_download_resume() is called. Returns immediately. Has no effect on a download
 * that is paused or has ended.
 *
 * Within a second its connections are closed and what they brought is stored and recorded; then the phase is
 * ::OSS_RESUMABLE_PHASE_PAUSED. Connections that it no longer used stay open while other downloads of the client may
 * use them. The files stay locked. A request without a reply is sent again after the pause, and a
 * verification of the file goes on where it stopped. A flush and a rename that have begun are completed. An object that
 * is fetched in one stream, because it is processed or because the service ignores ranges or sends no ETag, starts over
 * after the pause. The time paused counts against no limit but `deadline_ms`. oss_resumable_download_wait() goes on
 * waiting, and oss_resumable_download_cancel() works at once.
 *
 * A queued download is paused at once, and returns to its place in the queue when it is resumed. One that has started
 * still counts as one of the client's active downloads, but gives its connections to the others.
 *
 * Thread-safe; callable inside callbacks.
 *
 * @param download not NULL
 * @return ::OSS_RESUMABLE_OK, ::OSS_RESUMABLE_ERR_VALIDATION or ::OSS_RESUMABLE_ERR_FORKED
 */
oss_resumable_code oss_resumable_download_pause(struct oss_resumable_download *download);

/**
 * Ends oss_resumable_download_pause(): the download goes on at its byte, unless its client is paused. Credentials that
 * have expired meanwhile are asked for anew. Returns immediately.
 *
 * Thread-safe; callable inside callbacks.
 *
 * @param download not NULL
 * @return ::OSS_RESUMABLE_OK, ::OSS_RESUMABLE_ERR_VALIDATION or ::OSS_RESUMABLE_ERR_FORKED
 */
oss_resumable_code oss_resumable_download_resume(struct oss_resumable_download *download);

/**
 * Sets the bandwidth limit of a download, over all its connections, from now on. The limit of its client applies as
 * well.
 *
 * Thread-safe; callable inside callbacks.
 *
 * @param download not NULL
 * @param bytes_per_second body bytes per second; 0: no limit
 * @return ::OSS_RESUMABLE_OK, ::OSS_RESUMABLE_ERR_VALIDATION or ::OSS_RESUMABLE_ERR_FORKED
 */
oss_resumable_code oss_resumable_download_set_bandwidth(struct oss_resumable_download *download,
                                                        uint64_t bytes_per_second);

/**
 * Changes the priority of a download, which counts while it is queued: among the downloads of its new priority, its place
 * is that of its call. Has no effect on a download that has started.
 *
 * Thread-safe; callable inside callbacks.
 *
 * @param download not NULL
 * @param priority as `priority` of oss_download_object_request
 * @return ::OSS_RESUMABLE_OK, ::OSS_RESUMABLE_ERR_VALIDATION or ::OSS_RESUMABLE_ERR_FORKED
 */
oss_resumable_code oss_resumable_download_set_priority(struct oss_resumable_download *download,
                                                       int32_t priority);

/**
 * Frees a download's handle. A running download is cancelled first, and the call waits for its end; its checkpoint is
 * kept.
 *
 * Any thread may call it, once, before or after its client is freed. When called inside a callback it returns
 * immediately, and the handle is freed after the callback. In a forked child it does nothing.
 *
 * @param download a download, or NULL, which does nothing
 */
void oss_resumable_download_free(struct oss_resumable_download *download);

/**
 * Starts to list the objects of a bucket whose keys have a prefix, with ListObjectsV2. Validates the request; nothing is
 * sent before oss_resumable_listing_next() is called. Requires the permission `oss:ListObjects`.
 *
 * Thread-safe.
 *
 * @param client not NULL
 * @param request not NULL; everything is copied
 * @param out receives the listing, to be freed with oss_resumable_listing_free(); written on success only; NULL: the
 * request is validated and no listing is made
 * @param err receives an error, to be freed with oss_resumable_error_free(); written on failure only; may be NULL
 * @return ::OSS_RESUMABLE_OK; ::OSS_RESUMABLE_ERR_VALIDATION; ::OSS_RESUMABLE_ERR_DISABLED; ::OSS_RESUMABLE_ERR_FORKED
 */
oss_resumable_code oss_resumable_list_objects(struct oss_resumable_client *client,
                                              const struct oss_resumable_list_request *request,
                                              struct oss_resumable_listing **out,
                                              struct oss_resumable_error **err);

/**
 * Gives the next entry of a listing. Asks the service for the next page when all entries of the last one have been given,
 * and waits for it. Entries come in the order of their names' bytes within each page; objects and common prefixes of a page
 * come one after the other. Objects that are created or deleted meanwhile may be listed or not.
 *
 * Broken connections, throttling and other failures are retried as those of a download. A page's request counts as one of
 * the client's `max_connections`, and waits for one if downloads use all of them. A pause of the client does not concern
 * listings. The memory that a listing needs is that of one page: at most 8 MiB as sent.
 *
 * Not to be called by two threads at the same time for one listing, which is ::OSS_RESUMABLE_ERR_VALIDATION. Thread-safe
 * otherwise. Must not be called inside a callback that runs on one of the library's threads.
 *
 * @param listing not NULL
 * @param entry not NULL, with its `struct_size` set; filled in up to that size on ::OSS_RESUMABLE_OK, otherwise not
 * written. Its strings are valid until the next call for this listing.
 * @param err receives an error, to be freed with oss_resumable_error_free(); written on failure only; may be NULL
 * @return ::OSS_RESUMABLE_OK; ::OSS_RESUMABLE_END_OF_LIST after the last entry; otherwise the code of the failure, such as
 * ::OSS_RESUMABLE_ERR_SERVICE, or ::OSS_RESUMABLE_ERR_INTEGRITY for a reply that is not a listing. A failure is final, and
 * later calls return it again, with three exceptions: wrong arguments, ::OSS_RESUMABLE_ERR_OUT_OF_MEMORY, and a key with a
 * NUL byte (::OSS_RESUMABLE_ERR_INTEGRITY), behind which the next call goes on.
 */
oss_resumable_code oss_resumable_listing_next(struct oss_resumable_listing *listing,
                                              struct oss_resumable_object_entry *entry,
                                              struct oss_resumable_error **err);

/**
 * Cancels a listing: a call of oss_resumable_listing_next() that waits returns ::OSS_RESUMABLE_ERR_CANCELLED within 100 ms,
 * otherwise the one that needs the next page does. Returns immediately.
 *
 * Thread-safe; callable inside callbacks.
 *
 * @param listing not NULL
 * @return ::OSS_RESUMABLE_OK, ::OSS_RESUMABLE_ERR_VALIDATION or ::OSS_RESUMABLE_ERR_FORKED
 */
oss_resumable_code oss_resumable_listing_cancel(struct oss_resumable_listing *listing);

/**
 * Frees a listing, at any point of it, and the strings of its last entry.
 *
 * Any thread may call it, once, before or after its client is freed. When called inside a callback it returns immediately,
 * and the handle is freed after the callback. In a forked child it does nothing.
 *
 * @param listing a listing, or NULL, which does nothing
 */
void oss_resumable_listing_free(struct oss_resumable_listing *listing);

/**
 * Downloads every object whose key has a prefix into a directory. Returns when that is done. Requires the permissions
 * `oss:ListObjects` and `oss:GetObject`.
 *
 * First all objects are listed, which takes about 150 bytes of memory for each besides its key; nothing is written before.
 * Each object is then downloaded as by oss_resumable_download_start(), with a checkpoint: through the client's queue and
 * within its limits. Not all are queued at once: those that were started otherwise take their turns in between.
 *
 * An object that fails does not stop the others: the result tells what became of each. The download as a whole fails if the
 * objects cannot be listed, if it is cancelled or its deadline passes, and if the client is freed or its requests are
 * disabled.
 *
 * The *manifest* records the files that are complete. A later call fetches only what is missing: objects that are new, that
 * have another size or ETag (or CRC-64, if the listing says one) than when they were downloaded, and the damaged parts of
 * files that have changed on the disk. A file counts as unchanged if size, modification time and inode are those that it was
 * left with; `verify` of the request reads it. A change within the resolution of the file system's clock, a few milliseconds
 * after a download has ended, is found only with `verify`. Files of objects that are not there any more are not deleted. A
 * file that no record tells of is compared with its object's checksum. Objects that are symbolic links are fetched each
 * time, because the listing does not show whether their targets have changed.
 *
 * ::OSS_RESUMABLE_ERR_BUSY if another run downloads to the same directory.
 *
 * Thread-safe. Must not be called inside a callback that runs on one of the library's threads.
 *
 * @param client not NULL
 * @param request not NULL; everything is copied
 * @param out receives the result, to be freed with oss_resumable_prefix_result_free(); written on ::OSS_RESUMABLE_OK and
 * ::OSS_RESUMABLE_OBJECTS_FAILED; may be NULL
 * @param err receives an error, to be freed with oss_resumable_error_free(); written on failure only; may be NULL
 * @return ::OSS_RESUMABLE_OK if every object is there; ::OSS_RESUMABLE_OBJECTS_FAILED if some are not, in which case there is
 * a result and no error; otherwise one of the `OSS_RESUMABLE_ERR_…` codes
 */
oss_resumable_code oss_resumable_download_prefix(struct oss_resumable_client *client,
                                                 const struct oss_resumable_prefix_request *request,
                                                 struct oss_resumable_prefix_result **out,
                                                 struct oss_resumable_error **err);

/**
 * Starts a prefix download as oss_resumable_download_prefix() does, and returns with a handle to it.
 *
 * Thread-safe.
 *
 * @param client not NULL
 * @param request not NULL; everything is copied
 * @param out receives the handle, to be freed with oss_resumable_prefix_download_free(); written on success only; NULL: the
 * download is cancelled immediately
 * @param err receives an error; written on failure only; may be NULL
 * @return ::OSS_RESUMABLE_OK or one of the `OSS_RESUMABLE_ERR_…` codes; later failures are reported by
 * oss_resumable_prefix_download_wait()
 */
oss_resumable_code oss_resumable_prefix_download_start(struct oss_resumable_client *client,
                                                       const struct oss_resumable_prefix_request *request,
                                                       struct oss_resumable_prefix_download **out,
                                                       struct oss_resumable_error **err);

/**
 * Waits until a prefix download has ended.
 *
 * Thread-safe; may be called again, also after the end: each success gives a new result, each failure a new error. Must not
 * be called inside a callback that runs on one of the library's threads.
 *
 * @param download not NULL
 * @param timeout_ms longest time to wait, in milliseconds; 0: return immediately; negative: no limit
 * @param out receives the result, to be freed with oss_resumable_prefix_result_free(); written on ::OSS_RESUMABLE_OK and
 * ::OSS_RESUMABLE_OBJECTS_FAILED; may be NULL
 * @param err receives an error, to be freed with oss_resumable_error_free(); written on failure only; may be NULL
 * @return as oss_resumable_download_prefix(); ::OSS_RESUMABLE_WAIT_TIMEOUT when the time-out expired first, in which case no
 * output is written
 */
oss_resumable_code oss_resumable_prefix_download_wait(struct oss_resumable_prefix_download *download,
                                                      int64_t timeout_ms,
                                                      struct oss_resumable_prefix_result **out,
                                                      struct oss_resumable_error **err);

/**
 * Reads the status of a prefix download. Never waits for the network or the disk.
 *
 * Thread-safe; callable inside callbacks.
 *
 * @param download not NULL
 * @param snapshot not NULL, with its `struct_size` set; filled up to that size
 * @return ::OSS_RESUMABLE_OK, ::OSS_RESUMABLE_ERR_VALIDATION or ::OSS_RESUMABLE_ERR_FORKED
 */
oss_resumable_code oss_resumable_prefix_download_status(struct oss_resumable_prefix_download *download,
                                                        struct oss_resumable_prefix_status *snapshot);

/**
 * Pauses the downloads of all objects until oss_resumable_prefix_download_resume() is called; see oss_resumable_download_pause(). A
 * listing that has begun is completed. Returns immediately.
 *
 * Thread-safe; callable inside callbacks.
 *
 * @param download not NULL
 * @return ::OSS_RESUMABLE_OK, ::OSS_RESUMABLE_ERR_VALIDATION or ::OSS_RESUMABLE_ERR_FORKED
 */
oss_resumable_code oss_resumable_prefix_download_pause(struct oss_resumable_prefix_download *download);

/**
 * Ends oss_resumable_prefix_download_pause().
 *
 * Thread-safe; callable inside callbacks.
 *
 * @param download not NULL
 * @return ::OSS_RESUMABLE_OK, ::OSS_RESUMABLE_ERR_VALIDATION or ::OSS_RESUMABLE_ERR_FORKED
 */
oss_resumable_code oss_resumable_prefix_download_resume(struct oss_resumable_prefix_download *download);

/**
 * Cancels a prefix download, which then ends with ::OSS_RESUMABLE_ERR_CANCELLED. Returns immediately. What is complete stays,
 * and checkpoints are kept.
 *
 * Thread-safe; callable inside callbacks.
 *
 * @param download not NULL
 * @return ::OSS_RESUMABLE_OK, ::OSS_RESUMABLE_ERR_VALIDATION or ::OSS_RESUMABLE_ERR_FORKED
 */
oss_resumable_code oss_resumable_prefix_download_cancel(struct oss_resumable_prefix_download *download);

/**
 * Frees a prefix download. If it is running, cancels it and waits for its end; checkpoints are kept.
 *
 * Any thread may call it, once, before or after its client is freed. When called inside a callback it returns immediately,
 * and the handle is freed after the callback. In a forked child it does nothing.
 *
 * @param download a prefix download, or NULL, which does nothing
 */
void oss_resumable_prefix_download_free(struct oss_resumable_prefix_download *download);

/**
 * Reads the counts of a prefix download: how many objects were fetched, found unchanged, and failed.
 *
 * Thread-safe.
 *
 * @param result not NULL
 * @param counts not NULL, with its `struct_size` set; filled up to that size
 * @return ::OSS_RESUMABLE_OK or ::OSS_RESUMABLE_ERR_VALIDATION
 */
oss_resumable_code oss_resumable_prefix_result_counts(const struct oss_resumable_prefix_result *result,
                                                      struct oss_resumable_prefix_counts *counts);

/**
 * Returns the absolute path of the directory, without symbolic links, in the bytes of the file system.
 *
 * Thread-safe.
 *
 * @param result a result, or NULL
 * @return a string valid until the result is freed; NULL only for NULL
 */
const char *oss_resumable_prefix_result_directory(const struct oss_resumable_prefix_result *result);

/**
 * Gives an object of a prefix download by its place in the order of the keys' bytes, from 0.
 *
 * Not to be called by two threads at the same time for one result, which is ::OSS_RESUMABLE_ERR_VALIDATION. Thread-safe
 * otherwise.
 *
 * @param result not NULL
 * @param index from 0 to the number of objects minus one
 * @param object not NULL, with its `struct_size` set; filled in up to that size on ::OSS_RESUMABLE_OK, otherwise not written.
 * What it points to is valid until the next call for this result.
 * @return ::OSS_RESUMABLE_OK; ::OSS_RESUMABLE_END_OF_LIST behind the last object; ::OSS_RESUMABLE_ERR_VALIDATION
 */
oss_resumable_code oss_resumable_prefix_result_object(const struct oss_resumable_prefix_result *result,
                                                      uint64_t index,
                                                      struct oss_resumable_prefix_object *object);

/**
 * Frees a result and everything that was read from it.
 *
 * Any thread may call it, once, after all other uses.
 *
 * @param result a result, or NULL, which does nothing
 */
void oss_resumable_prefix_result_free(struct oss_resumable_prefix_result *result);

/**
 * Reads the checkpoint of the download that a request describes. Sends nothing and changes nothing.
 *
 * Thread-safe. A running download may be using the checkpoint.
 *
 * @param client not NULL
 * @param request the request that would be passed to the download; not NULL; its `user_data` is freed before this
 * function returns
 * @param out receives the checkpoint, to be freed with oss_resumable_checkpoint_free(), or NULL when there is none to
 * resume from; written on success only; may be NULL
 * @param err receives an error, to be freed with oss_resumable_error_free(); written on failure only; may be NULL
 * @return ::OSS_RESUMABLE_OK, also without a checkpoint; ::OSS_RESUMABLE_ERR_VALIDATION, ::OSS_RESUMABLE_ERR_IO or
 * ::OSS_RESUMABLE_ERR_FORKED
 */
oss_resumable_code oss_resumable_checkpoint_inspect(struct oss_resumable_client *client,
                                                    const struct oss_download_object_request *request,
                                                    struct oss_resumable_checkpoint **out,
                                                    struct oss_resumable_error **err);

/**
 * Removes the checkpoint of the download that a request describes, and its temporary file.
 *
 * Thread-safe. Fails with ::OSS_RESUMABLE_ERR_BUSY while a download is using them.
 *
 * @param client not NULL
 * @param request the request that would be passed to the download; not NULL; its `user_data` is freed before this
 * function returns
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
 * Returns the path of the checkpoint file: absolute, in the bytes of the file system.
 *
 * Thread-safe.
 *
 * @param checkpoint a checkpoint, or NULL
 * @return a string valid until the checkpoint is freed; NULL only for NULL
 */
const char *oss_resumable_checkpoint_path(const struct oss_resumable_checkpoint *checkpoint);

/**
 * Returns the bucket of the object that is downloaded.
 *
 * Thread-safe.
 *
 * @param checkpoint a checkpoint, or NULL
 * @return a string valid until the checkpoint is freed; NULL for a download from a URL, and for NULL
 */
const char *oss_resumable_checkpoint_bucket(const struct oss_resumable_checkpoint *checkpoint);

/**
 * Returns the key of the object that is downloaded.
 *
 * Thread-safe.
 *
 * @param checkpoint a checkpoint, or NULL
 * @return a string valid until the checkpoint is freed; NULL for a download from a URL, and for NULL
 */
const char *oss_resumable_checkpoint_key(const struct oss_resumable_checkpoint *checkpoint);

/**
 * Returns the version id of the object, as the service said or else the request.
 *
 * Thread-safe.
 *
 * @param checkpoint a checkpoint, or NULL
 * @return a string valid until the checkpoint is freed; NULL for a bucket without versioning,
 * and for NULL
 */
const char *oss_resumable_checkpoint_version_id(const struct oss_resumable_checkpoint *checkpoint);

/**
 * Returns the URL of the object, without its query.
 *
 * Thread-safe.
 *
 * @param checkpoint a checkpoint, or NULL
 * @return a string valid until the checkpoint is freed; NULL if bucket and key name the object, and
 * for NULL
 */
const char *oss_resumable_checkpoint_url(const struct oss_resumable_checkpoint *checkpoint);

/**
 * Returns the path of the file that the download is to create: absolute, in the bytes of the file system.
 *
 * Thread-safe.
 *
 * @param checkpoint a checkpoint, or NULL
 * @return a string valid until the checkpoint is freed; NULL only for NULL
 */
const char *oss_resumable_checkpoint_file_path(const struct oss_resumable_checkpoint *checkpoint);

/**
 * Returns the ETag of the object to which the recorded bytes belong, without quotes; a weak one as sent, `W/"…"`.
 *
 * Thread-safe.
 *
 * @param checkpoint a checkpoint, or NULL
 * @return a string valid until the checkpoint is freed; NULL only for NULL
 */
const char *oss_resumable_checkpoint_etag(const struct oss_resumable_checkpoint *checkpoint);

/**
 * Returns the object's `Last-Modified`, an HTTP date.
 *
 * Thread-safe.
 *
 * @param checkpoint a checkpoint, or NULL
 * @return a string valid until the checkpoint is freed; NULL when the service sent none, and for NULL
 */
const char *oss_resumable_checkpoint_last_modified(const struct oss_resumable_checkpoint *checkpoint);

/**
 * Returns the size of the whole object in bytes.
 *
 * Thread-safe.
 *
 * @param checkpoint a checkpoint, or NULL
 * @return bytes; 0 for NULL
 */
uint64_t oss_resumable_checkpoint_object_size(const struct oss_resumable_checkpoint *checkpoint);

/**
 * Returns the offset in the object at which the download begins.
 *
 * Thread-safe.
 *
 * @param checkpoint a checkpoint, or NULL
 * @return an offset in bytes; 0 for NULL
 */
uint64_t oss_resumable_checkpoint_range_start(const struct oss_resumable_checkpoint *checkpoint);

/**
 * Returns the size of the finished file in bytes.
 *
 * Thread-safe.
 *
 * @param checkpoint a checkpoint, or NULL
 * @return bytes; 0 for NULL
 */
uint64_t oss_resumable_checkpoint_size(const struct oss_resumable_checkpoint *checkpoint);

/**
 * Returns the number of bytes recorded as downloaded. They are verified against the disk when the download resumes.
 *
 * Thread-safe.
 *
 * @param checkpoint a checkpoint, or NULL
 * @return bytes; 0 for NULL
 */
uint64_t oss_resumable_checkpoint_bytes_recorded(const struct oss_resumable_checkpoint *checkpoint);

/**
 * Frees an object returned by oss_resumable_checkpoint_inspect() and the strings read from it. The checkpoint file
 * stays.
 *
 * Any thread may call it, once.
 *
 * @param checkpoint a checkpoint, or NULL, which does nothing
 */
void oss_resumable_checkpoint_free(struct oss_resumable_checkpoint *checkpoint);

/**
 * Computes the CRC-64 of OSS (CRC-64/XZ, `x-oss-hash-crc64ecma`), of bytes that may come piece by piece:
 * @code
 * uint64_t crc = 0;
 * while ((length = fread(buffer, 1, sizeof buffer, file)) > 0) {
 *     crc = oss_resumable_crc64(crc, buffer, length);
 * }
 * @endcode
 * A file whose checksum is oss_resumable_result_crc64() is what was downloaded, unless it was decrypted.
 *
 * Thread-safe; callable at any time, in a forked child too.
 *
 * @param crc the checksum of the bytes before these; 0 if there are none
 * @param data the bytes; may be NULL, which is no bytes
 * @param length number of bytes
 * @return the checksum of all bytes
 */
uint64_t oss_resumable_crc64(uint64_t crc,
                             const void *data,
                             size_t length);

/**
 * Returns the path of the file: absolute, in the bytes of the file system.
 *
 * Thread-safe.
 *
 * @param result a result, or NULL
 * @return a string valid until the result is freed; NULL only for NULL
 */
const char *oss_resumable_result_file_path(const struct oss_resumable_result *result);

/**
 * Returns the object's ETag, without quotes; a weak one as sent, `W/"…"`.
 *
 * Thread-safe.
 *
 * @param result a result, or NULL
 * @return a string valid until the result is freed; NULL when the service sent none, and for NULL
 */
const char *oss_resumable_result_etag(const struct oss_resumable_result *result);

/**
 * Returns the version id of the downloaded object.
 *
 * Thread-safe.
 *
 * @param result a result, or NULL
 * @return a string valid until the result is freed; NULL for a bucket without versioning, and for NULL
 */
const char *oss_resumable_result_version_id(const struct oss_resumable_result *result);

/**
 * Returns the object's `Last-Modified`, an HTTP date.
 *
 * Thread-safe.
 *
 * @param result a result, or NULL
 * @return a string valid until the result is freed; NULL when the service sent none, and for NULL
 */
const char *oss_resumable_result_last_modified(const struct oss_resumable_result *result);

/**
 * Returns the request id of the first successful reply.
 *
 * Thread-safe.
 *
 * @param result a result, or NULL
 * @return a string valid until the result is freed; NULL when the service sent none, and for NULL
 */
const char *oss_resumable_result_request_id(const struct oss_resumable_result *result);

/**
 * Returns the size of the file in bytes: the object's size, or the length of the requested range.
 *
 * Thread-safe.
 *
 * @param result a result, or NULL
 * @return bytes; 0 for NULL
 */
uint64_t oss_resumable_result_size(const struct oss_resumable_result *result);

/**
 * Returns the size of the whole object in bytes; of a processed object (`x-oss-process`), the file's size.
 *
 * Thread-safe.
 *
 * @param result a result, or NULL
 * @return bytes; 0 for NULL
 */
uint64_t oss_resumable_result_object_size(const struct oss_resumable_result *result);

/**
 * Returns the CRC-64/XZ of the bytes that were downloaded, as the service has them: the file's, unless they were
 * decrypted.
 *
 * Thread-safe.
 *
 * @param result a result, or NULL
 * @return the checksum; 0 for NULL
 */
uint64_t oss_resumable_result_crc64(const struct oss_resumable_result *result);

/**
 * Returns the whole object's CRC-64 as sent by the service. There is none for a processed object (`x-oss-process`).
 *
 * Thread-safe.
 *
 * @param result a result, or NULL
 * @param crc64 receives the checksum if the service sent one; may be NULL
 * @return 1 when the service sent one, otherwise 0
 */
int32_t oss_resumable_result_object_crc64(const struct oss_resumable_result *result,
                                          uint64_t *crc64);

/**
 * Returns how the file was verified before success was reported.
 *
 * Thread-safe.
 *
 * @param result a result, or NULL
 * @return one of the `OSS_RESUMABLE_PROOF_…` values; 0 for NULL
 */
int32_t oss_resumable_result_proof(const struct oss_resumable_result *result);

/**
 * Returns the number of headers in the first successful reply.
 *
 * Thread-safe.
 *
 * @param result a result, or NULL
 * @return the count; 0 for NULL
 */
size_t oss_resumable_result_header_count(const struct oss_resumable_result *result);

/**
 * Returns the name of a header of the first successful reply, in the service's order and spelling.
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
 * Returns the value of a header of the first successful reply.
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
 * Returns the value of the first header with the given name, such as `x-oss-meta-author`.
 *
 * Thread-safe.
 *
 * @param result a result, or NULL
 * @param name the header's name, compared without regard to case; may be NULL, for which there is no header
 * @return a string valid until the result is freed; NULL when there is no such header, and for NULL
 */
const char *oss_resumable_result_header(const struct oss_resumable_result *result,
                                        const char *name);

/**
 * Reads the download's statistics.
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
 * Returns the result and its statistics as one JSON object (RFC 8259), in one line:
 *
 * | field | value |
 * |---|---|
 * | `file_path` | string: absolute path of the file; U+FFFD replaces what is not UTF-8 |
 * | `file_size` | number: oss_resumable_result_size() |
 * | `object_size` | number: oss_resumable_result_object_size() |
 * | `etag` | string without quotes, or null |
 * | `version_id` | string or null |
 * | `crc64` | string: oss_resumable_result_crc64(), in decimal as in `x-oss-hash-crc64ecma`, because not every JSON parser reads integers of 64 bits exactly |
 * | `object_crc64` | string as `crc64`: oss_resumable_result_object_crc64(); or null |
 * | `last_modified` | string: HTTP date; or null |
 * | `request_id` | string or null |
 * | `proof` | `"object_crc"`, `"generation"`, `"not_compared"` or `"expected_digest"`: oss_resumable_result_proof() |
 * | `headers` | array of objects with the strings `name` and `value`: those of the first successful reply, in the service's order and spelling |
 * | `statistics` | object with the fields of ::oss_resumable_statistics, except `struct_size`, as numbers |
 *
 * All fields are always there. A later version may add fields.
 *
 * Thread-safe.
 *
 * @param result a result, or NULL
 * @return UTF-8 text, valid until the result is freed; NULL for NULL, and when there is no memory
 */
const char *oss_resumable_result_json(const struct oss_resumable_result *result);

/**
 * Frees a result and the strings read from it. The file stays.
 *
 * Any thread may call it, once for each result.
 *
 * @param result a result, or NULL, which does nothing
 */
void oss_resumable_result_free(struct oss_resumable_result *result);

/**
 * Returns the kind of failure: the number that the failed call returned.
 *
 * Thread-safe.
 *
 * @param error an error, or NULL
 * @return one of the `OSS_RESUMABLE_ERR_…` codes; ::OSS_RESUMABLE_OK for NULL
 */
oss_resumable_code oss_resumable_error_kind(const struct oss_resumable_error *error);

/**
 * Returns the error code: that of the OSS service (`NoSuchKey`, `AccessDenied` …), or that of the OSS C++ SDK where it
 * has one (`ValidateError`, `CrcCheckError`, `ClientError:200028` …).
 *
 * Thread-safe.
 *
 * @param error an error, or NULL
 * @return a string valid until the error is freed; NULL only for NULL
 */
const char *oss_resumable_error_code(const struct oss_resumable_error *error);

/**
 * Returns the error message: what was attempted, on which object and bytes, why it failed and what to do. One line,
 * without secrets.
 *
 * Thread-safe.
 *
 * @param error an error, or NULL
 * @return a string valid until the error is freed; NULL only for NULL
 */
const char *oss_resumable_error_message(const struct oss_resumable_error *error);

/**
 * Returns the id of the failed request, by which the service's support can find it.
 *
 * Thread-safe.
 *
 * @param error an error, or NULL
 * @return a string valid until the error is freed; NULL when the service sent none, and for NULL
 */
const char *oss_resumable_error_request_id(const struct oss_resumable_error *error);

/**
 * Returns the `HostId` of the service's error: the host that answered.
 *
 * Thread-safe.
 *
 * @param error an error, or NULL
 * @return a string valid until the error is freed; NULL when the service sent none, and for NULL
 */
const char *oss_resumable_error_host_id(const struct oss_resumable_error *error);

/**
 * Returns the `EC` of the service's error: its number in the service's error catalogue, such as `0026-00000001`.
 *
 * Thread-safe.
 *
 * @param error an error, or NULL
 * @return a string valid until the error is freed; NULL when the service sent none, and for NULL
 */
const char *oss_resumable_error_ec(const struct oss_resumable_error *error);

/**
 * Returns the number of the failure.
 *
 * Thread-safe.
 *
 * @param error an error, or NULL
 * @return the HTTP status of ::OSS_RESUMABLE_ERR_SERVICE; 200000 + CURLcode of ::OSS_RESUMABLE_ERR_TRANSPORT;
 * 0 otherwise
 */
int64_t oss_resumable_error_status(const struct oss_resumable_error *error);

/**
 * Returns the system's error number (`errno`) of an ::OSS_RESUMABLE_ERR_IO.
 *
 * Thread-safe.
 *
 * @param error an error, or NULL
 * @return a number such as `ENOSPC`; 0 when there is none
 */
int32_t oss_resumable_error_errno(const struct oss_resumable_error *error);

/**
 * Returns the path of the file that an ::OSS_RESUMABLE_ERR_IO or ::OSS_RESUMABLE_ERR_BUSY concerns.
 *
 * Thread-safe.
 *
 * @param error an error, or NULL
 * @return the path in the bytes of the file system, valid until the error is freed; NULL when no file is concerned
 */
const char *oss_resumable_error_path(const struct oss_resumable_error *error);

/**
 * Returns the error as one JSON object (RFC 8259), in one line:
 *
 * | field | value |
 * |---|---|
 * | `kind` | string: the name of the code in lower case without `OSS_RESUMABLE_ERR_`, such as `"service"` |
 * | `kind_number` | number: oss_resumable_error_kind() |
 * | `code` | string: oss_resumable_error_code(), such as `"NoSuchKey"` |
 * | `message` | string: oss_resumable_error_message() |
 * | `status` | number: oss_resumable_error_status() |
 * | `request_id` | string or null |
 * | `host_id` | string or null |
 * | `ec` | string or null |
 * | `errno` | number, or null if there is none |
 * | `path` | string: the file concerned; U+FFFD replaces what is not UTF-8; or null |
 *
 * All fields are always there. A later version may add fields. No field contains a secret.
 *
 * Thread-safe.
 *
 * @param error an error, or NULL
 * @return UTF-8 text, valid until the error is freed; NULL for NULL, and when there is no memory
 */
const char *oss_resumable_error_json(const struct oss_resumable_error *error);

/**
 * Frees an error and the strings read from it.
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
