/**
 * @file oss_resumable.hpp
 * @brief C++11 over oss_resumable.h, header-only. Works without exceptions and without RTTI.
 *
 * Requests and outcomes have the names of the OSS C++ SDK:
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
 * Fields, defaults and threads are those of oss_resumable.h, which is the manual. An exception that
 * a progress handler throws cancels the download and leaves the call the handler ran in; the other
 * callbacks run on threads of the library, where an exception counts as no answer.
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
#include "detail.hpp"
#include "oss_resumable.h"
#include "outcome.hpp"
#include "request.hpp"

namespace oss_resumable {

namespace detail {

/** A download's handle and its progress handlers; the waiting threads share it. */
struct RunningDownload {
    struct Free {
        void operator()(oss_resumable_download *download) const {
            oss_resumable_download_free(download);
        }
    };
    std::unique_ptr<oss_resumable_download, Free> handle;
    std::shared_ptr<ProgressBridge> progress;

    /** Whether the download ended in time; only then `outcome` is touched. */
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

/** A running or ended download. Move-only; destroying it cancels, waits for the end, and keeps the
 * checkpoint. Where a future of it is left, that one waits. */
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
    /** Waits for the end, or for `timeout`: then false, with `outcome` untouched. */
    bool Wait(std::chrono::milliseconds timeout, DownloadOutcome &outcome) {
        const auto ms = static_cast<int64_t>(timeout.count());
        return running_->wait(ms < 0 ? 0 : ms, outcome);
    }
    /** The end, waited for by a thread of its own, on which the progress handlers run. Destroying
     * the future waits for that thread: cancel the download, or destroy it, first. */
    std::future<DownloadOutcome> Future() {
        const auto running = running_;
        return std::async(std::launch::async, [running] { return running->wait(); });
    }
    /** A snapshot; all zero when this object holds no download. */
    Status GetStatus() const {
        oss_resumable_status status = OSS_RESUMABLE_STATUS_INIT;
        oss_resumable_download_status(running_->handle.get(), &status);
        return status;
    }
    /** Limits the download from now on, over all its connections; 0 is no limit. */
    void SetBandwidth(uint64_t bytesPerSecond) {
        oss_resumable_download_set_bandwidth(running_->handle.get(), bytesPerSecond);
    }
    /** Asks the download to end; returns at once. */
    void Cancel() { oss_resumable_download_cancel(running_->handle.get()); }

private:
    friend class Client;

    std::shared_ptr<detail::RunningDownload> running_;
};

/** A client of the service: move-only, thread-safe, to be shared. Destroying it cancels its
 * downloads. */
class Client {
public:
    /** Credentials from the environment, unless the configuration says otherwise. */
    explicit Client(const std::string &endpoint,
                    const ClientConfiguration &configuration = ClientConfiguration()) {
        open(endpoint, nullptr, configuration);
    }
    /** Credentials that do not change; `securityToken` may be empty. */
    Client(const std::string &endpoint, const std::string &accessKeyId,
           const std::string &accessKeySecret, const std::string &securityToken,
           const ClientConfiguration &configuration = ClientConfiguration()) {
        const Credentials key{accessKeyId, accessKeySecret, securityToken, 0};
        open(endpoint, &key, configuration);
    }

    /** Whether the client could be made; downloads of one that could not fail with error(). */
    bool isValid() const { return handle_ != nullptr; }
    const Error &error() const { return error_; }

    /** Signs for another region from now on. The error returned is set when it was refused. */
    Error SetRegion(const std::string &region) {
        oss_resumable_error *error = nullptr;
        oss_resumable_client_set_region(handle_.get(), region.c_str(), &error);
        return Error(error);
    }
    /** Signs with other credentials from now on. The error returned is set when they were refused.
     */
    Error SetCredentials(const Credentials &key) {
        oss_resumable_error *error = nullptr;
        oss_resumable_client_set_credentials(handle_.get(), key.accessKeyId.c_str(),
                                             key.accessKeySecret.c_str(),
                                             detail::optional(key.securityToken), &error);
        return Error(error);
    }

    /** Limits all downloads together from now on; 0 is no limit. */
    Error SetBandwidth(uint64_t bytesPerSecond) {
        oss_resumable_error *error = nullptr;
        oss_resumable_client_set_bandwidth(handle_.get(), bytesPerSecond, &error);
        return Error(error);
    }
    /** Ends running downloads with `ClientError:100002`, their checkpoints kept, and refuses later
     * ones until EnableRequest(). */
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

    /** Downloads, blocking: resumes if it can, proves the bytes, and puts the file in its place. */
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

    /** Starts the same job and returns at once. */
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

    /** Tells what the checkpoint of a request says; sends nothing. */
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

    /** Removes the checkpoint of a request and its temporary file; the result says whether there
     * was one. */
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

    void open(const std::string &endpoint, const Credentials *key,
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
