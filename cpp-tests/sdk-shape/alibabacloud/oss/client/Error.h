// The error that a retry strategy gets.
#pragma once

#include <string>

namespace AlibabaCloud {
namespace OSS {

const int ERROR_CURL_BASE = 200000;

class Error {
public:
    Error() = default;
    Error(const std::string &code, const std::string &message) : code_(code), message_(message) {}
    long Status() const { return status_; }
    const std::string &Code() const { return code_; }
    const std::string &Message() const { return message_; }
    void setStatus(long status) { status_ = status; }

private:
    long status_ = 0;
    std::string code_, message_;
};

} // namespace OSS
} // namespace AlibabaCloud
