// The transport of a client, and its options.
#pragma once

#include <functional>
#include <optional>
#include <string>

namespace alibabacloud {
namespace oss2 {

struct RequestMessage;

class HttpTransport {
public:
    virtual ~HttpTransport() = default;
};

struct HttpTransportOptions {
    std::optional<long> connectTimeout, readWriteTimeout;
    std::optional<bool> insecureSkipVerify, enabledRedirect;
    std::optional<std::string> proxyHost;
    std::function<bool()> isRequestDisabled;
};

} // namespace oss2
} // namespace alibabacloud
