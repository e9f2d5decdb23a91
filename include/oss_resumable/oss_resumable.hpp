/**
 * @file oss_resumable.hpp
 * @brief C++11 interface to oss_resumable.h, header-only. Works without exceptions and without
 * RTTI.
 *
 * Requests and outcomes have the names used by the OSS C++ SDK:
 * @code
 * oss_resumable::Client client("oss-cn-hangzhou.aliyuncs.com"); // credentials from the environment
 * client.SetRegion("cn-hangzhou");
 * oss_resumable::DownloadObjectRequest request("examplebucket", "exampledir/exampleobject.txt",
 *                                              "examplefile.txt", "checkpoints");
 * auto outcome = client.ResumableDownloadObject(request);
 * if (!outcome.isSuccess()) {
 *     std::cerr << outcome.error().Code() << ": " << outcome.error().Message() << std::endl;
 * }
 * @endcode
 *
 * Fields, defaults and thread-safety are described in oss_resumable.h. An exception thrown by a
 * progress handler cancels the download and propagates out of the call in which the handler ran.
 * The other callbacks run on threads of the library, where an exception is treated as if the
 * callback had given no answer.
 */
#ifndef OSS_RESUMABLE_HPP
#define OSS_RESUMABLE_HPP

#include <chrono>
#include <cstdint>
#include <future>
#include <memory>
#include <string>
#include <utility>

#include "configuration.hpp"
#include "crc64.hpp"
#include "detail.hpp"
#include "event_queue.hpp"
#include "listing.hpp"
#include "oss_resumable.h"
#include "outcome.hpp"
#include "prefix.hpp"
#include "request.hpp"

namespace oss_resumable {

namespace detail {

/** The handle and the progress handlers of a download, shared by the threads that wait for it. */
struct RunningDownload {
    struct Free {
        void operator()(oss_resumable_download *download) const {
            oss_resumable_download_free(download);
        }
    };
    std::unique_ptr<oss_resumable_download, Free> handle;
    std::shared_ptr<ProgressBridge> progress;

    /** Whether the download ended in time. `outcome` is written only then. */
    bool wait(int64_t timeout_ms, DownloadOutcome &outcome) const {
        oss_resumable_result *result = nullptr;
        oss_resumable_error *error = nullptr;
        const auto code = oss_resumable_download_wait(handle.get(), timeout_ms, &result, &error);
        if (code == OSS_RESUMABLE_OK) {
            outcome = DownloadOutcome(Result(result));
        } else if (code != OSS_RESUMABLE_WAIT_TIMEOUT) {
            outcome = DownloadOutcome(Error(error));
        }
        if (progress) {
            progress->rethrow();
        }
        return code != OSS_RESUMABLE_WAIT_TIMEOUT;
    }
    DownloadOutcome wait() const {
        DownloadOutcome outcome{Error()};
        wait(-1, outcome);
        return outcome;
    }
};

} // namespace detail

/** A queued, running or ended download. Move-only. Destroying it cancels the download and waits for
 * its end; the checkpoint is kept. If a future of it exists, the future waits instead. */
class Download {
public:
    Download() : running_(std::make_shared<detail::RunningDownload>()) {}
    Download(Download &&other) : running_(std::move(other.running_)) {
        other.running_ = std::make_shared<detail::RunningDownload>();
    }
    Download &operator=(Download &&other) {
        std::swap(running_, other.running_);
        return *this;
    }
    ~Download() { Cancel(); }

    /** Waits for the end. */
    DownloadOutcome Wait() { return running_->wait(); }
    /** Waits for the end, at most for `timeout`. On time-out it returns false and does not write
     * `outcome`. */
    bool Wait(std::chrono::milliseconds timeout, DownloadOutcome &outcome) {
        const auto ms = static_cast<int64_t>(timeout.count());
        return running_->wait(ms < 0 ? 0 : ms, outcome);
    }
    /** A future of the outcome. A separate thread waits for the end, and the progress handlers run
     * on it. Destroying the future waits for that thread, so cancel or destroy the download
     * first. */
    std::future<DownloadOutcome> Future() {
        const auto running = running_;
        return std::async(std::launch::async, [running] { return running->wait(); });
    }
    /** The current status; all zero when this object holds no download. */
    Status GetStatus() const {
        oss_resumable_status status = OSS_RESUMABLE_STATUS_INIT;
        oss_resumable_download_status(running_->handle.get(), &status);
        return status;
    }
    /** Sets the bandwidth limit of the download in bytes per second, over all its connections, from
     * now on; 0: no limit. */
    void SetBandwidth(uint64_t bytesPerSecond) {
        oss_resumable_download_set_bandwidth(running_->handle.get(), bytesPerSecond);
    }
    /** Pauses the download until Resume() is called; returns immediately. The phase becomes
     * `OSS_RESUMABLE_PHASE_PAUSED` when its connections are closed and what they brought is
     * recorded, within a second. oss_resumable_download_pause() describes what a pause does. */
    void Pause() { oss_resumable_download_pause(running_->handle.get()); }
    /** Lets the download go on at its byte, unless its client is paused. */
    void Resume() { oss_resumable_download_resume(running_->handle.get()); }
    /** Changes the priority of the download, which counts while it is queued. */
    void SetPriority(int32_t priority) {
        oss_resumable_download_set_priority(running_->handle.get(), priority);
    }
    /** Cancels the download; returns immediately. */
    void Cancel() { oss_resumable_download_cancel(running_->handle.get()); }

private:
    friend class Client;

    std::shared_ptr<detail::RunningDownload> running_;
};

/** A client of the service. Move-only and thread-safe; create one and share it. Destroying it
 * cancels its downloads. */
class Client {
public:
    /** Uses the credentials of the environment, unless the configuration sets others. */
    explicit Client(const std::string &endpoint,
                    const ClientConfiguration &configuration = ClientConfiguration()) {
        open(endpoint.c_str(), nullptr, configuration);
    }
    /** Uses fixed credentials; `securityToken` may be empty. */
    Client(const std::string &endpoint, const std::string &accessKeyId,
           const std::string &accessKeySecret, const std::string &securityToken,
           const ClientConfiguration &configuration = ClientConfiguration()) {
        const Credentials key{accessKeyId, accessKeySecret, securityToken, 0};
        open(endpoint.c_str(), &key, configuration);
    }
    /** A client that only downloads from URLs; it has no endpoint. */
    static Client ForUrls(const ClientConfiguration &configuration = ClientConfiguration()) {
        Client client;
        client.open(nullptr, nullptr, configuration);
        return client;
    }

    /** Whether the client was created. If not, its downloads fail with error(). */
    bool isValid() const { return handle_ != nullptr; }
    const Error &error() const { return error_; }

    /** Replaces the region for requests signed from now on. The returned error is set on
     * failure. */
    Error SetRegion(const std::string &region) {
        oss_resumable_error *error = nullptr;
        oss_resumable_client_set_region(handle_.get(), region.c_str(), &error);
        return Error(error);
    }
    /** Replaces the credentials for requests signed from now on. The returned error is set on
     * failure. */
    Error SetCredentials(const Credentials &key) {
        oss_resumable_error *error = nullptr;
        oss_resumable_client_set_credentials(handle_.get(), key.accessKeyId.c_str(),
                                             key.accessKeySecret.c_str(),
                                             detail::optional(key.securityToken), &error);
        return Error(error);
    }

    /** Sets the bandwidth limit in bytes per second, over all downloads of the client, from now on;
     * 0: no limit. */
    Error SetBandwidth(uint64_t bytesPerSecond) {
        oss_resumable_error *error = nullptr;
        oss_resumable_client_set_bandwidth(handle_.get(), bytesPerSecond, &error);
        return Error(error);
    }
    /** Pauses the downloads of the client, and those that are started from now on, until Resume()
     * is called; returns immediately. A download runs when neither it nor its client is paused. No
     * queued download starts meanwhile. */
    Error Pause() {
        oss_resumable_error *error = nullptr;
        oss_resumable_client_pause(handle_.get(), &error);
        return Error(error);
    }
    /** Ends Pause(). Downloads that have been paused individually stay paused. */
    Error Resume() {
        oss_resumable_error *error = nullptr;
        oss_resumable_client_resume(handle_.get(), &error);
        return Error(error);
    }
    /** Sets the largest number of requests in flight, over all downloads of the client, from now
     * on; 0: the default. */
    Error SetMaxConnections(uint32_t connections) {
        oss_resumable_error *error = nullptr;
        oss_resumable_client_set_max_connections(handle_.get(), connections, &error);
        return Error(error);
    }
    /** Ends running and queued downloads with `ClientError:100002`, keeping their checkpoints, and
     * refuses new ones until EnableRequest() is called. Listings end in the same way when they need
     * a page. */
    Error DisableRequest() {
        oss_resumable_error *error = nullptr;
        oss_resumable_client_disable_requests(handle_.get(), &error);
        return Error(error);
    }
    Error EnableRequest() {
        oss_resumable_error *error = nullptr;
        oss_resumable_client_enable_requests(handle_.get(), &error);
        return Error(error);
    }

    /** Downloads an object and blocks until the end: resumes an earlier run if possible, verifies
     * the file and renames it to its target. */
    DownloadOutcome ResumableDownloadObject(const DownloadObjectRequest &request) {
        const Error refused = refusal(request);
        if (refused.isSet()) {
            return DownloadOutcome(refused);
        }
        oss_resumable_result *result = nullptr;
        oss_resumable_error *error = nullptr;
        detail::CRequest c(request);
        const auto code = oss_resumable_download_object(handle_.get(), c.get(), &result, &error);
        DownloadOutcome outcome = code == OSS_RESUMABLE_OK ? DownloadOutcome(Result(result))
                                                           : DownloadOutcome(Error(error));
        if (c.progress()) {
            c.progress()->rethrow();
        }
        return outcome;
    }

    /** Starts the same download and returns immediately. It is queued if `maxActiveDownloads` of
     * the configuration run already. */
    Outcome<Download> StartDownload(const DownloadObjectRequest &request) {
        const Error refused = refusal(request);
        if (refused.isSet()) {
            return Outcome<Download>(refused);
        }
        oss_resumable_download *handle = nullptr;
        oss_resumable_error *error = nullptr;
        detail::CRequest c(request);
        if (oss_resumable_download_start(handle_.get(), c.get(), &handle, &error) !=
            OSS_RESUMABLE_OK) {
            return Outcome<Download>(Error(error));
        }
        Download download;
        download.running_->handle.reset(handle);
        download.running_->progress = c.progress();
        return Outcome<Download>(std::move(download));
    }

    /** Starts to list the objects of a bucket, with ListObjectsV2. Sends nothing until the first
     * entry is asked for. If the request is not valid, the listing has an error and no entries. */
    Listing ListObjects(const ListObjectsRequest &request) {
        return isValid() ? detail::list(handle_.get(), request) : Listing(error_);
    }

    /** Downloads every object whose key has a prefix into a directory, and blocks until the end.
     * See oss_resumable_download_prefix(). */
    PrefixOutcome DownloadPrefix(const DownloadPrefixRequest &request) {
        auto started = StartPrefix(request);
        return started.isSuccess() ? started.result().Wait() : PrefixOutcome(started.error());
    }

    /** Starts the same download and returns with a handle to it. */
    Outcome<PrefixDownload> StartPrefix(const DownloadPrefixRequest &request) {
        return isValid() ? detail::startPrefix(handle_.get(), request)
                         : Outcome<PrefixDownload>(error_);
    }

    /** Reads the checkpoint of the download that a request describes; sends nothing. */
    Outcome<Checkpoint> InspectCheckpoint(const DownloadObjectRequest &request) {
        const Error refused = refusal(request);
        if (refused.isSet()) {
            return Outcome<Checkpoint>(refused);
        }
        oss_resumable_checkpoint *checkpoint = nullptr;
        oss_resumable_error *error = nullptr;
        const auto code = oss_resumable_checkpoint_inspect(
            handle_.get(), detail::CRequest(request).get(), &checkpoint, &error);
        return code == OSS_RESUMABLE_OK ? Outcome<Checkpoint>(Checkpoint(checkpoint))
                                        : Outcome<Checkpoint>(Error(error));
    }

    /** Removes the checkpoint of the download that a request describes, and its temporary file.
     * Reports whether there was one. */
    Outcome<bool> DiscardCheckpoint(const DownloadObjectRequest &request) {
        const Error refused = refusal(request);
        if (refused.isSet()) {
            return Outcome<bool>(refused);
        }
        int32_t discarded = 0;
        oss_resumable_error *error = nullptr;
        const auto code = oss_resumable_checkpoint_discard(
            handle_.get(), detail::CRequest(request).get(), &discarded, &error);
        return code == OSS_RESUMABLE_OK ? Outcome<bool>(discarded != 0)
                                        : Outcome<bool>(Error(error));
    }

private:
    struct Free {
        void operator()(oss_resumable_client *handle) const { oss_resumable_client_free(handle); }
    };

    Error refusal(const DownloadObjectRequest &request) const {
        const std::string problem = request.refusal();
        return isValid() && !problem.empty() ? Error::validation(problem) : error_;
    }

    Client() = default;

    void open(const char *endpoint, const Credentials *key,
              const ClientConfiguration &configuration) {
        const detail::COptions c(endpoint, key, configuration);
        oss_resumable_client *handle = nullptr;
        oss_resumable_error *error = nullptr;
        oss_resumable_client_new(c.get(), &handle, &error);
        handle_.reset(handle);
        error_ = Error(error);
    }

    std::unique_ptr<oss_resumable_client, Free> handle_;
    Error error_;
};

} // namespace oss_resumable

#endif /* OSS_RESUMABLE_HPP */
