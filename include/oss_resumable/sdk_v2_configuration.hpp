/**
 * @file sdk_v2_configuration.hpp
 * @brief The configuration of the OSS C++ SDK v2 as this library's. Not part of the API.
 */
#ifndef OSS_RESUMABLE_SDK_V2_CONFIGURATION_HPP
#define OSS_RESUMABLE_SDK_V2_CONFIGURATION_HPP

// The SDK's headers use these headers but do not include them.
#include <cassert>
#include <cstdint>
#include <cstdlib>
#include <type_traits>
#include <utility>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstddef>
#include <memory>
#include <mutex>
#include <optional>
#include <string>

#include <alibabacloud/oss2/ClientConfiguration.h>
#include <alibabacloud/oss2/credentials/CredentialsProvider.h>
#include <alibabacloud/oss2/transport/curl/CurlTransportOptions.h>

#include "oss_resumable.hpp"
#include "sdk_v2_proxy.hpp"
#include "sdk_v2_retries.hpp"

namespace oss_resumable {
namespace detail {

namespace sdk2 = ::alibabacloud::oss2;

/** The scheme and authority of the endpoint, which are the parts that the SDK uses, or the endpoint
 * that the SDK derives from the region. Empty if neither is set. */
inline std::string sdk2Endpoint(const sdk2::ClientConfiguration &from) {
    const std::string scheme = from.disableSsl.value_or(false) ? "http://" : "https://";
    if (from.endpoint) {
        const std::string &given = *from.endpoint;
        const std::string whole = given.find("://") == std::string::npos ? scheme + given : given;
        return whole.substr(0, whole.find_first_of("/?#", whole.find("://") + 3));
    }
    if (!from.region) {
        return "";
    }
    if (from.useDualStackEndpoint.value_or(false)) {
        return scheme + *from.region + ".oss.aliyuncs.com";
    }
    if (from.useInternalEndpoint.value_or(false)) {
        return scheme + "oss-" + *from.region + "-internal.aliyuncs.com";
    }
    if (from.useAccelerateEndpoint.value_or(false)) {
        return scheme + "oss-accelerate.aliyuncs.com";
    }
    return scheme + "oss-" + *from.region + ".aliyuncs.com";
}

/** Whether the SDK puts the bucket into the path regardless of the configuration. */
inline bool sdk2IsPathOnly(const std::string &endpoint) {
    const std::size_t start = endpoint.find("://") + 3;
    const std::string host = endpoint.substr(start, endpoint.find(':', start) - start);
    return host == "localhost" || host.find_first_not_of("0123456789.") == std::string::npos;
}

/** The reason for refusing the configuration: a setting that this library does not support and that
 * changes downloads. Empty if there is none. `transport` may be null. */
inline std::string sdk2Refusal(const sdk2::ClientConfiguration &from,
                               const sdk2::CurlTransportOptions *transport) {
    if (!from.endpoint && !from.region) {
        return "the configuration has neither an endpoint nor a region";
    }
    if (!from.credentialsProvider) {
        return "the configuration has no credentialsProvider";
    }
    if (from.signer) {
        return "the configuration has a signer of its own, which this library cannot call; "
               "set signatureVersion instead";
    }
    if (from.httpTransport && !transport) {
        return "the configuration has an httpTransport of its own, which this library cannot use; "
               "pass the CurlTransportOptions that it was made with, or leave it empty";
    }
    if (transport && transport->requestInterceptor) {
        return "the transport's options have a requestInterceptor, which this library cannot "
               "call; leave it empty";
    }
    return "";
}

/** The value of the transport's options, else that of the configuration, which the SDK ignores if
 * the configuration has a transport. */
template <typename T>
std::optional<T> sdk2Either(const sdk2::ClientConfiguration &from,
                            const sdk2::CurlTransportOptions *transport,
                            std::optional<T> sdk2::HttpTransportOptions::*field,
                            std::optional<T> sdk2::ClientConfiguration::*otherwise) {
    if (transport && transport->*field) {
        return transport->*field;
    }
    return from.httpTransport ? std::nullopt : from.*otherwise;
}

/** Maps values of 0 or less like libcurl, which the SDK passes them to: five minutes to connect, no
 * idle time-out. */
inline std::int64_t sdk2Time(const std::optional<long> &ms, std::int64_t nothing) {
    return !ms ? 0 : *ms > 0 ? *ms : nothing;
}

/** Returns the reason for refusing the proxy, or an empty string. */
inline std::string sdk2CopyTransport(const sdk2::ClientConfiguration &from,
                                     const sdk2::CurlTransportOptions *transport,
                                     ClientConfiguration &to) {
    using Http = sdk2::HttpTransportOptions;
    using Own = sdk2::ClientConfiguration;
    to.connectTimeoutMs =
        sdk2Time(sdk2Either(from, transport, &Http::connectTimeout, &Own::connectTimeout), 300000);
    to.idleTimeoutMs =
        sdk2Time(sdk2Either(from, transport, &Http::readWriteTimeout, &Own::readWriteTimeout), -1);
    to.verifySSL = !sdk2Either(from, transport, &Http::insecureSkipVerify, &Own::insecureSkipVerify)
                        .value_or(false);
    if (transport) {
        to.caFile = transport->caFile.value_or("");
        to.caPath = transport->caPath.value_or("");
        to.networkInterface = transport->networkInterface.value_or("");
        to.proxyPort = transport->proxyPort.value_or(0);
        to.proxyUserName = transport->proxyUserName.value_or("");
        to.proxyPassword = transport->proxyPassword.value_or("");
    }
    return sdk2CopyProxy(
        sdk2Either(from, transport, &Http::proxyHost, &Own::proxyHost).value_or(std::string()), to);
}

inline void sdk2CopySigning(const sdk2::ClientConfiguration &from, ClientConfiguration &to) {
    if (from.signatureVersion.value_or("v4") == "v1") {
        to.signatureVersion = SignatureVersionType::V1;
    } else {
        to.region = from.region.value_or("");
    }
    to.enableDateSkewAdjustment = !from.disableClockSkewCorrection.value_or(false);
    const auto provider = from.credentialsProvider;
    if (provider->getAuthType() == sdk2::CredentialsProvider::AuthType::ANONYMOUS) {
        to.anonymous = true;
    }
}

/** The time at which a key expires. The SDK calls its provider for each request. A key without a
 * time counts as expired, so that this library calls the provider as often as it ever does. */
inline std::int64_t sdk2Expiration(const sdk2::Credentials &key) {
    using std::chrono::milliseconds;
    const auto time = key.getExpiration();
    if (time == std::chrono::system_clock::time_point::max()) {
        return 1;
    }
    const auto ms = std::chrono::duration_cast<milliseconds>(time.time_since_epoch()).count();
    return std::max<std::int64_t>(ms, 1);
}

/** Asks a credentials provider for several clients, one call at a time. A client that waited for
 * its turn gets the answer of a call that began meanwhile. */
class Sdk2Provider {
public:
    explicit Sdk2Provider(std::shared_ptr<sdk2::CredentialsProvider> provider)
        : provider_(std::move(provider)) {}

    sdk2::Credentials ask() {
        const std::uint64_t before = calls_;
        std::lock_guard<std::mutex> lock(turn_);
        if (!answer_ || calls_ == before) {
            calls_ += 1;
            // Stays empty if the provider throws.
            answer_.reset();
            answer_ = provider_->getCredentials();
        }
        return *answer_;
    }

private:
    const std::shared_ptr<sdk2::CredentialsProvider> provider_;
    std::atomic<std::uint64_t> calls_{0};
    std::mutex turn_;
    std::optional<sdk2::Credentials> answer_;
};

inline void sdk2CopyCredentials(const std::shared_ptr<Sdk2Provider> &provider,
                                const std::shared_ptr<Sdk2Retries> &retries,
                                ClientConfiguration &to) {
    // Records the answer also if the provider throws.
    struct Record {
        ~Record() { retries.answer = answer; }
        Sdk2Retries &retries;
        Sdk2Answer answer;
    };
    to.credentialsSource = [provider, retries](Credentials &key, std::string &reason) {
        Record record{*retries, Sdk2Answer::PERMANENT_ERROR};
        const sdk2::Credentials got = provider->ask();
        if (!got.hasKeys()) {
            if (got.isErrorRetryable()) {
                record.answer = Sdk2Answer::TEMPORARY_ERROR;
            }
            reason = got.getError().value_or("");
            return false;
        }
        if (hasNul(got.getAccessKeyId()) || hasNul(got.getAccessKeySecret()) ||
            hasNul(got.getSessionToken())) {
            reason = "the key contains a NUL byte";
            return false;
        }
        record.answer = Sdk2Answer::KEY;
        key = Credentials{got.getAccessKeyId(), got.getAccessKeySecret(), got.getSessionToken(),
                          sdk2Expiration(got)};
        return true;
    };
}

/** The time-out and the number of attempts of an operation. */
struct Sdk2Limits {
    std::optional<long> retryMaxAttempts, readWriteTimeout;

    bool operator<(const Sdk2Limits &other) const {
        return retryMaxAttempts != other.retryMaxAttempts
                   ? retryMaxAttempts < other.retryMaxAttempts
                   : readWriteTimeout < other.readWriteTimeout;
    }
};

/** Whether a string would be cut at a NUL byte on its way through the C API. */
inline bool sdk2HasNul(const std::string &endpoint, const ClientConfiguration &to) {
    for (const std::string *text :
         {&endpoint, &to.region, &to.userAgent, &to.caFile, &to.caPath, &to.networkInterface,
          &to.proxyHost, &to.proxyUserName, &to.proxyPassword}) {
        if (hasNul(*text)) {
            return true;
        }
    }
    return false;
}

/** Converts the configuration. Sets `problem` to the reason if it is refused. `transport` may be
 * null; values that it or `limits` sets have precedence. */
inline ClientConfiguration sdk2Configuration(const sdk2::ClientConfiguration &from,
                                             const sdk2::CurlTransportOptions *transport,
                                             const Sdk2Limits &limits,
                                             const std::shared_ptr<Sdk2Provider> &provider,
                                             const std::shared_ptr<Sdk2Retries> &retries,
                                             std::string &problem) {
    ClientConfiguration to;
    problem = sdk2Refusal(from, transport);
    if (!problem.empty()) {
        return to;
    }
    problem = sdk2CopyTransport(from, transport, to);
    const bool pathOnly = sdk2IsPathOnly(sdk2Endpoint(from));
    to.isCname = from.useCName.value_or(false) && !pathOnly;
    to.isPathStyle = !to.isCname && (pathOnly || from.usePathStyle.value_or(false));
    to.enableCrc64 = !from.disableDownloadCRC64Check.value_or(false);
    if (from.userAgent && !from.userAgent->empty()) {
        to.userAgent =
            "oss-resumable/" + std::string(oss_resumable_version()) + "/" + *from.userAgent;
    }
    sdk2CopySigning(from, to);
    if (limits.retryMaxAttempts) {
        retries->setMost(*limits.retryMaxAttempts);
    }
    if (limits.readWriteTimeout) {
        to.idleTimeoutMs = sdk2Time(limits.readWriteTimeout, -1);
    }
    if (!to.anonymous) {
        sdk2CopyCredentials(provider, retries, to);
    }
    sdk2CopyRetries(retries, to);
    if (problem.empty() && sdk2HasNul(sdk2Endpoint(from), to)) {
        problem = "a string of the configuration contains a NUL byte";
    }
    return to;
}

} // namespace detail
} // namespace oss_resumable

#endif /* OSS_RESUMABLE_SDK_V2_CONFIGURATION_HPP */
