/**
 * @file sdk_v2_retries.hpp
 * @brief The retryer of the OSS C++ SDK v2 as this library's retry decision. Not part of the API.
 */
#ifndef OSS_RESUMABLE_SDK_V2_RETRIES_HPP
#define OSS_RESUMABLE_SDK_V2_RETRIES_HPP

#include <algorithm>
#include <atomic>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <system_error>

#include <alibabacloud/oss2/ClientConfiguration.h>
#include <alibabacloud/oss2/Error.h>
#include <alibabacloud/oss2/retry/Retryer.h>

#include "configuration.hpp"

namespace oss_resumable {
namespace detail {

namespace sdk2 = ::alibabacloud::oss2;

/** The first status that is 200000 + CURLcode. */
inline constexpr std::int64_t SDK2_CURL_BASE = 200000;
inline constexpr char SDK2_CREDENTIALS_ERROR[] = "CredentialsError";

/** The SDK's error for a CURLcode. */
inline std::error_code sdk2TransportError(std::int64_t curlCode) {
    using Code = sdk2::TransportErrorCode;
    switch (curlCode) {
    case 5: // CURLE_COULDNT_RESOLVE_PROXY
    case 6: // CURLE_COULDNT_RESOLVE_HOST
        return make_error_code(Code::DnsError);
    case 7: // CURLE_COULDNT_CONNECT
        return make_error_code(Code::ConnectionFailed);
    case 18: // CURLE_PARTIAL_FILE
        return make_error_code(Code::PartialTransfer);
    case 28: // CURLE_OPERATION_TIMEDOUT
        return make_error_code(Code::Timeout);
    case 35: // CURLE_SSL_CONNECT_ERROR
    case 51: // CURLE_PEER_FAILED_VERIFICATION before libcurl 7.62
    case 53: // CURLE_SSL_ENGINE_NOTFOUND
    case 60: // CURLE_PEER_FAILED_VERIFICATION
        return make_error_code(Code::SslError);
    case 23: // CURLE_WRITE_ERROR
    case 52: // CURLE_GOT_NOTHING
    case 55: // CURLE_SEND_ERROR
    case 56: // CURLE_RECV_ERROR
    case 65: // CURLE_SEND_FAIL_REWIND
        return make_error_code(Code::SendRecvError);
    default:
        return make_error_code(Code::Unknown);
    }
}

inline std::error_code sdk2CredentialsError(bool mayComeLater) {
    return make_error_code(mayComeLater ? sdk2::CredentialsErrorCode::FetchError
                                        : sdk2::CredentialsErrorCode::Empty);
}

/** The last known answer of a credentials provider. */
enum class Sdk2Answer { NONE, KEY, TEMPORARY_ERROR, PERMANENT_ERROR };

/** The retry settings of a client. Used by several threads. */
struct Sdk2Retries {
    explicit Sdk2Retries(const sdk2::ClientConfiguration &from) : retryer(from.retryer) {
        if (from.retryMaxAttempts && !retryer) {
            setMost(*from.retryMaxAttempts);
        } else if (retryer) {
            setMost(retryer->getMaxAttempts());
        }
    }
    /** The SDK always makes the first attempt too. */
    void setMost(long attempts) {
        most = static_cast<uint32_t>(std::clamp<std::int64_t>(attempts, 1, UINT32_MAX));
    }

    /** The answer of the C API's retry decision. */
    std::int64_t decide(const oss_resumable_failed_attempt &attempt) const {
        if (most && attempt.attempts >= *most) {
            return OSS_RESUMABLE_RETRY_STOP;
        }
        const bool noCredentials = text(attempt.code) == SDK2_CREDENTIALS_ERROR;
        const bool mayComeLater = answer == Sdk2Answer::TEMPORARY_ERROR;
        if (!retryer) {
            return noCredentials && !mayComeLater ? OSS_RESUMABLE_RETRY_STOP
                                                  : OSS_RESUMABLE_RETRY_DEFAULT;
        }
        // The library has newer credentials or has corrected the clock; the retryer does not know.
        const bool isRefusal = attempt.status >= 400 && attempt.status < 500;
        if (isRefusal && attempt.status != 408 && attempt.status != 429 && attempt.would_retry) {
            return OSS_RESUMABLE_RETRY_DEFAULT;
        }
        const std::error_code error =
            noCredentials ? sdk2CredentialsError(mayComeLater) : attemptError(attempt);
        if (!retryer->isErrorRetryable(error)) {
            return OSS_RESUMABLE_RETRY_STOP;
        }
        const std::int64_t delay = retryer->calcDelayTime(error, attempt.attempts).count();
        return std::max<std::int64_t>(delay, 0);
    }

    std::shared_ptr<sdk2::Retryer> retryer;
    std::optional<uint32_t> most;
    std::atomic<Sdk2Answer> answer{Sdk2Answer::NONE};

private:
    static std::error_code attemptError(const oss_resumable_failed_attempt &attempt) {
        if (attempt.status >= SDK2_CURL_BASE) {
            return sdk2TransportError(attempt.status - SDK2_CURL_BASE);
        }
        return attempt.status >= 300
                   ? sdk2::make_server_error_code(static_cast<int>(attempt.status))
                   : make_error_code(sdk2::TransportErrorCode::SendRecvError);
    }
};

inline void sdk2CopyRetries(const std::shared_ptr<Sdk2Retries> &retries, ClientConfiguration &to) {
    if (retries->most) {
        to.maxAttempts = *retries->most;
        // The number of attempts is the limit, not the time.
        to.firstByteLimitMs = -1;
        to.noProgressLimitMs = -1;
        to.throttleLimitMs = -1;
    }
    to.retryDecision = [retries](const oss_resumable_failed_attempt &attempt) {
        return retries->decide(attempt);
    };
}

} // namespace detail
} // namespace oss_resumable

#endif /* OSS_RESUMABLE_SDK_V2_RETRIES_HPP */
