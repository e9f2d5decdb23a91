/**
 * @file sdk_v2_request.hpp
 * @brief The options of a download, and the request of the OSS C++ SDK v2. Include
 * oss_resumable_sdk_v2.hpp instead.
 */
#ifndef OSS_RESUMABLE_SDK_V2_REQUEST_HPP
#define OSS_RESUMABLE_SDK_V2_REQUEST_HPP

// The SDK's headers use these headers but do not include them.
#include <cassert>
#include <cstdint>
#include <cstdlib>
#include <type_traits>
#include <utility>

#include <cstddef>
#include <optional>
#include <string>

#include <alibabacloud/oss2/models/ObjectBasic.h>

#include "request.hpp"
#include "sdk_v2_proxy.hpp"

namespace oss_resumable {
namespace oss2 {

/** Options of one download. */
struct DownloadOptions {
    /** In bytes: 102400 … 5 GiB. Default: 8 MiB. */
    std::optional<std::uint64_t> partSize;
    /** Number of connections: 1 … 1024. Default: 3. */
    std::optional<std::uint32_t> parallelNum;
    /** Directory of the checkpoint; it must exist. Setting it enables resuming. An empty string is
     * refused. */
    std::optional<std::string> checkpointDir;
    /** Keep a checkpoint and resume from it. Default: on if `checkpointDir` is set. On without a
     * directory: the checkpoint is in the file's directory. */
    std::optional<bool> enableCheckpoint;
    /** Called with the status at least every 200 ms, on the thread that called downloadFile();
     * returns false to cancel. The request's own progress callback is called too. */
    ProgressHandler progress;
    /** Longest time for the whole download, in milliseconds; 0: no limit. */
    std::int64_t deadlineMs = 0;
    /** Bandwidth limit in bytes per second, over all connections of the download; 0: no limit. */
    std::uint64_t maxBandwidth = 0;
    /** Fail with `FileAlreadyExists` instead of replacing a file. */
    bool failIfExists = false;
    /** Set the file's modification time to the object's. */
    bool setModifiedTime = false;
    /** Check the free space before writing. */
    bool checkSpace = true;
    /** Allocate the file's disk blocks before writing. */
    bool preallocate = false;
    /** Off: a power failure after success may lose the file. */
    bool flush = true;
    /** Read the whole file back before it is renamed to its target. */
    bool verifyBeforeRename = false;
    /** Save an object that a client encrypted as it is stored, still encrypted. */
    bool allowEncrypted = false;
};

} // namespace oss2

namespace detail {

namespace sdk2 = ::alibabacloud::oss2;

/** Parses `bytes=START-` or `bytes=START-END`, the ranges that the SDK downloads to files. */
inline bool sdk2CopyRange(const std::string &header, DownloadObjectRequest &to) {
    const std::string unit = "bytes=";
    const std::size_t dash = header.find('-');
    if (header.compare(0, unit.size(), unit) != 0 || dash == std::string::npos) {
        return false;
    }
    const std::string last = header.substr(dash + 1);
    std::int64_t start = 0, end = -1;
    if (!sdk2Number(header.substr(unit.size(), dash - unit.size()), INT64_MAX, start) ||
        (!last.empty() && !sdk2Number(last, INT64_MAX, end))) {
        return false;
    }
    to.setRange(start, end);
    return true;
}

/** Returns the reason for refusing the header, or an empty string. */
inline std::string sdk2CopyHeader(const std::string &name, const std::string &value,
                                  DownloadObjectRequest &to) {
    const std::string lower = sdk2Lower(name);
    if (hasNul(name) || hasNul(value)) {
        return "a header of the request contains a NUL byte";
    }
    if (value.empty() || lower == "x-oss-range-behavior") {
        // The SDK does not send empty headers. The library always sends `standard`.
        return "";
    }
    if (lower == "range") {
        return sdk2CopyRange(value, to)
                   ? ""
                   : "the range '" + value +
                         "' is not valid; it must be bytes=START-END or bytes=START-";
    }
    if (lower == "accept-encoding") {
        return sdk2Lower(value) == "identity" ? ""
                                              : "the request has Accept-Encoding, but the file "
                                                "must contain the object's bytes; leave it empty";
    }
    if (lower == "if-match") {
        to.setMatchingETagConstraints({value});
    } else if (lower == "if-none-match") {
        to.setNonmatchingETagConstraints({value});
    } else if (lower == "if-modified-since") {
        to.setModifiedSinceConstraint(value);
    } else if (lower == "if-unmodified-since") {
        to.setUnmodifiedSinceConstraint(value);
    } else {
        to.addHeader(name, value);
    }
    return "";
}

/** Returns the reason for refusing the parameter, or an empty string. */
inline std::string sdk2CopyParameter(const std::string &name, const std::string &value,
                                     DownloadObjectRequest &to) {
    if (hasNul(name) || hasNul(value)) {
        return "a parameter of the request contains a NUL byte";
    }
    if (name == "versionId") {
        to.setVersionId(value);
    } else {
        to.addQueryParameter(name, value);
    }
    return "";
}

inline void sdk2CopyProgress(const sdk2::models::GetObjectRequest &from,
                             DownloadObjectRequest &to) {
    const auto &progress = from.getProgressCallback();
    if (progress && progress->callback) {
        const auto callback = progress->callback;
        const auto data = progress->userdata;
        to.setTransferProgress(TransferProgress{
            [callback, data](std::size_t increment, std::int64_t transferred, std::int64_t total,
                             void *) {
                callback(increment, static_cast<std::size_t>(transferred), total, data);
            },
            nullptr});
    }
}

inline void sdk2CopyOptions(const oss2::DownloadOptions &from, DownloadObjectRequest &to) {
    if (from.partSize) {
        to.setPartSize(*from.partSize);
    }
    if (from.parallelNum) {
        to.setThreadNum(*from.parallelNum);
    }
    if (from.checkpointDir) {
        to.setCheckpointDir(*from.checkpointDir);
    }
    if (from.enableCheckpoint) {
        to.setEnableCheckpoint(*from.enableCheckpoint);
    }
    to.setDeadlineMs(from.deadlineMs);
    to.setMaxBandwidth(from.maxBandwidth);
    to.setFailIfExists(from.failIfExists);
    to.setModifiedTimeFromObject(from.setModifiedTime);
    to.setCheckSpace(from.checkSpace);
    to.setPreallocate(from.preallocate);
    to.setFlush(from.flush);
    to.setVerifyBeforeRename(from.verifyBeforeRename);
    to.setAllowEncrypted(from.allowEncrypted);
}

/** Converts a request. Sets `problem` to the reason if it is refused. */
inline DownloadObjectRequest sdk2Request(const sdk2::models::GetObjectRequest &from,
                                         const std::string &filePath,
                                         const oss2::DownloadOptions &options,
                                         std::string &problem) {
    DownloadObjectRequest to(from.getBucket(), from.getKey(), filePath);
    sdk2CopyOptions(options, to);
    sdk2CopyProgress(from, to);
    problem =
        filePath.empty() ? "the file's path is empty"
        : options.checkpointDir && options.checkpointDir->empty()
            ? "checkpointDir is empty; leave it unset to download without a checkpoint"
        : from.getSinkFactory()
            ? "the request has a sink factory, but the bytes are written to a file; leave it empty"
            : "";
    for (const auto &header : from.getHeaders()) {
        problem = problem.empty() ? sdk2CopyHeader(header.first, header.second, to) : problem;
    }
    for (const auto &parameter : from.getParameters()) {
        problem =
            problem.empty() ? sdk2CopyParameter(parameter.first, parameter.second, to) : problem;
    }
    return to;
}

} // namespace detail
} // namespace oss_resumable

#endif /* OSS_RESUMABLE_SDK_V2_REQUEST_HPP */
