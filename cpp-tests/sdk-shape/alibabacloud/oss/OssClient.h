// The client, and what its calls answer with.
#pragma once

#include <iostream>
#include <memory>
#include <string>

#include <alibabacloud/oss/Types.h>
#include <alibabacloud/oss/auth/CredentialsProvider.h>
#include <alibabacloud/oss/client/ClientConfiguration.h>
#include <alibabacloud/oss/model/DownloadObjectRequest.h>
#include <alibabacloud/oss/model/GetObjectResult.h>

namespace AlibabaCloud {
namespace OSS {

class OssError {
public:
    OssError() = default;
    OssError(const std::string &code, const std::string &message)
        : code_(code), message_(message) {}
    const std::string &Code() const { return code_; }
    const std::string &Message() const { return message_; }
    const std::string &RequestId() const { return requestId_; }
    const std::string &Host() const { return host_; }
    void setRequestId(const std::string &value) { requestId_ = value; }
    void setHost(const std::string &value) { host_ = value; }

private:
    std::string code_, message_, requestId_, host_;
};

template <typename E, typename R> class Outcome {
public:
    Outcome(const E &error) : error_(error) {}
    Outcome(const R &result) : success_(true), result_(result) {}
    bool isSuccess() const { return success_; }
    const E &error() const { return error_; }
    const R &result() const { return result_; }

private:
    bool success_ = false;
    E error_;
    R result_;
};
using GetObjectOutcome = Outcome<OssError, GetObjectResult>;

void InitializeSdk();
bool IsSdkInitialized();
void ShutdownSdk();
void SetLogLevel(LogLevel level);
void SetLogCallback(LogCallback callback);

class OssClientImpl;

class OssClient {
public:
    OssClient(const std::string &endpoint, const std::string &accessKeyId,
              const std::string &accessKeySecret, const ClientConfiguration &configuration);
    OssClient(const std::string &endpoint, const std::string &accessKeyId,
              const std::string &accessKeySecret, const std::string &securityToken,
              const ClientConfiguration &configuration);
    OssClient(const std::string &endpoint, const Credentials &credentials,
              const ClientConfiguration &configuration);
    OssClient(const std::string &endpoint,
              const std::shared_ptr<CredentialsProvider> &credentialsProvider,
              const ClientConfiguration &configuration);
    virtual ~OssClient();

    GetObjectOutcome ResumableDownloadObject(const DownloadObjectRequest &request) const;
    void DisableRequest();
    void EnableRequest();
    void SetRegion(const std::string &region);
    void SetCloudBoxId(const std::string &cloudboxId);

protected:
    std::shared_ptr<OssClientImpl> client_;
};

} // namespace OSS
} // namespace AlibabaCloud
