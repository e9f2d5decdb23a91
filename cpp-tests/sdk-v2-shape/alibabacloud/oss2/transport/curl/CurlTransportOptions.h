// The options of the transport that uses libcurl.
#pragma once

#include <functional>
#include <optional>
#include <string>

#include "alibabacloud/oss2/transport/HttpTransport.h"

namespace alibabacloud {
namespace oss2 {

struct CurlTransportOptions : HttpTransportOptions {
    std::optional<unsigned int> maxConnections;
    std::optional<std::string> caPath, caFile, networkInterface;
    std::optional<unsigned int> proxyPort;
    std::optional<std::string> proxyUserName, proxyPassword;
    std::optional<bool> enableVerbose;
    std::function<void(void *, const RequestMessage *)> requestInterceptor;
};

} // namespace oss2
} // namespace alibabacloud
