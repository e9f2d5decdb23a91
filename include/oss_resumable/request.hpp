/**
 * @file request.hpp
 * @brief Download requests. Include oss_resumable.hpp instead.
 */
#ifndef OSS_RESUMABLE_REQUEST_HPP
#define OSS_RESUMABLE_REQUEST_HPP

#include <cstddef>
#include <cstdint>
#include <exception>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

#include "detail.hpp"
#include "event_queue.hpp"
#include "oss_resumable.h"
#include "url_provider.hpp"

namespace oss_resumable {

/** The status of a download at one moment. */
using Status = oss_resumable_status;

/** Reports the progress of a download; returns false to cancel it. Runs on the thread that waits
 * for the download. */
using ProgressHandler = std::function<bool(const Status &)>;

/** The progress handler of the OSS C++ SDK, which receives the bytes since the last call, the bytes
 * so far and the total. Not called while the total is unknown. */
using TransferProgressHandler =
    std::function<void(size_t increment, int64_t transferred, int64_t total, void *userData)>;
struct TransferProgress {
    TransferProgressHandler Handler;
    void *UserData;
};

/** How the bytes of a file get to the disk; see ::OSS_RESUMABLE_WRITE_MODE_AUTO and the constants
 * after it. */
enum class WriteMode : int32_t {
    /** Directly if the object is large beside the available memory, else buffered. */
    Auto = OSS_RESUMABLE_WRITE_MODE_AUTO,
    /** Through the page cache. */
    Buffered = OSS_RESUMABLE_WRITE_MODE_BUFFERED,
    /** Past the page cache, where the file system supports that. */
    Direct = OSS_RESUMABLE_WRITE_MODE_DIRECT
};

/** What happens to an existing file; see ::OSS_RESUMABLE_OVERWRITE_REPLACE and the constants after
 * it. */
enum class OverwritePolicy : int32_t {
    /** It is replaced once the new file is complete and verified. */
    Replace = OSS_RESUMABLE_OVERWRITE_REPLACE,
    /** It stays, and the download fails with `FileAlreadyExists`. */
    Fail = OSS_RESUMABLE_OVERWRITE_FAIL,
    /** It is read first, and success without a byte fetched if it has the object's CRC-64. */
    IfDifferent = OSS_RESUMABLE_OVERWRITE_IF_DIFFERENT
};

/** What happens if another run downloads to the same file. */
enum class BusyPolicy : int32_t {
    /** The download fails with `Busy`. */
    Fail = OSS_RESUMABLE_BUSY_FAIL,
    /** It waits, then continues from what the other run has left; see ::OSS_RESUMABLE_BUSY_WAIT. */
    Wait = OSS_RESUMABLE_BUSY_WAIT
};

enum class RequestPayer { NotSet, BucketOwner, Requester };
/** The order in which the bytes of an object are fetched. */
enum class FetchOrder {
    /** The connections divide the object among themselves: fewest requests. */
    Default,
    /** From the start, for a program that reads the file while it grows; see
     * OSS_RESUMABLE_ORDER_SEQUENTIAL. */
    Sequential
};
enum class RequestResponseHeader {
    ContentType,
    ContentLanguage,
    Expires,
    CacheControl,
    ContentDisposition,
    ContentEncoding
};

namespace detail {

/** Connects a request's progress handlers to the C callback. */
class ProgressBridge {
public:
    ProgressBridge(const ProgressHandler &handler, const TransferProgress &transfer)
        : handler_(handler), transfer_(transfer) {}

    static int32_t show(const Status *status, void *data) {
        return (*static_cast<std::shared_ptr<ProgressBridge> *>(data))->show(*status) ? 0 : 1;
    }
    static void release(void *data) { delete static_cast<std::shared_ptr<ProgressBridge> *>(data); }
    /** Rethrows the exception of a handler, once. */
    void rethrow() {
        std::exception_ptr thrown;
        {
            std::lock_guard<std::mutex> lock(mutex_);
            std::swap(thrown, thrown_);
        }
        detail::rethrow(thrown);
    }

private:
    bool show(const Status &status) {
        std::exception_ptr thrown;
        const bool goOn = contained(false, thrown, [this, &status] {
            showTransfer(status);
            return !handler_ || handler_(status);
        });
        if (thrown) {
            std::lock_guard<std::mutex> lock(mutex_);
            thrown_ = thrown;
        }
        return goOn;
    }
    void showTransfer(const Status &status) {
        if (!transfer_.Handler || status.bytes_total < 0) {
            return;
        }
        const auto done = static_cast<int64_t>(status.bytes_done);
        const auto increment = done > shown_ ? static_cast<size_t>(done - shown_) : 0;
        shown_ = done;
        transfer_.Handler(increment, done, status.bytes_total, transfer_.UserData);
    }

    ProgressHandler handler_;
    TransferProgress transfer_;
    int64_t shown_ = 0;
    /** Several threads may wait for one download. */
    std::mutex mutex_;
    std::exception_ptr thrown_;
};

/** The text of an expected digest, once one is set. */
struct ExpectedDigest {
    void set(const std::string &value) {
        text = value;
        isSet = true;
    }
    const char *get() const { return isSet ? text.c_str() : nullptr; }

    std::string text;
    bool isSet = false;
};

class CRequest;

} // namespace detail

/** Names the object to download and the file to write; has the constructors and setters of the OSS
 * C++ SDK. Copyable. */
class DownloadObjectRequest {
public:
    /** The target file is named after the last segment of `key`, in the current directory. */
    DownloadObjectRequest(const std::string &bucket, const std::string &key)
        : bucket_(bucket), key_(key) {}
    DownloadObjectRequest(const std::string &bucket, const std::string &key,
                          const std::string &filePath)
        : bucket_(bucket), key_(key), filePath_(filePath) {}
    DownloadObjectRequest(const std::string &bucket, const std::string &key,
                          const std::string &filePath, const std::string &checkpointDir)
        : bucket_(bucket), key_(key), filePath_(filePath), checkpointDir_(checkpointDir) {}
    /** A `threadNum` of 0 becomes 1 here. setThreadNum() keeps 0, and the download is rejected. */
    DownloadObjectRequest(const std::string &bucket, const std::string &key,
                          const std::string &filePath, const std::string &checkpointDir,
                          uint64_t partSize, uint32_t threadNum)
        : bucket_(bucket), key_(key), filePath_(filePath), checkpointDir_(checkpointDir),
          partSize_(partSize), threadNum_(threadNum == 0 ? 1 : threadNum) {}

    /** Downloads the object at a URL; see `url` in oss_download_object_request. Without `filePath`
     * the file is named after the last segment of the URL's path, in the current directory. */
    static DownloadObjectRequest FromUrl(const std::string &url, const std::string &filePath = "",
                                         const std::string &checkpointDir = "") {
        DownloadObjectRequest request("", "", filePath, checkpointDir);
        request.setUrl(url);
        return request;
    }

    const std::string &Url() const { return url_; }
    /** The URL of the object, in place of bucket and key, which must be empty. */
    void setUrl(const std::string &value) { url_ = value; }
    /** Asked for a new URL when the one of the download has expired. */
    void setUrlProvider(const UrlProvider &value) { urlProvider_ = value; }
    const std::string &Bucket() const { return bucket_; }
    void setBucket(const std::string &value) { bucket_ = value; }
    const std::string &Key() const { return key_; }
    void setKey(const std::string &value) { key_ = value; }
    const std::string &FilePath() const { return filePath_; }
    /** The file that receives the bytes until the download is complete. */
    std::string TempFilePath() const { return filePath_ + ".temp"; }
    void setFilePath(const std::string &value) { filePath_ = value; }
    uint64_t PartSize() const { return partSize_; }
    void setPartSize(uint64_t bytes) { partSize_ = bytes; }
    uint32_t ThreadNum() const { return threadNum_; }
    void setThreadNum(uint32_t value) { threadNum_ = value; }
    const std::string &CheckpointDir() const { return checkpointDir_; }
    bool hasCheckpointDir() const { return !checkpointDir_.empty(); }
    /** Enables resuming; the directory must exist. */
    void setCheckpointDir(const std::string &value) { checkpointDir_ = value; }
    /** On without a directory: the checkpoint is kept beside the target. Off: there is no
     * checkpoint. */
    void setEnableCheckpoint(bool value) { enableCheckpoint_ = detail::on(value); }

    bool RangeIsSet() const { return rangeIsSet_; }
    int64_t RangeStart() const { return rangeStart_; }
    int64_t RangeEnd() const { return rangeEnd_; }
    /** Downloads bytes `start` … `end`, inclusive; an `end` of -1 is the object's end. */
    void setRange(int64_t start, int64_t end) {
        rangeIsSet_ = true;
        rangeStart_ = start;
        rangeEnd_ = end;
    }
    const std::string &ModifiedSinceConstraint() const { return modifiedSince_; }
    void setModifiedSinceConstraint(const std::string &gmt) { modifiedSince_ = gmt; }
    const std::string &UnmodifiedSinceConstraint() const { return unmodifiedSince_; }
    void setUnmodifiedSinceConstraint(const std::string &gmt) { unmodifiedSince_ = gmt; }
    const std::vector<std::string> &MatchingETagsConstraint() const { return matchingETags_; }
    void setMatchingETagConstraints(const std::vector<std::string> &etags) {
        matchingETags_ = etags;
    }
    const std::vector<std::string> &NonmatchingETagsConstraint() const { return nonmatchingETags_; }
    void setNonmatchingETagConstraints(const std::vector<std::string> &etags) {
        nonmatchingETags_ = etags;
    }
    /** Asks the service to send this header instead of the object's. */
    void addResponseHeaders(RequestResponseHeader header, const std::string &value) {
        responseHeaders_[static_cast<size_t>(header)] = value;
    }
    /** The headers set so far, as query parameters. */
    std::map<std::string, std::string> ResponseHeaderParameters() const {
        static const char *const names[] = {
            "response-content-type",  "response-content-language",    "response-expires",
            "response-cache-control", "response-content-disposition", "response-content-encoding"};
        std::map<std::string, std::string> parameters;
        for (size_t i = 0; i < 6; ++i) {
            if (!responseHeaders_[i].empty()) {
                parameters[names[i]] = responseHeaders_[i];
            }
        }
        return parameters;
    }
    const std::string &VersionId() const { return versionId_; }
    void setVersionId(const std::string &value) { versionId_ = value; }
    uint64_t TrafficLimit() const { return trafficLimit_; }
    /** Bandwidth limit that the service applies to each connection, in bits per second. */
    void setTrafficLimit(uint64_t value) { trafficLimit_ = value; }
    oss_resumable::RequestPayer RequestPayer() const { return requestPayer_; }
    void setRequestPayer(oss_resumable::RequestPayer value) { requestPayer_ = value; }
    const oss_resumable::TransferProgress &TransferProgress() const { return transferProgress_; }
    void setTransferProgress(const oss_resumable::TransferProgress &value) {
        transferProgress_ = value;
    }
    void setProgress(const ProgressHandler &value) { progress_ = value; }

    void addHeader(const std::string &name, const std::string &value) {
        extraHeaders_.emplace_back(name, value);
    }
    /** Adds a query parameter to every request. With `x-oss-process`, the object is downloaded as
     * the service processes it, in one stream that cannot be resumed; see `extra_query` in
     * oss_download_object_request. */
    void addQueryParameter(const std::string &name, const std::string &value) {
        extraQuery_.emplace_back(name, value);
    }
    /** Fail with `FileAlreadyExists` instead of replacing a file. */
    void setFailIfExists(bool value) {
        overwrite_ = value ? OverwritePolicy::Fail : OverwritePolicy::Replace;
    }
    OverwritePolicy Overwrite() const { return overwrite_; }
    /** What happens to an existing file. Default OverwritePolicy::Replace. */
    void setOverwrite(OverwritePolicy value) { overwrite_ = value; }
    BusyPolicy WhenBusy() const { return whenBusy_; }
    /** What happens if another run downloads to the same file. Default BusyPolicy::Fail. */
    void setWhenBusy(BusyPolicy value) { whenBusy_ = value; }
    void setModifiedTimeFromObject(bool value) { setModifiedTime_ = value; }
    /** Longest time for the whole download, its time in the client's queue included, in
     * milliseconds; 0: no limit. */
    void setDeadlineMs(int64_t value) { deadlineMs_ = value; }
    bool AutoConcurrency() const { return autoConcurrency_; }
    /** On: the download finds its number of connections, at most `most`; 0: 32. ThreadNum() is
     * `most` from then on. Off by default. See `auto_concurrency` of oss_download_object_request.
     */
    void setAutoConcurrency(bool value, uint32_t most = 0) {
        autoConcurrency_ = value;
        if (value) {
            threadNum_ = most;
        } else if (threadNum_ == 0) {
            threadNum_ = OSS_RESUMABLE_DEFAULT_THREAD_NUM;
        }
    }
    /** Bandwidth limit in bytes per second, over all connections; 0: no limit. */
    void setMaxBandwidth(uint64_t value) { maxBandwidth_ = value; }
    /** Of the downloads that wait because the client does not start all at once, those with a
     * higher priority start first, then those that were started first. Default 0. */
    void setPriority(int32_t value) { priority_ = value; }
    void setCheckSpace(bool value) { checkSpace_ = value; }
    void setPreallocate(bool value) { preallocate_ = value; }
    /** How the file's bytes get to the disk. Default WriteMode::Auto. */
    void setWriteMode(WriteMode value) { writeMode_ = value; }
    /** Off: a power failure after success may lose the file. */
    void setFlush(bool value) { flush_ = value; }
    void setVerifyBeforeRename(bool value) { verifyBeforeRename_ = value; }
    void setAllowEncrypted(bool value) { allowEncrypted_ = value; }
    /** SHA-256 that the file must have, or else the download fails with `DigestMismatch`: in
     * hexadecimal digits or base64, see `expected_sha256` of oss_download_object_request. An empty
     * text is refused: a digest that got lost does not switch the comparison off. */
    void setExpectedSha256(const std::string &value) { expectedSha256_.set(value); }
    /** MD5 that the file must have: in hexadecimal digits or base64, as setExpectedSha256(). */
    void setExpectedMd5(const std::string &value) { expectedMd5_.set(value); }
    /** CRC-64 that the file must have: a decimal number, or `0x` and hexadecimal digits. */
    void setExpectedCrc64(const std::string &value) { expectedCrc64_.set(value); }
    void setExpectedCrc64(uint64_t value) { expectedCrc64_.set(std::to_string(value)); }
    FetchOrder Order() const { return order_; }
    /** The order in which the bytes are fetched. */
    void setOrder(FetchOrder value) { order_ = value; }
    uint64_t Tag() const { return tag_; }
    /** Any number, which the events of the download and the traces of its requests carry; downloads
     * may share one. */
    void setTag(uint64_t value) { tag_ = value; }
    /** Reports the events of the download to `queue`, and sets the tag. */
    void setEventQueue(const EventQueue &queue, uint64_t tag) {
        eventQueue_ = std::make_shared<const EventQueue>(queue);
        tag_ = tag;
    }

    /** Why this header rejects the request: zeros that the C API would treat as defaults, NUL bytes
     * that it would treat as ends of strings, or an event queue that could not be created. Empty if
     * the request is accepted. */
    std::string refusal() const {
        for (const std::string *text :
             {&bucket_, &key_, &filePath_, &checkpointDir_, &versionId_, &expectedSha256_.text,
              &expectedMd5_.text, &expectedCrc64_.text, &url_}) {
            if (detail::hasNul(*text)) {
                return "a string of the request holds a NUL byte";
            }
        }
        if (threadNum_ == 0 && !autoConcurrency_) {
            return "threadNum is 0; it must be at least 1";
        }
        if (eventQueue_ && !eventQueue_->isValid()) {
            return "the event queue was not created: " + eventQueue_->error().Message();
        }
        return partSize_ == 0 ? "partSize is 0; it must be at least 102400" : "";
    }

private:
    friend class detail::CRequest;

    std::string bucket_, key_, filePath_, checkpointDir_, url_;
    UrlProvider urlProvider_;
    uint64_t partSize_ = OSS_RESUMABLE_DEFAULT_PART_SIZE;
    uint32_t threadNum_ = OSS_RESUMABLE_DEFAULT_THREAD_NUM;
    int32_t enableCheckpoint_ = OSS_RESUMABLE_DEFAULT;
    bool rangeIsSet_ = false;
    int64_t rangeStart_ = 0;
    int64_t rangeEnd_ = -1;
    std::string modifiedSince_, unmodifiedSince_;
    std::vector<std::string> matchingETags_, nonmatchingETags_;
    std::string responseHeaders_[6];
    std::string versionId_;
    uint64_t trafficLimit_ = 0;
    oss_resumable::RequestPayer requestPayer_ = oss_resumable::RequestPayer::NotSet;
    oss_resumable::TransferProgress transferProgress_ = oss_resumable::TransferProgress();
    ProgressHandler progress_;
    detail::Pairs extraHeaders_, extraQuery_;
    int64_t deadlineMs_ = 0;
    uint64_t maxBandwidth_ = 0;
    int32_t priority_ = 0;
    FetchOrder order_ = FetchOrder::Default;
    WriteMode writeMode_ = WriteMode::Auto;
    OverwritePolicy overwrite_ = OverwritePolicy::Replace;
    BusyPolicy whenBusy_ = BusyPolicy::Fail;
    bool setModifiedTime_ = false;
    bool checkSpace_ = true;
    bool preallocate_ = false;
    bool flush_ = true;
    bool verifyBeforeRename_ = false;
    bool allowEncrypted_ = false;
    bool autoConcurrency_ = false;
    detail::ExpectedDigest expectedSha256_, expectedMd5_, expectedCrc64_;
    /** NULL: no events. */
    std::shared_ptr<const EventQueue> eventQueue_;
    uint64_t tag_ = 0;
};

namespace detail {

/** The C form of a request. Borrows the strings and owns the lists until a call has copied them. */
class CRequest {
public:
    explicit CRequest(const DownloadObjectRequest &from)
        : matching_(pointers(from.matchingETags_)), nonmatching_(pointers(from.nonmatchingETags_)),
          headers_(pairs(from.extraHeaders_)), query_(pairs(from.extraQuery_)) {
        copyObject(from);
        copyConditions(from);
        copySwitches(from);
        if (from.progress_ || from.transferProgress_.Handler) {
            progress_ = std::make_shared<ProgressBridge>(from.progress_, from.transferProgress_);
            request_.progress = &ProgressBridge::show;
            request_.user_data = new std::shared_ptr<ProgressBridge>(progress_);
            request_.user_data_free = &ProgressBridge::release;
        }
        if (from.urlProvider_) {
            request_.url_provider = &provideUrl;
            request_.url_provider_user_data = new UrlProvider(from.urlProvider_);
            request_.url_provider_user_data_free = [](void *data) {
                delete static_cast<UrlProvider *>(data);
            };
        }
    }
    CRequest(const CRequest &) = delete;
    CRequest &operator=(const CRequest &) = delete;

    /** For exactly one call, which takes ownership of the progress bridge. */
    const oss_download_object_request *get() const { return &request_; }
    const std::shared_ptr<ProgressBridge> &progress() const { return progress_; }

private:
    static std::vector<const char *> pointers(const std::vector<std::string> &from) {
        std::vector<const char *> to;
        for (const std::string &text : from) {
            to.push_back(text.c_str());
        }
        return to;
    }
    static std::vector<oss_resumable_pair> pairs(const Pairs &from) {
        std::vector<oss_resumable_pair> to;
        for (const auto &pair : from) {
            to.push_back(oss_resumable_pair{pair.first.c_str(), pair.second.c_str()});
        }
        return to;
    }
    void copyObject(const DownloadObjectRequest &from) {
        request_.bucket = from.bucket_.c_str();
        request_.key = from.key_.c_str();
        request_.url = optional(from.url_);
        request_.file_path = optional(from.filePath_);
        request_.checkpoint_dir = optional(from.checkpointDir_);
        request_.part_size = from.partSize_;
        request_.thread_num = from.threadNum_;
        request_.has_range = on(from.rangeIsSet_);
        request_.range_start = from.rangeStart_;
        request_.range_end = from.rangeEnd_;
        request_.version_id = optional(from.versionId_);
        request_.traffic_limit = from.trafficLimit_;
        request_.deadline_ms = from.deadlineMs_;
        request_.max_bandwidth = from.maxBandwidth_;
        request_.event_queue = from.eventQueue_ ? from.eventQueue_->get() : nullptr;
        request_.tag = from.tag_;
        request_.order = from.order_ == FetchOrder::Sequential ? OSS_RESUMABLE_ORDER_SEQUENTIAL
                                                               : OSS_RESUMABLE_ORDER_DEFAULT;
        request_.priority = from.priority_;
        request_.expected_sha256 = from.expectedSha256_.get();
        request_.expected_md5 = from.expectedMd5_.get();
        request_.expected_crc64 = from.expectedCrc64_.get();
    }
    void copyConditions(const DownloadObjectRequest &from) {
        request_.if_match = matching_.data();
        request_.if_match_count = matching_.size();
        request_.if_none_match = nonmatching_.data();
        request_.if_none_match_count = nonmatching_.size();
        request_.if_modified_since = optional(from.modifiedSince_);
        request_.if_unmodified_since = optional(from.unmodifiedSince_);
        request_.response_content_type = optional(from.responseHeaders_[0]);
        request_.response_content_language = optional(from.responseHeaders_[1]);
        request_.response_expires = optional(from.responseHeaders_[2]);
        request_.response_cache_control = optional(from.responseHeaders_[3]);
        request_.response_content_disposition = optional(from.responseHeaders_[4]);
        request_.response_content_encoding = optional(from.responseHeaders_[5]);
        request_.extra_headers = headers_.data();
        request_.extra_headers_count = headers_.size();
        request_.extra_query = query_.data();
        request_.extra_query_count = query_.size();
    }
    void copySwitches(const DownloadObjectRequest &from) {
        request_.enable_checkpoint = from.enableCheckpoint_;
        request_.overwrite = static_cast<int32_t>(from.overwrite_);
        request_.when_busy = static_cast<int32_t>(from.whenBusy_);
        request_.requester_pays = on(from.requestPayer_ == RequestPayer::Requester);
        request_.set_modified_time = on(from.setModifiedTime_);
        request_.check_space = on(from.checkSpace_);
        request_.preallocate = on(from.preallocate_);
        request_.write_mode = static_cast<int32_t>(from.writeMode_);
        request_.flush = on(from.flush_);
        request_.verify_before_rename = on(from.verifyBeforeRename_);
        request_.allow_encrypted = on(from.allowEncrypted_);
        request_.auto_concurrency = on(from.autoConcurrency_);
    }

    std::vector<const char *> matching_, nonmatching_;
    std::vector<oss_resumable_pair> headers_, query_;
    std::shared_ptr<ProgressBridge> progress_;
    oss_download_object_request request_ = OSS_DOWNLOAD_OBJECT_REQUEST_INIT;
};

} // namespace detail

} // namespace oss_resumable

#endif /* OSS_RESUMABLE_REQUEST_HPP */
