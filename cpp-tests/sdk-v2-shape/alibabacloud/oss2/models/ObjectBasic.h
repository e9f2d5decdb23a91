// The request and the result of GetObject.
#pragma once

#include <cstdint>
#include <cstdlib>
#include <iosfwd>
#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "alibabacloud/oss2/Types.h"

namespace alibabacloud {
namespace oss2 {
namespace models {

class GetObjectRequest final : public RequestModel {
    using Text = const std::string &;

public:
    Text getBucket() const { return bucket_; }
    Text getKey() const { return key_; }
    const std::optional<SinkFactory> &getSinkFactory() const { return sink_; }
    const std::optional<ProgressCallback> &getProgressCallback() const { return progress_; }

    GetObjectRequest &setBucket(Text value) { return set(bucket_, value); }
    GetObjectRequest &setKey(Text value) { return set(key_, value); }
    GetObjectRequest &setSinkFactory(SinkFactory value) { return set(sink_, std::move(value)); }
    GetObjectRequest &setProgressCallback(ProgressCallback value) {
        return set(progress_, std::move(value));
    }
    GetObjectRequest &setRange(Text value) { return header("Range", value); }
    GetObjectRequest &setRangeBehavior(Text value) { return header("x-oss-range-behavior", value); }
    GetObjectRequest &setIfModifiedSince(Text value) { return header("If-Modified-Since", value); }
    GetObjectRequest &setIfUnmodifiedSince(Text value) {
        return header("If-Unmodified-Since", value);
    }
    GetObjectRequest &setIfMatch(Text value) { return header("If-Match", value); }
    GetObjectRequest &setIfNoneMatch(Text value) { return header("If-None-Match", value); }
    GetObjectRequest &setAcceptEncoding(Text value) { return header("Accept-Encoding", value); }
    GetObjectRequest &setResponseContentType(Text value) {
        return parameter("response-content-type", value);
    }
    GetObjectRequest &setResponseContentLanguage(Text value) {
        return parameter("response-content-language", value);
    }
    GetObjectRequest &setResponseExpires(Text value) {
        return parameter("response-expires", value);
    }
    GetObjectRequest &setResponseCacheControl(Text value) {
        return parameter("response-cache-control", value);
    }
    GetObjectRequest &setResponseContentDisposition(Text value) {
        return parameter("response-content-disposition", value);
    }
    GetObjectRequest &setResponseContentEncoding(Text value) {
        return parameter("response-content-encoding", value);
    }
    GetObjectRequest &setVersionId(Text value) { return parameter("versionId", value); }

private:
    template <typename Field, typename Value> GetObjectRequest &set(Field &field, Value &&value) {
        field = std::forward<Value>(value);
        return *this;
    }
    GetObjectRequest &header(const char *name, Text value) { return set(headers_[name], value); }
    GetObjectRequest &parameter(const char *name, Text value) {
        return set(parameters_[name], value);
    }

    std::string bucket_, key_;
    std::optional<SinkFactory> sink_;
    std::optional<ProgressCallback> progress_;
};

class GetObjectResult final : public ResultModel {
public:
    GetObjectResult() = default;
    GetObjectResult(int status, HeaderCollection headers)
        : ResultModel(status, std::move(headers)) {}
    const std::string &getContentType() const { return header("Content-Type"); }
    const std::string &getContentRange() const { return header("Content-Range"); }
    const std::string &getETag() const { return header("ETag"); }
    const std::string &getLastModified() const { return header("Last-Modified"); }
    const std::string &getHashCrc64ecma() const { return header("x-oss-hash-crc64ecma"); }
    std::int64_t getContentLength() const {
        const std::string &length = header("Content-Length");
        return length.empty() ? -1 : std::strtoll(length.c_str(), nullptr, 10);
    }
    const std::shared_ptr<std::iostream> &getBody() { return body_; }

private:
    std::shared_ptr<std::iostream> body_;
};

} // namespace models
} // namespace oss2
} // namespace alibabacloud
