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
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <utility>

#include "configuration.hpp"
#include "detail.hpp"
#include "oss_resumable.h"
#include "request.hpp"

namespace oss_resumable {

/** Counters of an ended download. */
using Statistics = oss_resumable_statistics;

/** Why something failed; `isSet()` is false where nothing did. A value. */
class Error {
public:
    Error() = default;
    /** Takes ownership of `error`, which may be NULL, and frees it. */
    explicit Error(oss_resumable_error *error)
        : kind_(oss_resumable_error_kind(error)), status_(oss_resumable_error_status(error)),
          errno_(oss_resumable_error_errno(error)),
          code_(detail::text(oss_resumable_error_code(error))),
          message_(detail::text(oss_resumable_error_message(error))),
          requestId_(detail::text(oss_resumable_error_request_id(error))),
          host_(detail::text(oss_resumable_error_host_id(error))),
          ec_(detail::text(oss_resumable_error_ec(error))),
          path_(detail::text(oss_resumable_error_path(error))) {
        oss_resumable_error_free(error);
    }
    /** An argument refused by this header. */
    static Error validation(const std::string &message) {
        Error error;
        error.kind_ = OSS_RESUMABLE_ERR_VALIDATION;
        error.code_ = "ValidateError";
        error.message_ = message;
        return error;
    }

    bool isSet() const { return kind_ != OSS_RESUMABLE_OK; }
    /** One of the `OSS_RESUMABLE_ERR_…` codes. */
    oss_resumable_code Kind() const { return kind_; }
    /** The service's or the SDK's name of the failure, such as `NoSuchKey`. */
    const std::string &Code() const { return code_; }
    const std::string &Message() const { return message_; }
    const std::string &RequestId() const { return requestId_; }
    const std::string &Host() const { return host_; }
    const std::string &Ec() const { return ec_; }
    /** HTTP status, or 200000 + CURLcode, or 0. */
    int64_t Status() const { return status_; }
    /** The system's error number, or 0. */
    int Errno() const { return errno_; }
    /** The local file concerned, or empty. */
    const std::string &Path() const { return path_; }

private:
    oss_resumable_code kind_ = OSS_RESUMABLE_OK;
    int64_t status_ = 0;
    int errno_ = 0;
    std::string code_, message_, requestId_, host_, ec_, path_;
};

/** What a successful download came to. Cheap to copy; strings are empty when absent. */
class Result {
public:
    Result() = default;
    /** Takes ownership of `result`. */
    explicit Result(oss_resumable_result *result) : result_(result, oss_resumable_result_free) {}

    std::string FilePath() const { return detail::text(oss_resumable_result_file_path(get())); }
    std::string ETag() const { return detail::text(oss_resumable_result_etag(get())); }
    std::string VersionId() const { return detail::text(oss_resumable_result_version_id(get())); }
    std::string LastModified() const {
        return detail::text(oss_resumable_result_last_modified(get()));
    }
    std::string RequestId() const { return detail::text(oss_resumable_result_request_id(get())); }
    /** Bytes in the file. */
    uint64_t Size() const { return oss_resumable_result_size(get()); }
    /** Bytes of the whole object. */
    uint64_t ObjectSize() const { return oss_resumable_result_object_size(get()); }
    /** CRC-64/XZ of the file. */
    uint64_t Crc64() const { return oss_resumable_result_crc64(get()); }
    /** Whether the service sent the object's CRC-64, which then is written to `crc64`. */
    bool ObjectCrc64(uint64_t &crc64) const {
        return oss_resumable_result_object_crc64(get(), &crc64) != 0;
    }
    /** One of the `OSS_RESUMABLE_PROOF_…` values. */
    int32_t Proof() const { return oss_resumable_result_proof(get()); }
    /** The value of a header of the first good reply, or empty. */
    std::string Header(const std::string &name) const {
        return detail::text(oss_resumable_result_header(get(), name.c_str()));
    }
    /** The headers of the first good reply, as sent. */
    detail::Pairs Headers() const {
        detail::Pairs headers;
        for (size_t i = 0; i < oss_resumable_result_header_count(get()); ++i) {
            headers.emplace_back(detail::text(oss_resumable_result_header_name(get(), i)),
                                 detail::text(oss_resumable_result_header_value(get(), i)));
        }
        return headers;
    }
    oss_resumable::Statistics Statistics() const {
        auto statistics = detail::sized<oss_resumable_statistics>();
        oss_resumable_result_stats(get(), &statistics);
        return statistics;
    }
    const oss_resumable_result *get() const { return result_.get(); }

private:
    std::shared_ptr<oss_resumable_result> result_;
};

/** What the checkpoint of a download says. Cheap to copy; strings are empty when absent. */
class Checkpoint {
public:
    Checkpoint() = default;
    /** Takes ownership of `checkpoint`, which is NULL when there is none. */
    explicit Checkpoint(oss_resumable_checkpoint *checkpoint)
        : checkpoint_(checkpoint, oss_resumable_checkpoint_free) {}

    /** Whether there is a checkpoint that a download would go on from. */
    bool Exists() const { return get() != nullptr; }
    std::string Path() const { return detail::text(oss_resumable_checkpoint_path(get())); }
    std::string ETag() const { return detail::text(oss_resumable_checkpoint_etag(get())); }
    std::string LastModified() const {
        return detail::text(oss_resumable_checkpoint_last_modified(get()));
    }
    uint64_t ObjectSize() const { return oss_resumable_checkpoint_object_size(get()); }
    uint64_t RangeStart() const { return oss_resumable_checkpoint_range_start(get()); }
    /** Bytes of the file when the download is done. */
    uint64_t Size() const { return oss_resumable_checkpoint_size(get()); }
    uint64_t BytesRecorded() const { return oss_resumable_checkpoint_bytes_recorded(get()); }
    const oss_resumable_checkpoint *get() const { return checkpoint_.get(); }

private:
    std::shared_ptr<oss_resumable_checkpoint> checkpoint_;
};

/** Success with a result, or a failure with an error. */
template <typename R> class Outcome {
public:
    Outcome(Error error) : error_(std::move(error)) {}
    Outcome(R result) : success_(true), result_(std::move(result)) {}

    bool isSuccess() const { return success_; }
    const Error &error() const { return error_; }
    const R &result() const { return result_; }
    R &result() { return result_; }

private:
    bool success_ = false;
    Error error_;
    R result_ = R();
};

using DownloadOutcome = Outcome<Result>;

/** A running or ended download. Move-only; destroying it cancels, waits for the end, and keeps the
 * checkpoint. */
class Download {
public:
    Download() = default;

    /** Waits for the end. */
    DownloadOutcome Wait() {
        DownloadOutcome outcome{Error()};
        wait(-1, outcome);
        return outcome;
    }
    /** Waits for the end, or for `timeout`: then false, with `outcome` untouched. */
    bool Wait(std::chrono::milliseconds timeout, DownloadOutcome &outcome) {
        const auto ms = static_cast<int64_t>(timeout.count());
        return wait(ms < 0 ? 0 : ms, outcome);
    }
    /** A snapshot; all zero when this object holds no download. */
    Status GetStatus() const {
        auto status = detail::sized<oss_resumable_status>();
        oss_resumable_download_status(handle_.get(), &status);
        return status;
    }
    /** Asks the download to end; returns at once. */
    void Cancel() { oss_resumable_download_cancel(handle_.get()); }

private:
    friend class Client;
    struct Free {
        void operator()(oss_resumable_download *handle) const {
            oss_resumable_download_free(handle);
        }
    };

    bool wait(int64_t timeout_ms, DownloadOutcome &outcome) {
        oss_resumable_result *result = nullptr;
        oss_resumable_error *error = nullptr;
        const auto code = oss_resumable_download_wait(handle_.get(), timeout_ms, &result, &error);
        if (code == OSS_RESUMABLE_OK) {
            outcome = DownloadOutcome(Result(result));
        } else if (code != OSS_RESUMABLE_WAIT_TIMEOUT) {
            outcome = DownloadOutcome(Error(error));
        }
        if (progress_) {
            progress_->rethrow();
        }
        return code != OSS_RESUMABLE_WAIT_TIMEOUT;
    }

    std::unique_ptr<oss_resumable_download, Free> handle_;
    std::shared_ptr<detail::ProgressBridge> progress_;
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
        download.handle_.reset(handle);
        download.progress_ = c.progress();
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
