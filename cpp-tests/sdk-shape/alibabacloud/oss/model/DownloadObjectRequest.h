// The object to download, and its target.
#pragma once

#include <map>
#include <string>
#include <vector>

#include <alibabacloud/oss/Types.h>

namespace AlibabaCloud {
namespace OSS {

class DownloadObjectRequest {
public:
    DownloadObjectRequest(const std::string &bucket, const std::string &key,
                          const std::string &filePath)
        : bucket_(bucket), key_(key), filePath_(filePath) {}
    DownloadObjectRequest(const std::string &bucket, const std::string &key,
                          const std::string &filePath, const std::string &checkpointDir)
        : bucket_(bucket), key_(key), filePath_(filePath), checkpointDir_(checkpointDir) {}
    DownloadObjectRequest(const std::string &bucket, const std::string &key,
                          const std::string &filePath, const std::string &checkpointDir,
                          uint64_t partSize, uint32_t threadNum)
        : bucket_(bucket), key_(key), filePath_(filePath), checkpointDir_(checkpointDir),
          partSize_(partSize), threadNum_(threadNum == 0 ? 1 : threadNum) {}
    DownloadObjectRequest(const std::string &bucket, const std::string &key,
                          const std::wstring &filePath)
        : bucket_(bucket), key_(key), filePathW_(filePath) {}

    const std::string &Bucket() const { return bucket_; }
    const std::string &Key() const { return key_; }
    const std::string &FilePath() const { return filePath_; }
    const std::wstring &FilePathW() const { return filePathW_; }
    const std::string &CheckpointDir() const { return checkpointDir_; }
    const std::wstring &CheckpointDirW() const { return checkpointDirW_; }
    void setCheckpointDir(const std::string &value) {
        checkpointDir_ = value;
        checkpointDirW_.clear();
    }
    void setCheckpointDir(const std::wstring &value) {
        checkpointDirW_ = value;
        checkpointDir_.clear();
    }
    uint64_t PartSize() const { return partSize_; }
    void setPartSize(uint64_t value) { partSize_ = value; }
    uint32_t ThreadNum() const { return threadNum_; }
    void setThreadNum(uint32_t value) { threadNum_ = value; }
    bool RangeIsSet() const { return rangeIsSet_; }
    int64_t RangeStart() const { return rangeStart_; }
    int64_t RangeEnd() const { return rangeEnd_; }
    void setRange(int64_t start, int64_t end) {
        rangeIsSet_ = true;
        rangeStart_ = start;
        rangeEnd_ = end;
    }
    const std::string &ModifiedSinceConstraint() const { return modifiedSince_; }
    void setModifiedSinceConstraint(const std::string &value) { modifiedSince_ = value; }
    const std::string &UnmodifiedSinceConstraint() const { return unmodifiedSince_; }
    void setUnmodifiedSinceConstraint(const std::string &value) { unmodifiedSince_ = value; }
    const std::vector<std::string> &MatchingETagsConstraint() const { return matching_; }
    void setMatchingETagConstraints(const std::vector<std::string> &value) { matching_ = value; }
    const std::vector<std::string> &NonmatchingETagsConstraint() const { return nonmatching_; }
    void setNonmatchingETagConstraints(const std::vector<std::string> &value) {
        nonmatching_ = value;
    }
    const std::map<std::string, std::string> &ResponseHeaderParameters() const {
        return responseHeaders_;
    }
    void addResponseHeaders(RequestResponseHeader header, const std::string &value) {
        static const char *const names[] = {"type",          "language",    "expires",
                                            "cache-control", "disposition", "encoding"};
        const bool isContent = header != Expires && header != CacheControl;
        responseHeaders_[std::string(isContent ? "response-content-" : "response-") +
                         names[header]] = value;
    }
    const std::string &VersionId() const { return versionId_; }
    void setVersionId(const std::string &value) { versionId_ = value; }
    uint64_t TrafficLimit() const { return trafficLimit_; }
    void setTrafficLimit(uint64_t value) { trafficLimit_ = value; }
    OSS::RequestPayer RequestPayer() const { return requestPayer_; }
    void setRequestPayer(OSS::RequestPayer value) { requestPayer_ = value; }
    const OSS::TransferProgress &TransferProgress() const { return progress_; }
    void setTransferProgress(const OSS::TransferProgress &value) { progress_ = value; }

private:
    std::string bucket_, key_, filePath_, checkpointDir_;
    std::wstring filePathW_, checkpointDirW_;
    uint64_t partSize_ = 8 * 1024 * 1024;
    uint32_t threadNum_ = 3;
    bool rangeIsSet_ = false;
    int64_t rangeStart_ = 0, rangeEnd_ = 0;
    std::string modifiedSince_, unmodifiedSince_;
    std::vector<std::string> matching_, nonmatching_;
    std::map<std::string, std::string> responseHeaders_;
    std::string versionId_;
    uint64_t trafficLimit_ = 0;
    OSS::RequestPayer requestPayer_ = OSS::RequestPayer::NotSet;
    OSS::TransferProgress progress_ = OSS::TransferProgress();
};

} // namespace OSS
} // namespace AlibabaCloud
