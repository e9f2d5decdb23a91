/**
 * @file sdk_conversion.hpp
 * @brief Conversions between the values of the OSS C++ SDK and of this library. Not part of the
 * API.
 */
#ifndef OSS_RESUMABLE_SDK_CONVERSION_HPP
#define OSS_RESUMABLE_SDK_CONVERSION_HPP

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <memory>
#include <string>

#include <alibabacloud/oss/OssClient.h>
#include <alibabacloud/oss/client/RetryStrategy.h>

#include "oss_resumable.hpp"

namespace oss_resumable {
namespace detail {

namespace sdk = ::AlibabaCloud::OSS;

/** The host only, as the SDK uses an endpoint, with the scheme of the endpoint or, if it has none,
 * of the configuration. */
inline std::string sdkEndpoint(const std::string &endpoint, sdk::Http::Scheme scheme) {
    const size_t mark = endpoint.find("://");
    const size_t host = mark == std::string::npos ? 0 : mark + 3;
    const std::string prefix = mark != std::string::npos    ? endpoint.substr(0, host)
                               : scheme == sdk::Http::HTTPS ? "https://"
                                                            : "http://";
    const size_t end = endpoint.find_first_of("/?#", host);
    return prefix + endpoint.substr(host, end == std::string::npos ? end : end - host);
}

/** Whether the SDK would put the bucket into the path regardless of the configuration. */
inline bool sdkIsIpv4(const std::string &endpoint) {
    const size_t host = endpoint.find("://") + 3;
    return endpoint.find_first_not_of("0123456789.:", host) == std::string::npos;
}

/** Why requests that the program sends or changes itself cannot be this library's; empty if it does
 * neither. */
inline std::string sdkTransportRefusal(const sdk::ClientConfiguration &from) {
    if (from.httpClient) {
        return "the configuration has an httpClient of its own, which this library cannot use; "
               "leave it empty";
    }
#if ALIBABACLOUD_OSS_VERSION > (1 << 16) + (10 << 8)
    if (from.httpInterceptor) {
        return "the configuration has an httpInterceptor, which this library cannot call; "
               "leave it empty";
    }
#endif
    return "";
}

/** A setting that cannot be honoured and would change downloads if it were ignored; empty if there
 * is none. */
inline std::string sdkRefusal(const sdk::ClientConfiguration &from,
                              const std::shared_ptr<sdk::CredentialsProvider> &provider) {
    const std::string transport = sdkTransportRefusal(from);
    if (!transport.empty()) {
        return transport;
    }
    if (!provider) {
        return "the client has no credentials provider";
    }
    return from.maxConnections == 0 ? "maxConnections is 0; it must be at least 1" : "";
}

/** Which class an object is of: the address of its virtual functions. Type information would tell
 * the same, but is missing when either the program or the SDK is compiled without RTTI. */
inline const void *sdkClassOf(const sdk::RetryStrategy &strategy) {
    const void *functions = nullptr;
    std::memcpy(&functions, static_cast<const void *>(&strategy), sizeof functions);
    return functions;
}

/** Whether a strategy is the default of every configuration. */
inline bool sdkIsDefault(const sdk::RetryStrategy &strategy) {
    const std::shared_ptr<sdk::RetryStrategy> standard = sdk::ClientConfiguration().retryStrategy;
    return standard && sdkClassOf(strategy) == sdkClassOf(*standard);
}

/** Asks an SDK retry strategy about a failed attempt, in the SDK's terms. */
inline int64_t sdkDecision(const sdk::RetryStrategy &strategy,
                           const oss_resumable_failed_attempt &attempt) {
    const std::string group =
        attempt.status >= sdk::ERROR_CURL_BASE ? "ClientError:" : "ServerError:";
    const std::string code =
        attempt.status != 0 ? group + std::to_string(attempt.status) : text(attempt.code);
    sdk::Error error(code, text(attempt.code) + ": " + text(attempt.message));
    error.setStatus(static_cast<long>(attempt.status));
    const long retries = static_cast<long>(attempt.attempts) - 1;
    if (!strategy.shouldRetry(error, retries)) {
        return OSS_RESUMABLE_RETRY_STOP;
    }
    const long delay = strategy.calcDelayTimeMs(error, retries);
    return delay > 0 ? delay : 0;
}

/** Maps times of 0 or less as the SDK does: libcurl's own five minutes to connect, no limit without
 * data. */
inline int64_t sdkTime(long ms, int64_t nothing) { return ms > 0 ? ms : nothing; }

inline void copyProxy(const sdk::ClientConfiguration &from, ClientConfiguration &to) {
    if (from.proxyHost.empty()) {
        return;
    }
    to.proxyHost = from.proxyHost;
    to.proxyScheme = from.proxyScheme == sdk::Http::HTTPS ? ProxyScheme::HTTPS : ProxyScheme::HTTP;
    to.proxyPort = from.proxyPort;
    to.proxyUserName = from.proxyUserName;
    to.proxyPassword = from.proxyPassword;
}

inline ClientConfiguration
sdkConfiguration(const std::string &endpoint, const sdk::ClientConfiguration &from,
                 const std::shared_ptr<sdk::CredentialsProvider> &provider) {
    ClientConfiguration to;
    to.userAgent = from.userAgent;
    to.maxConnections =
        std::max<uint32_t>(from.maxConnections, OSS_RESUMABLE_DEFAULT_MAX_CONNECTIONS);
    to.connectTimeoutMs = sdkTime(from.connectTimeoutMs, 300000);
    to.idleTimeoutMs = sdkTime(from.requestTimeoutMs, -1);
    to.verifySSL = from.verifySSL;
    to.caPath = from.caPath;
    to.caFile = from.caFile;
    to.networkInterface = from.networkInterface;
    to.enableCrc64 = from.enableCrc64;
    to.enableDateSkewAdjustment = from.enableDateSkewAdjustment;
    to.isPathStyle = from.isPathStyle || (from.isCname && sdkIsIpv4(endpoint));
    to.isCname = from.isCname && !to.isPathStyle;
    to.signatureVersion = from.signatureVersion == sdk::SignatureVersionType::V4
                              ? SignatureVersionType::V4
                              : SignatureVersionType::V1;
    copyProxy(from, to);
    const std::shared_ptr<sdk::RetryStrategy> strategy = from.retryStrategy;
    if (!strategy) {
        to.maxAttempts = 1;
    } else if (!sdkIsDefault(*strategy)) {
        to.retryDecision = [strategy](const oss_resumable_failed_attempt &attempt) {
            return sdkDecision(*strategy, attempt);
        };
    }
    to.credentialsProvider = [provider] {
        const sdk::Credentials key = provider->getCredentials();
        // The SDK asks its provider for each request. With a time of expiry in the past, the
        // library asks for a new key as often as it ever does.
        return Credentials{key.AccessKeyId(), key.AccessKeySecret(), key.SessionToken(), 1};
    };
    return to;
}

inline void copyResponseHeaders(const sdk::DownloadObjectRequest &from, DownloadObjectRequest &to) {
    static const char *const names[] = {
        "response-content-type",  "response-content-language",    "response-expires",
        "response-cache-control", "response-content-disposition", "response-content-encoding"};
    const auto &headers = from.ResponseHeaderParameters();
    for (size_t i = 0; i < 6; ++i) {
        const auto found = headers.find(names[i]);
        if (found != headers.end()) {
            to.addResponseHeaders(static_cast<RequestResponseHeader>(i), found->second);
        }
    }
}

inline DownloadObjectRequest sdkRequest(const sdk::DownloadObjectRequest &from) {
    DownloadObjectRequest to(from.Bucket(), from.Key(), from.FilePath(), from.CheckpointDir());
    to.setPartSize(from.PartSize());
    if (from.RangeIsSet()) {
        to.setRange(from.RangeStart(), from.RangeEnd());
    }
    to.setModifiedSinceConstraint(from.ModifiedSinceConstraint());
    to.setUnmodifiedSinceConstraint(from.UnmodifiedSinceConstraint());
    to.setMatchingETagConstraints(from.MatchingETagsConstraint());
    to.setNonmatchingETagConstraints(from.NonmatchingETagsConstraint());
    copyResponseHeaders(from, to);
    to.setVersionId(from.VersionId());
    to.setTrafficLimit(from.TrafficLimit());
    to.setRequestPayer(from.RequestPayer() == sdk::RequestPayer::Requester ? RequestPayer::Requester
                                                                           : RequestPayer::NotSet);
    const sdk::TransferProgress &progress = from.TransferProgress();
    if (progress.Handler) {
        to.setTransferProgress(TransferProgress{progress.Handler, progress.UserData});
    }
    return to;
}

inline sdk::OssError sdkError(const Error &from) {
    sdk::OssError to(from.Code(), from.Message());
    to.setRequestId(from.RequestId());
    to.setHost(from.Host());
    return to;
}

/** The object's metadata as the SDK reports it: for the whole file, not for the part in the
 * reply. */
inline sdk::GetObjectOutcome sdkOutcome(const sdk::DownloadObjectRequest &request,
                                        const Result &from) {
    sdk::HeaderCollection headers;
    for (const auto &header : from.Headers()) {
        headers[header.first] = header.second;
    }
    headers.erase("Content-Range");
    if (request.RangeIsSet() && from.Size() > 0) {
        const auto start = static_cast<uint64_t>(request.RangeStart());
        headers["Content-Range"] = "bytes " + std::to_string(start) + "-" +
                                   std::to_string(start + from.Size() - 1) + "/" +
                                   std::to_string(from.ObjectSize());
    }
    sdk::ObjectMetaData metadata(headers);
    metadata.setContentLength(static_cast<int64_t>(from.Size()));
    return sdk::GetObjectOutcome(sdk::GetObjectResult(request.Bucket(), request.Key(), metadata));
}

} // namespace detail
} // namespace oss_resumable

#endif /* OSS_RESUMABLE_SDK_CONVERSION_HPP */
