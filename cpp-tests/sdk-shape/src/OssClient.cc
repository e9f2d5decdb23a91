// The client and what belongs to the whole process.
#include <cstdlib>
#include <iostream>

#include <curl/curl.h>

#include <alibabacloud/oss/OssClient.h>

namespace AlibabaCloud {
namespace OSS {

namespace {

bool initialized = false;
LogLevel logLevel = LogOff;
LogCallback logCallback = nullptr;

void write(LogLevel, const std::string &line) { std::cerr << line; }

void log(LogLevel level, const std::string &text) {
    if (logCallback && logLevel >= level) {
        logCallback(level, "[shape]" + text + "\n");
    }
}

} // namespace

// The SDK starts and ends the process's libcurl.
void InitializeSdk() {
    if (!initialized) {
        const bool isWanted = std::getenv("OSS_SDK_LOG_LEVEL") != nullptr;
        logLevel = isWanted ? LogAll : LogOff;
        logCallback = isWanted ? write : nullptr;
        curl_global_init(CURL_GLOBAL_ALL);
        initialized = true;
    }
}
bool IsSdkInitialized() { return initialized; }
void ShutdownSdk() {
    if (initialized) {
        curl_global_cleanup();
        logLevel = LogOff;
        logCallback = nullptr;
        initialized = false;
    }
}
void SetLogLevel(LogLevel level) { logLevel = level; }
void SetLogCallback(LogCallback callback) { logCallback = callback; }

// What copies of a client share.
class OssClientImpl {
public:
    explicit OssClientImpl(const std::shared_ptr<CredentialsProvider> &provider)
        : provider_(provider) {}
    GetObjectOutcome ResumableDownloadObject(const DownloadObjectRequest &) const {
        provider_->getCredentials();
        return GetObjectOutcome(OssError(isEnabled ? "Shape" : "ClientError:100002",
                                         "this would be the SDK's own download"));
    }
    bool isEnabled = true;

private:
    const std::shared_ptr<CredentialsProvider> provider_;
};

OssClient::OssClient(const std::string &endpoint, const std::string &accessKeyId,
                     const std::string &accessKeySecret, const ClientConfiguration &configuration)
    : OssClient(endpoint, accessKeyId, accessKeySecret, "", configuration) {}
OssClient::OssClient(const std::string &endpoint, const std::string &accessKeyId,
                     const std::string &accessKeySecret, const std::string &securityToken,
                     const ClientConfiguration &configuration)
    : OssClient(
          endpoint,
          std::make_shared<SimpleCredentialsProvider>(accessKeyId, accessKeySecret, securityToken),
          configuration) {}
OssClient::OssClient(const std::string &endpoint, const Credentials &credentials,
                     const ClientConfiguration &configuration)
    : OssClient(endpoint, std::make_shared<SimpleCredentialsProvider>(credentials), configuration) {
}
OssClient::OssClient(const std::string &,
                     const std::shared_ptr<CredentialsProvider> &credentialsProvider,
                     const ClientConfiguration &)
    : client_(std::make_shared<OssClientImpl>(credentialsProvider)) {}
OssClient::~OssClient() {}

GetObjectOutcome OssClient::ResumableDownloadObject(const DownloadObjectRequest &request) const {
    return client_->ResumableDownloadObject(request);
}
void OssClient::DisableRequest() { client_->isEnabled = false; }
void OssClient::EnableRequest() { client_->isEnabled = true; }
void OssClient::SetRegion(const std::string &region) { log(LogDebug, "region " + region); }
void OssClient::SetCloudBoxId(const std::string &id) { log(LogDebug, "cloud box " + id); }

} // namespace OSS
} // namespace AlibabaCloud
