// The result of a download.
#pragma once

#include <cstdlib>
#include <memory>
#include <string>

#include <alibabacloud/oss/Types.h>

namespace AlibabaCloud {
namespace OSS {

class ObjectMetaData {
public:
    ObjectMetaData() = default;
    ObjectMetaData(const HeaderCollection &headers) {
        const std::string prefix = "x-oss-meta-";
        for (const auto &header : headers) {
            if (header.first.compare(0, prefix.size(), prefix) == 0) {
                user_[header.first.substr(prefix.size())] = header.second;
            } else {
                http_[header.first] = header.second;
            }
        }
        const std::string etag = value("ETag");
        const size_t first = etag.find_first_not_of('"'), last = etag.find_last_not_of('"');
        if (first != std::string::npos) {
            http_["ETag"] = etag.substr(first, last - first + 1);
        }
    }

    std::string ETag() const { return value("ETag"); }
    std::string LastModified() const { return value("Last-Modified"); }
    std::string ContentType() const { return value("Content-Type"); }
    std::string VersionId() const { return value("x-oss-version-id"); }
    std::string ObjectType() const { return value("x-oss-object-type"); }
    int64_t ContentLength() const { return std::atoll(value("Content-Length").c_str()); }
    void setContentLength(int64_t bytes) { http_["Content-Length"] = std::to_string(bytes); }
    uint64_t CRC64() const {
        return std::strtoull(value("x-oss-hash-crc64ecma").c_str(), nullptr, 10);
    }
    bool hasHeader(const std::string &name) const { return http_.count(name) != 0; }
    const MetaData &HttpMetaData() const { return http_; }
    const MetaData &UserMetaData() const { return user_; }

private:
    std::string value(const std::string &name) const {
        const auto found = http_.find(name);
        return found == http_.end() ? "" : found->second;
    }

    MetaData http_, user_;
};

class GetObjectResult {
public:
    GetObjectResult() = default;
    GetObjectResult(const std::string &bucket, const std::string &key,
                    const ObjectMetaData &metadata)
        : bucket_(bucket), key_(key), metadata_(metadata) {
        const auto id = metadata.HttpMetaData().find("x-oss-request-id");
        requestId_ = id == metadata.HttpMetaData().end() ? "" : id->second;
    }
    const std::string &Bucket() const { return bucket_; }
    const std::string &Key() const { return key_; }
    const ObjectMetaData &Metadata() const { return metadata_; }
    const std::shared_ptr<std::iostream> &Content() const { return content_; }
    const std::string &RequestId() const { return requestId_; }
    std::string VersionId() const { return metadata_.VersionId(); }

private:
    std::string bucket_, key_, requestId_;
    ObjectMetaData metadata_;
    std::shared_ptr<std::iostream> content_;
};

} // namespace OSS
} // namespace AlibabaCloud
