// The client and the outcomes of its calls.
#pragma once

#include <iostream>
#include <memory>
#include <string>

#include <curl/curl.h>

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

// The SDK initialises and cleans up the process's libcurl.
inline void InitializeSdk() { curl_global_init(CURL_GLOBAL_ALL); }
inline void ShutdownSdk() { curl_global_cleanup(); }

class OssClientImpl {};

class OssClient {
public:
    OssClient(const std::string &, const std::string &, const std::string &,
              const ClientConfiguration &) {}
    OssClient(const std::string &, const std::string &, const std::string &, const std::string &,
              const ClientConfiguration &) {}
    OssClient(const std::string &, const Credentials &, const ClientConfiguration &) {}
    OssClient(const std::string &, const std::shared_ptr<CredentialsProvider> &,
              const ClientConfiguration &) {}
    virtual ~OssClient() {}

    GetObjectOutcome ResumableDownloadObject(const DownloadObjectRequest &) const {
        return GetObjectOutcome(OssError("Shape", "only the shape of a client"));
    }
    void DisableRequest() {}
    void EnableRequest() {}
    void SetRegion(const std::string &) {}
    void SetCloudBoxId(const std::string &) {}

protected:
    std::shared_ptr<OssClientImpl> client_;
};

} // namespace OSS
} // namespace AlibabaCloud
