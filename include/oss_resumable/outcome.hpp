/**
 * @file outcome.hpp
 * @brief Outcomes, results and errors. Include oss_resumable.hpp instead.
 */
#ifndef OSS_RESUMABLE_OUTCOME_HPP
#define OSS_RESUMABLE_OUTCOME_HPP

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <utility>

#include "detail.hpp"
#include "oss_resumable.h"

namespace oss_resumable {

/** The statistics of an ended download. */
using Statistics = oss_resumable_statistics;

/** The reason for a failure; `isSet()` is false if there was none. Copyable. */
class Error {
public:
    Error() = default;
    /** Copies `error` and frees it; it may be NULL. */
    explicit Error(oss_resumable_error *error) : Error(copyOf(error)) {
        oss_resumable_error_free(error);
    }
    /** Copies `error`, which may be NULL and belongs to another object. */
    static Error copyOf(const oss_resumable_error *error) {
        Error copy;
        copy.kind_ = oss_resumable_error_kind(error);
        copy.status_ = oss_resumable_error_status(error);
        copy.errno_ = oss_resumable_error_errno(error);
        copy.code_ = detail::text(oss_resumable_error_code(error));
        copy.message_ = detail::text(oss_resumable_error_message(error));
        copy.requestId_ = detail::text(oss_resumable_error_request_id(error));
        copy.host_ = detail::text(oss_resumable_error_host_id(error));
        copy.ec_ = detail::text(oss_resumable_error_ec(error));
        copy.path_ = detail::text(oss_resumable_error_path(error));
        copy.json_ = detail::text(oss_resumable_error_json(error));
        return copy;
    }
    /** An argument rejected by this header. */
    static Error validation(const std::string &message) {
        Error error;
        error.kind_ = OSS_RESUMABLE_ERR_VALIDATION;
        error.code_ = "ValidateError";
        error.message_ = message;
        error.json_ =
            "{\"kind\":\"validation\",\"kind_number\":100,\"code\":\"ValidateError\",\"message\":" +
            detail::quoted(message) +
            ",\"status\":0,\"request_id\":null,\"host_id\":null,\"ec\":null,\"errno\":null,"
            "\"path\":null}";
        return error;
    }

    bool isSet() const { return kind_ != OSS_RESUMABLE_OK; }
    /** One of the `OSS_RESUMABLE_ERR_…` codes. */
    oss_resumable_code Kind() const { return kind_; }
    /** The error code of the service or of the OSS C++ SDK, such as `NoSuchKey`. */
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
    /** The error as one JSON object; see oss_resumable_error_json(). Empty if no error is set. */
    const std::string &Json() const { return json_; }

private:
    oss_resumable_code kind_ = OSS_RESUMABLE_OK;
    int64_t status_ = 0;
    int errno_ = 0;
    std::string code_, message_, requestId_, host_, ec_, path_, json_;
};

/** The result of a successful download. Cheap to copy; absent strings are empty. */
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
    /** Size of the file in bytes. */
    uint64_t Size() const { return oss_resumable_result_size(get()); }
    /** Size of the whole object in bytes. */
    uint64_t ObjectSize() const { return oss_resumable_result_object_size(get()); }
    /** CRC-64/XZ of the bytes that were downloaded, as the service has them: the file's, unless
     * they were decrypted. */
    uint64_t Crc64() const { return oss_resumable_result_crc64(get()); }
    /** Whether the service sent the object's CRC-64; if so, it is written to `crc64`. */
    bool ObjectCrc64(uint64_t &crc64) const {
        return oss_resumable_result_object_crc64(get(), &crc64) != 0;
    }
    /** One of the `OSS_RESUMABLE_PROOF_…` values. */
    int32_t Proof() const { return oss_resumable_result_proof(get()); }
    /** The value of a header of the first successful reply, or an empty string. */
    std::string Header(const std::string &name) const {
        return detail::text(oss_resumable_result_header(get(), name.c_str()));
    }
    /** The headers of the first successful reply, as sent. */
    detail::Pairs Headers() const {
        detail::Pairs headers;
        for (size_t i = 0; i < oss_resumable_result_header_count(get()); ++i) {
            headers.emplace_back(detail::text(oss_resumable_result_header_name(get(), i)),
                                 detail::text(oss_resumable_result_header_value(get(), i)));
        }
        return headers;
    }
    oss_resumable::Statistics Statistics() const {
        oss_resumable_statistics statistics = OSS_RESUMABLE_STATISTICS_INIT;
        oss_resumable_result_stats(get(), &statistics);
        return statistics;
    }
    /** The result and its statistics as one JSON object; see oss_resumable_result_json(). */
    std::string Json() const { return detail::text(oss_resumable_result_json(get())); }
    const oss_resumable_result *get() const { return result_.get(); }

private:
    std::shared_ptr<oss_resumable_result> result_;
};

/** The contents of a download's checkpoint. Cheap to copy; absent strings are empty. */
class Checkpoint {
public:
    Checkpoint() = default;
    /** Takes ownership of `checkpoint`, which is NULL when there is none. */
    explicit Checkpoint(oss_resumable_checkpoint *checkpoint)
        : checkpoint_(checkpoint, oss_resumable_checkpoint_free) {}

    /** Whether there is a checkpoint from which a download would resume. */
    bool Exists() const { return get() != nullptr; }
    std::string Path() const { return detail::text(oss_resumable_checkpoint_path(get())); }
    /** Bucket and key of the object; empty if the download is from a URL. */
    std::string Bucket() const { return detail::text(oss_resumable_checkpoint_bucket(get())); }
    std::string Key() const { return detail::text(oss_resumable_checkpoint_key(get())); }
    std::string VersionId() const {
        return detail::text(oss_resumable_checkpoint_version_id(get()));
    }
    /** URL of the object without its query; empty if bucket and key name it. */
    std::string Url() const { return detail::text(oss_resumable_checkpoint_url(get())); }
    /** Absolute path of the file that the download is to create. */
    std::string FilePath() const { return detail::text(oss_resumable_checkpoint_file_path(get())); }
    std::string ETag() const { return detail::text(oss_resumable_checkpoint_etag(get())); }
    std::string LastModified() const {
        return detail::text(oss_resumable_checkpoint_last_modified(get()));
    }
    uint64_t ObjectSize() const { return oss_resumable_checkpoint_object_size(get()); }
    uint64_t RangeStart() const { return oss_resumable_checkpoint_range_start(get()); }
    /** Size of the finished file in bytes. */
    uint64_t Size() const { return oss_resumable_checkpoint_size(get()); }
    uint64_t BytesRecorded() const { return oss_resumable_checkpoint_bytes_recorded(get()); }
    const oss_resumable_checkpoint *get() const { return checkpoint_.get(); }

private:
    std::shared_ptr<oss_resumable_checkpoint> checkpoint_;
};

/** Either a result or an error. */
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

} // namespace oss_resumable

#endif /* OSS_RESUMABLE_OUTCOME_HPP */
