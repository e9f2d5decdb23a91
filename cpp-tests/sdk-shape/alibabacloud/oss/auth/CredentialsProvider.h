// Access keys and their providers.
#pragma once

#include <cstdlib>
#include <string>

namespace AlibabaCloud {
namespace OSS {

class Credentials {
public:
    Credentials(const std::string &accessKeyId, const std::string &accessKeySecret,
                const std::string &sessionToken = "")
        : id_(accessKeyId), secret_(accessKeySecret), token_(sessionToken) {}
    const std::string &AccessKeyId() const { return id_; }
    const std::string &AccessKeySecret() const { return secret_; }
    const std::string &SessionToken() const { return token_; }

private:
    std::string id_, secret_, token_;
};

class CredentialsProvider {
public:
    virtual ~CredentialsProvider() {}
    virtual Credentials getCredentials() = 0;
};

class SimpleCredentialsProvider : public CredentialsProvider {
public:
    explicit SimpleCredentialsProvider(const Credentials &credentials)
        : credentials_(credentials) {}
    SimpleCredentialsProvider(const std::string &accessKeyId, const std::string &accessKeySecret,
                              const std::string &securityToken = "")
        : credentials_(accessKeyId, accessKeySecret, securityToken) {}
    Credentials getCredentials() override { return credentials_; }

private:
    Credentials credentials_;
};

class EnvironmentVariableCredentialsProvider : public CredentialsProvider {
public:
    Credentials getCredentials() override {
        return Credentials(read("OSS_ACCESS_KEY_ID"), read("OSS_ACCESS_KEY_SECRET"),
                           read("OSS_SESSION_TOKEN"));
    }

private:
    static std::string read(const char *name) {
        const char *value = std::getenv(name);
        return value ? value : "";
    }
};

} // namespace OSS
} // namespace AlibabaCloud
