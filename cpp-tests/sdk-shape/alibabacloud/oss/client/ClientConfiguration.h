// The configuration of a client.
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

// Stands for the strategy that the SDK sets in every configuration.
class StandardStrategy : public RetryStrategy {
public:
    bool shouldRetry(const Error &, long) const override { return false; }
    long calcDelayTimeMs(const Error &, long) const override { return 0; }
};

class ClientConfiguration {
public:
    std::string userAgent = "the SDK's";
    Http::Scheme scheme = Http::HTTP;
    unsigned maxConnections = 16;
    long requestTimeoutMs = 10000;
    long connectTimeoutMs = 5000;
    std::shared_ptr<RetryStrategy> retryStrategy = std::make_shared<StandardStrategy>();
    Http::Scheme proxyScheme = Http::HTTP;
    std::string proxyHost;
    unsigned int proxyPort = 0;
    std::string proxyUserName;
    std::string proxyPassword;
    bool verifySSL = true;
    std::string caPath;
    std::string caFile;
    bool isCname = false;
    bool enableCrc64 = true;
    bool enableDateSkewAdjustment = true;
    std::shared_ptr<RateLimiter> sendRateLimiter;
    std::shared_ptr<RateLimiter> recvRateLimiter;
    std::string networkInterface;
    std::shared_ptr<Executor> executor;
    std::shared_ptr<HttpClient> httpClient;
    bool isPathStyle = false;
    bool isVerifyObjectStrict = true;
    SignatureVersionType signatureVersion = SignatureVersionType::V1;
    std::shared_ptr<HttpInterceptor> httpInterceptor;
};

} // namespace OSS
} // namespace AlibabaCloud
