// Where access keys come from.
#include <cstdlib>

#include <alibabacloud/oss/auth/CredentialsProvider.h>

namespace AlibabaCloud {
namespace OSS {

namespace {

std::string variable(const char *name) {
    const char *value = std::getenv(name);
    return value ? value : "";
}

} // namespace

CredentialsProvider::~CredentialsProvider() {}

SimpleCredentialsProvider::SimpleCredentialsProvider(const Credentials &credentials)
    : credentials_(credentials) {}
SimpleCredentialsProvider::SimpleCredentialsProvider(const std::string &accessKeyId,
                                                     const std::string &accessKeySecret,
                                                     const std::string &securityToken)
    : credentials_(accessKeyId, accessKeySecret, securityToken) {}
Credentials SimpleCredentialsProvider::getCredentials() { return credentials_; }

Credentials EnvironmentVariableCredentialsProvider::getCredentials() {
    return Credentials(variable("OSS_ACCESS_KEY_ID"), variable("OSS_ACCESS_KEY_SECRET"),
                       variable("OSS_SESSION_TOKEN"));
}

} // namespace OSS
} // namespace AlibabaCloud
