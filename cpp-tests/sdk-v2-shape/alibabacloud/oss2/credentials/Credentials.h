// An access key, or an error.
#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <utility>

namespace alibabacloud {
namespace oss2 {

class Credentials {
    using Time = std::chrono::system_clock::time_point;

public:
    Credentials() = default;
    Credentials(std::string id, std::string secret, std::string token = "",
                Time expiration = Time::max())
        : id_(std::move(id)), secret_(std::move(secret)), token_(std::move(token)),
          expiration_(expiration) {}
    static Credentials withError(std::string error) { return failed(std::move(error), false); }
    static Credentials withRetryableError(std::string error) {
        return failed(std::move(error), true);
    }

    const std::string &getAccessKeyId() const { return id_; }
    const std::string &getAccessKeySecret() const { return secret_; }
    const std::string &getSessionToken() const { return token_; }
    const Time &getExpiration() const { return expiration_; }
    const std::optional<std::string> &getError() const { return error_; }
    bool isErrorRetryable() const { return retryable_; }
    bool hasKeys() const { return !id_.empty() && !secret_.empty(); }

private:
    static Credentials failed(std::string error, bool retryable) {
        Credentials none;
        none.error_ = std::move(error);
        none.retryable_ = retryable;
        return none;
    }

    std::string id_, secret_, token_;
    Time expiration_ = Time::max();
    std::optional<std::string> error_;
    bool retryable_ = false;
};

} // namespace oss2
} // namespace alibabacloud
