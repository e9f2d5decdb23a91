// The configuration of a client; fields that are not set have the SDK's defaults.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace alibabacloud {
namespace oss2 {

class AsyncHttpTransport;
class CredentialsProvider;
class Executor;
class HttpTransport;
class Retryer;
class ScheduledExecutor;
class Signer;

struct ClientConfiguration {
    std::optional<std::string> region, endpoint, accountId;
    std::shared_ptr<CredentialsProvider> credentialsProvider;
    std::optional<std::string> signatureVersion;
    std::shared_ptr<Signer> signer;
    std::optional<long> retryMaxAttempts;
    std::shared_ptr<Retryer> retryer;
    std::optional<bool> useDualStackEndpoint, useInternalEndpoint, useAccelerateEndpoint;
    std::optional<bool> useCName, usePathStyle, useVirtualHostedAlias;
    std::shared_ptr<HttpTransport> httpTransport;
    std::optional<long> connectTimeout, readWriteTimeout;
    std::optional<bool> disableSsl, insecureSkipVerify, enabledRedirect;
    std::optional<std::string> proxyHost, userAgent;
    std::optional<std::vector<std::string>> additionalHeaders;
    std::optional<bool> disableClockSkewCorrection, disableAutoDetectMimeType;
    std::optional<bool> disableUploadCRC64Check, disableDownloadCRC64Check;
    std::shared_ptr<Executor> executor;
    std::shared_ptr<AsyncHttpTransport> asyncHttpTransport;
    std::shared_ptr<ScheduledExecutor> scheduledExecutor;

    static ClientConfiguration loadDefault() { return ClientConfiguration(); }
};

} // namespace oss2
} // namespace alibabacloud
