/**
 * @file prefix.hpp
 * @brief Prefix downloads. Include oss_resumable.hpp instead.
 */
#ifndef OSS_RESUMABLE_PREFIX_HPP
#define OSS_RESUMABLE_PREFIX_HPP

#include <chrono>
#include <cstdint>
#include <memory>
#include <string>
#include <utility>

#include "detail.hpp"
#include "event_queue.hpp"
#include "oss_resumable.h"
#include "outcome.hpp"
#include "request.hpp"

namespace oss_resumable {

/** Says which objects are downloaded, and where to. Copyable. Fields and defaults are those of
 * ::oss_resumable_prefix_request. */
class DownloadPrefixRequest {
public:
    DownloadPrefixRequest(const std::string &bucket, const std::string &prefix,
                          const std::string &directory)
        : bucket_(bucket), prefix_(prefix), directory_(directory) {}

    const std::string &Bucket() const { return bucket_; }
    const std::string &Prefix() const { return prefix_; }
    const std::string &Directory() const { return directory_; }
    /** Directory of the manifest; empty: `.oss-resumable` in the directory. */
    const std::string &ManifestDir() const { return manifestDir_; }
    void setManifestDir(const std::string &directory) { manifestDir_ = directory; }
    /** Only keys behind this one; empty: from the first one. */
    const std::string &StartAfter() const { return startAfter_; }
    void setStartAfter(const std::string &key) { startAfter_ = key; }
    /** Read every file that is there already, and compare it. */
    bool Verify() const { return verify_; }
    void setVerify(bool verify) { verify_ = verify; }
    /** Longest time for everything in milliseconds; 0: no limit. */
    int64_t DeadlineMs() const { return deadlineMs_; }
    void setDeadlineMs(int64_t milliseconds) { deadlineMs_ = milliseconds; }
    /** How each object is downloaded: change its part size, for example.
     * ::oss_resumable_prefix_request says what must not be set here. */
    DownloadObjectRequest &Objects() { return objects_; }
    const DownloadObjectRequest &Objects() const { return objects_; }
    /** The number that the events of the prefix download carry. */
    uint64_t Tag() const { return tag_; }
    /** Reports the events of the prefix download to `queue`, and sets the tag.
     * ::oss_resumable_event says what they contain. */
    void setEventQueue(const EventQueue &queue, uint64_t tag) {
        eventQueue_ = std::make_shared<const EventQueue>(queue);
        tag_ = tag;
    }
    /** The queue that takes the events, or NULL. */
    const EventQueue *Events() const { return eventQueue_.get(); }

private:
    std::string bucket_, prefix_, directory_, manifestDir_, startAfter_;
    bool verify_ = false;
    int64_t deadlineMs_ = 0;
    std::shared_ptr<const EventQueue> eventQueue_;
    uint64_t tag_ = 0;
    DownloadObjectRequest objects_ = DownloadObjectRequest("", "");
};

/** One object of a prefix download, and what became of it. */
struct PrefixObject {
    /** One of the `OSS_RESUMABLE_OBJECT_…` values. */
    int32_t Result = 0;
    std::string Key;
    /** Absolute path; empty if the object failed because of its key. */
    std::string Path;
    /** Size of the file in bytes; of an object that has failed, that of the listing. */
    uint64_t Size = 0;
    /** Why the object failed; not set otherwise. */
    Error Failure;
};

using PrefixCounts = oss_resumable_prefix_counts;
using PrefixStatus = oss_resumable_prefix_status;

/** What became of the objects of a prefix download. Cheap to copy. */
class PrefixResult {
public:
    PrefixResult() = default;
    /** Takes ownership of `result`. */
    explicit PrefixResult(oss_resumable_prefix_result *result)
        : result_(result, oss_resumable_prefix_result_free) {}

    std::string Directory() const {
        return detail::text(oss_resumable_prefix_result_directory(get()));
    }
    PrefixCounts Counts() const {
        PrefixCounts counts = OSS_RESUMABLE_PREFIX_COUNTS_INIT;
        oss_resumable_prefix_result_counts(get(), &counts);
        return counts;
    }
    /** Reads the object at `index`, in the order of the keys' bytes; false behind the last one. Not
     * for several threads at the same time. */
    bool Object(uint64_t index, PrefixObject &object) const {
        oss_resumable_prefix_object c = OSS_RESUMABLE_PREFIX_OBJECT_INIT;
        if (oss_resumable_prefix_result_object(get(), index, &c) != OSS_RESUMABLE_OK) {
            return false;
        }
        object.Result = c.result;
        object.Key = detail::text(c.key);
        object.Path = detail::text(c.path);
        object.Size = c.size;
        object.Failure = c.error ? Error::copyOf(c.error) : Error();
        return true;
    }
    const oss_resumable_prefix_result *get() const { return result_.get(); }

private:
    std::shared_ptr<oss_resumable_prefix_result> result_;
};

/** The end of a prefix download. */
class PrefixOutcome {
public:
    PrefixOutcome() = default;
    /** The download has failed as a whole. */
    explicit PrefixOutcome(Error error) : error_(std::move(error)) {}
    /** The download has ended. */
    explicit PrefixOutcome(PrefixResult result) : result_(std::move(result)) {
        PrefixObject object;
        const bool isComplete = result_.Counts().failed == 0;
        for (uint64_t i = 0; !isComplete && !error_.isSet() && result_.Object(i, object); ++i) {
            error_ = object.Failure;
        }
    }

    /** Whether every object is there. */
    bool isSuccess() const { return hasResult() && !error_.isSet(); }
    /** Why the download failed as a whole, or the first object that did; not set on success. */
    const Error &error() const { return error_; }
    /** Whether the download has not failed as a whole: the result tells what became of each object.
     */
    bool hasResult() const { return result_.get() != nullptr; }
    const PrefixResult &result() const { return result_; }

private:
    Error error_;
    PrefixResult result_;
};

/** A running or ended prefix download. Move-only; destroying it cancels the download and waits for
 * its end. Thread-safe. It may outlive its client. */
class PrefixDownload {
public:
    PrefixDownload() = default;
    /** Takes ownership of `download`. */
    explicit PrefixDownload(oss_resumable_prefix_download *download) : handle_(download) {}

    /** Waits for the end. */
    PrefixOutcome Wait() {
        PrefixOutcome outcome;
        wait(-1, outcome);
        return outcome;
    }
    /** Waits for the end, at most for `timeout`. On time-out it returns false and does not write
     * `outcome`. */
    bool Wait(std::chrono::milliseconds timeout, PrefixOutcome &outcome) {
        const auto ms = static_cast<int64_t>(timeout.count());
        return wait(ms < 0 ? 0 : ms, outcome);
    }
    /** The current status; all zero when this object holds no download. */
    PrefixStatus GetStatus() const {
        PrefixStatus status = OSS_RESUMABLE_PREFIX_STATUS_INIT;
        oss_resumable_prefix_download_status(handle_.get(), &status);
        return status;
    }
    /** Pauses the downloads of all objects until Resume() is called; returns immediately. */
    void Pause() { oss_resumable_prefix_download_pause(handle_.get()); }
    void Resume() { oss_resumable_prefix_download_resume(handle_.get()); }
    /** Cancels the download; returns immediately. */
    void Cancel() { oss_resumable_prefix_download_cancel(handle_.get()); }
    oss_resumable_prefix_download *get() const { return handle_.get(); }

private:
    struct Free {
        void operator()(oss_resumable_prefix_download *download) const {
            oss_resumable_prefix_download_free(download);
        }
    };

    bool wait(int64_t ms, PrefixOutcome &outcome) {
        oss_resumable_prefix_result *result = nullptr;
        oss_resumable_error *error = nullptr;
        const auto code = oss_resumable_prefix_download_wait(handle_.get(), ms, &result, &error);
        if (code == OSS_RESUMABLE_WAIT_TIMEOUT) {
            return false;
        }
        outcome = result ? PrefixOutcome(PrefixResult(result)) : PrefixOutcome(Error(error));
        return true;
    }

    std::unique_ptr<oss_resumable_prefix_download, Free> handle_;
};

namespace detail {

/** Starts a prefix download with a client, which may be NULL. */
inline Outcome<PrefixDownload> startPrefix(oss_resumable_client *client,
                                           const DownloadPrefixRequest &from) {
    for (const std::string *text : {&from.Bucket(), &from.Prefix(), &from.Directory(),
                                    &from.ManifestDir(), &from.StartAfter()}) {
        if (hasNul(*text)) {
            return Error::validation("a text of the request contains a NUL byte");
        }
    }
    const std::string problem = from.Objects().refusal();
    if (!problem.empty()) {
        return Error::validation(problem);
    }
    if (from.Events() && !from.Events()->isValid()) {
        return Error::validation("the event queue was not created: " +
                                 from.Events()->error().Message());
    }
    CRequest objects(from.Objects());
    oss_resumable_prefix_request request = OSS_RESUMABLE_PREFIX_REQUEST_INIT;
    request.bucket = from.Bucket().c_str();
    request.prefix = optional(from.Prefix());
    request.directory = from.Directory().c_str();
    request.manifest_dir = optional(from.ManifestDir());
    request.start_after = optional(from.StartAfter());
    request.objects = objects.get();
    request.verify = on(from.Verify());
    request.deadline_ms = from.DeadlineMs();
    request.event_queue = from.Events() ? from.Events()->get() : nullptr;
    request.tag = from.Tag();
    oss_resumable_prefix_download *download = nullptr;
    oss_resumable_error *error = nullptr;
    const auto code = oss_resumable_prefix_download_start(client, &request, &download, &error);
    if (code != OSS_RESUMABLE_OK) {
        return Error(error);
    }
    return PrefixDownload(download);
}

} // namespace detail

} // namespace oss_resumable

#endif /* OSS_RESUMABLE_PREFIX_HPP */
