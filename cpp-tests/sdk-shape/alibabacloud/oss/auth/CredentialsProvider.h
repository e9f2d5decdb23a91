// Access keys and their providers.
#pragma once

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
    CredentialsProvider() = default;
    virtual ~CredentialsProvider();
    virtual Credentials getCredentials() = 0;
};

class SimpleCredentialsProvider : public CredentialsProvider {
public:
    explicit SimpleCredentialsProvider(const Credentials &credentials);
    SimpleCredentialsProvider(const std::string &accessKeyId, const std::string &accessKeySecret,
                              const std::string &securityToken = "");
    Credentials getCredentials() override;

private:
    Credentials credentials_;
};

class EnvironmentVariableCredentialsProvider : public CredentialsProvider {
public:
    Credentials getCredentials() override;
};

} // namespace OSS
} // namespace AlibabaCloud
