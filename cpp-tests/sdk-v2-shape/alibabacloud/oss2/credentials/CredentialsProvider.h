// Sources of access keys.
#pragma once

#include <cstdlib>
#include <functional>
#include <string>
#include <utility>

#include "alibabacloud/oss2/credentials/Credentials.h"

namespace alibabacloud {
namespace oss2 {

class CredentialsProvider {
public:
    enum class AuthType { DEFAULT, ANONYMOUS };
    virtual ~CredentialsProvider() = default;
    virtual Credentials getCredentials() = 0;
    virtual AuthType getAuthType() const { return AuthType::DEFAULT; }
};

class StaticCredentialsProvider final : public CredentialsProvider {
public:
    StaticCredentialsProvider(std::string id, std::string secret, std::string token = "")
        : key_(std::move(id), std::move(secret), std::move(token)) {}
    Credentials getCredentials() override { return key_; }

private:
    Credentials key_;
};

class CredentialsProviderFunc final : public CredentialsProvider {
public:
    explicit CredentialsProviderFunc(std::function<Credentials()> function)
        : function_(std::move(function)) {}
    Credentials getCredentials() override { return function_(); }

private:
    std::function<Credentials()> function_;
};

class EnvironmentVariableCredentialsProvider final : public CredentialsProvider {
public:
    Credentials getCredentials() override {
        const char *const id = std::getenv("OSS_ACCESS_KEY_ID");
        const char *const secret = std::getenv("OSS_ACCESS_KEY_SECRET");
        const char *const token = std::getenv("OSS_SESSION_TOKEN");
        return id && secret ? Credentials(id, secret, token ? token : "")
                            : Credentials::withError("the environment has no key");
    }
};

class AnonymousCredentialsProvider final : public CredentialsProvider {
public:
    Credentials getCredentials() override { return Credentials(); }
    AuthType getAuthType() const override { return AuthType::ANONYMOUS; }
};

} // namespace oss2
} // namespace alibabacloud
