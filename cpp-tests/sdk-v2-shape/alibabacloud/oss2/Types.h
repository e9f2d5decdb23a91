// Types that requests and results share.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <strings.h>
#include <utility>

namespace alibabacloud {
namespace oss2 {

class ByteWriter;

struct caseInsensitiveLess {
    bool operator()(const std::string &left, const std::string &right) const {
        return strcasecmp(left.c_str(), right.c_str()) < 0;
    }
};
using HeaderCollection = std::map<std::string, std::string, caseInsensitiveLess>;
using ParameterCollection = std::map<std::string, std::string>;

struct ProgressCallback {
    std::function<void(std::size_t increment, std::size_t transferred, std::int64_t total,
                       std::uintptr_t userdata)>
        callback;
    std::uintptr_t userdata = 0;
};

struct SinkFactory {
    std::function<std::shared_ptr<ByteWriter>(std::int64_t size)> supplier;
    bool isOneShot = false;
};

class RequestModel {
public:
    virtual ~RequestModel() = default;
    const HeaderCollection &getHeaders() const { return headers_; }
    const ParameterCollection &getParameters() const { return parameters_; }
    void addHeader(const std::string &name, const std::string &value) { headers_[name] = value; }
    void addParameter(const std::string &name, const std::string &value) {
        parameters_[name] = value;
    }

protected:
    HeaderCollection headers_;
    ParameterCollection parameters_;
};

class ResultModel {
public:
    ResultModel() = default;
    ResultModel(int status, HeaderCollection headers)
        : status_(status), headers_(std::move(headers)) {}
    virtual ~ResultModel() = default;
    const HeaderCollection &getHeaders() const { return headers_; }
    int getStatusCode() const { return status_; }
    const std::string &getRequestId() const { return header("x-oss-request-id"); }

protected:
    const std::string &header(const std::string &name) const {
        static const std::string nothing;
        const auto found = headers_.find(name);
        return found == headers_.end() ? nothing : found->second;
    }

private:
    int status_ = 0;
    HeaderCollection headers_;
};

} // namespace oss2
} // namespace alibabacloud
