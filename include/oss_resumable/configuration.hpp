/**
 * @file configuration.hpp
 * @brief Options of a client. Include oss_resumable.hpp instead.
 */
#ifndef OSS_RESUMABLE_CONFIGURATION_HPP
#define OSS_RESUMABLE_CONFIGURATION_HPP

#include <cstdint>
#include <exception>
#include <functional>
#include <string>
#include <vector>

#include "detail.hpp"
#include "encryption.hpp"
#include "oss_resumable.h"

namespace oss_resumable {

/** An access key. For one that does not expire, `securityToken` is empty and `expiresUnixMs` is
 * 0. */
struct Credentials {
    std::string accessKeyId;
    std::string accessKeySecret;
    std::string securityToken;
    /** Time of expiry, in milliseconds since 1970-01-01 UTC. */
    int64_t expiresUnixMs;
};

enum class SignatureVersionType { V1, V4 };
enum class ProxyScheme { HTTP, HTTPS };

/** Options of a client; see oss_resumable_client_options. */
struct ClientConfiguration {
    /** Empty: taken from the endpoint, or set later by Client::SetRegion(). */
    std::string region;
    SignatureVersionType signatureVersion = SignatureVersionType::V4;
    bool isPathStyle = false;
    bool isCname = false;
    /** Send requests without a signature. */
    bool anonymous = false;
    bool verifySSL = true;
    std::string caFile;
    std::string caPath;
    std::string userAgent;
    /** Empty: `http_proxy`, `https_proxy` and `all_proxy` of the environment apply. */
    std::string proxyHost;
    ProxyScheme proxyScheme = ProxyScheme::HTTP;
    uint32_t proxyPort = 0;
    std::string proxyUserName;
    std::string proxyPassword;
    std::string networkInterface;
    /** Bandwidth limit in bytes per second, over all downloads; 0: no limit. */
    uint64_t maxBandwidth = 0;
    bool enableCrc64 = true;
    bool enableDateSkewAdjustment = true;
    /** Times in milliseconds; 0: default, -1: no limit. */
    int64_t connectTimeoutMs = 0;
    int64_t idleTimeoutMs = 0;
    int64_t firstByteLimitMs = 0;
    int64_t noProgressLimitMs = 0;
    int64_t throttleLimitMs = 0;
    /** 0: default. */
    uint32_t maxAttempts = 0;
    uint32_t maxWorkers = 0;
    /** Downloads that run at once, further ones are queued; connections of all of them together.
     * 0: default. */
    uint32_t maxActiveDownloads = 0;
    uint32_t maxConnections = 0;
    int32_t logLevel = 0;
    /** These callbacks run on threads of the library. A provider that has no credentials returns an
     * empty `accessKeyId`. */
    std::function<Credentials()> credentialsProvider;
    /** Used instead of `credentialsProvider` if set. Returns false without credentials, and may
     * then set `reason`, which becomes part of the error's message and must not contain secrets. */
    std::function<bool(Credentials &key, std::string &reason)> credentialsSource;
    std::function<int64_t(const oss_resumable_failed_attempt &)> retryDecision;
    std::function<void(int32_t level, const std::string &message)> log;
    /** Receives a record of each HTTP request that has ended; see oss_resumable_trace. */
    std::function<void(const oss_resumable_trace_record &)> trace;
    /** Keys for objects that were encrypted on the client side. */
    std::vector<DecryptionKey> decryptionKeys;
    /** Unwraps the content keys of encrypted objects for which no decryption key is. */
    KeyUnwrapper keyUnwrapper;
};

namespace detail {

/** What a client calls for as long as it lives. It needs nothing else of its configuration, which
 * contains private keys. */
struct Callbacks {
    explicit Callbacks(const ClientConfiguration &from)
        : credentialsProvider(from.credentialsProvider), credentialsSource(from.credentialsSource),
          retryDecision(from.retryDecision), log(from.log) {}
    const decltype(ClientConfiguration::credentialsProvider) credentialsProvider;
    const decltype(ClientConfiguration::credentialsSource) credentialsSource;
    const decltype(ClientConfiguration::retryDecision) retryDecision;
    const decltype(ClientConfiguration::log) log;
};

/** The C options of a client. Owns the data they point to, which oss_resumable_client_new()
 * copies. */
class COptions {
public:
    /** `endpoint` is NULL for a client that only downloads from URLs. */
    COptions(const char *endpoint, const Credentials *key, const ClientConfiguration &from) {
        oss_resumable_client_options &to = options_;
        to.endpoint = endpoint;
        to.region = optional(from.region);
        if (key) {
            to.access_key_id = key->accessKeyId.c_str();
            to.access_key_secret = key->accessKeySecret.c_str();
            to.security_token = optional(key->securityToken);
        }
        to.ca_file = optional(from.caFile);
        to.ca_path = optional(from.caPath);
        to.user_agent = optional(from.userAgent);
        to.proxy_host = optional(from.proxyHost);
        to.proxy_user = optional(from.proxyUserName);
        to.proxy_password = optional(from.proxyPassword);
        to.proxy_port = from.proxyPort;
        to.proxy_scheme = from.proxyScheme == ProxyScheme::HTTPS ? OSS_RESUMABLE_PROXY_HTTPS
                                                                 : OSS_RESUMABLE_PROXY_HTTP;
        to.network_interface = optional(from.networkInterface);
        to.max_bandwidth = from.maxBandwidth;
        to.connect_timeout_ms = from.connectTimeoutMs;
        to.idle_timeout_ms = from.idleTimeoutMs;
        to.first_byte_limit_ms = from.firstByteLimitMs;
        to.no_progress_limit_ms = from.noProgressLimitMs;
        to.throttle_limit_ms = from.throttleLimitMs;
        to.max_attempts = from.maxAttempts;
        to.max_workers = from.maxWorkers;
        to.max_active_downloads = from.maxActiveDownloads;
        to.max_connections = from.maxConnections;
        to.log_level = from.logLevel;
        to.signature_version = from.signatureVersion == SignatureVersionType::V1
                                   ? OSS_RESUMABLE_SIGNATURE_V1
                                   : OSS_RESUMABLE_SIGNATURE_V4;
        to.address_style = from.isCname       ? OSS_RESUMABLE_ADDRESS_CNAME
                           : from.isPathStyle ? OSS_RESUMABLE_ADDRESS_PATH
                                              : OSS_RESUMABLE_ADDRESS_AUTO;
        to.anonymous = on(from.anonymous);
        to.verify_tls = on(from.verifySSL);
        to.verify_crc = on(from.enableCrc64);
        to.correct_clock = on(from.enableDateSkewAdjustment);
        to.credentials_provider =
            from.credentialsProvider || from.credentialsSource ? provide : nullptr;
        to.retry_decision = from.retryDecision ? decide : nullptr;
        to.log = from.log ? write : nullptr;
        for (const DecryptionKey &held : from.decryptionKeys) {
            keys_.push_back(oss_resumable_decryption_key{held.pem.c_str(), optional(held.matdesc)});
        }
        to.decryption_keys = keys_.data();
        to.decryption_keys_count = keys_.size();
        if (from.keyUnwrapper) {
            to.key_unwrapper = unwrapKey;
            to.key_unwrapper_user_data = new KeyUnwrapper(from.keyUnwrapper);
            to.key_unwrapper_user_data_free = [](void *data) {
                delete static_cast<KeyUnwrapper *>(data);
            };
        }
        if (from.trace) {
            to.trace = traced;
            to.trace_user_data = new Trace(from.trace);
            to.trace_user_data_free = [](void *data) { delete static_cast<Trace *>(data); };
        }
        to.user_data = new Callbacks(from);
        to.user_data_free = [](void *data) { delete static_cast<Callbacks *>(data); };
    }

    COptions(const COptions &) = delete;
    COptions &operator=(const COptions &) = delete;

    const oss_resumable_client_options *get() const { return &options_; }

private:
    using Trace = decltype(ClientConfiguration::trace);

    static bool ask(const Callbacks &from, Credentials &key, std::string &reason) {
        if (from.credentialsSource) {
            return from.credentialsSource(key, reason);
        }
        key = from.credentialsProvider();
        return !key.accessKeyId.empty();
    }
    static void provide(oss_resumable_credentials_sink *sink, void *data) {
        std::exception_ptr thrown;
        contained(0, thrown, [sink, data] {
            Credentials key = Credentials();
            std::string reason;
            if (!ask(callbacks(data), key, reason)) {
                const oss_resumable_code told =
                    reason.empty() ? OSS_RESUMABLE_ERR_VALIDATION
                                   : oss_resumable_credentials_fail(sink, reason.c_str());
                return told == OSS_RESUMABLE_OK
                           ? told
                           : oss_resumable_credentials_fail(sink, "the provider has none");
            }
            return oss_resumable_credentials_set(sink, key.accessKeyId.c_str(),
                                                 key.accessKeySecret.c_str(),
                                                 optional(key.securityToken), key.expiresUnixMs);
        });
        if (thrown) {
            oss_resumable_credentials_fail(sink, "the provider threw an exception");
        }
    }
    static int64_t decide(const oss_resumable_failed_attempt *attempt, void *data) {
        std::exception_ptr thrown;
        return contained(int64_t{OSS_RESUMABLE_RETRY_DEFAULT}, thrown,
                         [attempt, data] { return callbacks(data).retryDecision(*attempt); });
    }
    static void write(int32_t level, const char *message, void *data) {
        std::exception_ptr thrown;
        contained(0, thrown, [level, message, data] {
            callbacks(data).log(level, message);
            return 0;
        });
    }
    static void traced(const oss_resumable_trace_record *record, void *data) {
        std::exception_ptr thrown;
        contained(0, thrown, [record, data] {
            (*static_cast<const Trace *>(data))(*record);
            return 0;
        });
    }
    static const Callbacks &callbacks(void *data) { return *static_cast<const Callbacks *>(data); }

    oss_resumable_client_options options_ = OSS_RESUMABLE_CLIENT_OPTIONS_INIT;
    std::vector<oss_resumable_decryption_key> keys_;
};

} // namespace detail
} // namespace oss_resumable

#endif /* OSS_RESUMABLE_CONFIGURATION_HPP */
