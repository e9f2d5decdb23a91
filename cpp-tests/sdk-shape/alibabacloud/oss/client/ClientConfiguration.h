// How a client reaches the service.
#pragma once

#include <memory>
#include <string>

#include <alibabacloud/oss/Types.h>
#include <alibabacloud/oss/client/RateLimiter.h>
#include <alibabacloud/oss/client/RetryStrategy.h>
#include <alibabacloud/oss/http/HttpClient.h>
#include <alibabacloud/oss/utils/Executor.h>

namespace AlibabaCloud {
namespace OSS {

class ClientConfiguration {
public:
    ClientConfiguration();

    std::string userAgent;
    Http::Scheme scheme;
    unsigned maxConnections;
    long requestTimeoutMs;
    long connectTimeoutMs;
    std::shared_ptr<RetryStrategy> retryStrategy;
    Http::Scheme proxyScheme;
    std::string proxyHost;
    unsigned int proxyPort;
    std::string proxyUserName;
    std::string proxyPassword;
    bool verifySSL;
    std::string caPath;
    std::string caFile;
    bool isCname;
    bool enableCrc64;
    bool enableDateSkewAdjustment;
    std::shared_ptr<RateLimiter> sendRateLimiter;
    std::shared_ptr<RateLimiter> recvRateLimiter;
    std::string networkInterface;
    std::shared_ptr<Executor> executor;
    std::shared_ptr<HttpClient> httpClient;
    bool isPathStyle;
    bool isVerifyObjectStrict;
    SignatureVersionType signatureVersion;
    std::shared_ptr<HttpInterceptor> httpInterceptor;
#ifdef SHAPE_OF_A_LATER_SDK
    std::string addedLater;
#endif
};

} // namespace OSS
} // namespace AlibabaCloud
