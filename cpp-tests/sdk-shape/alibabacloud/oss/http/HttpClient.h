// The interface with which a program can replace the SDK's own HTTP.
#pragma once

#include <memory>

namespace AlibabaCloud {
namespace OSS {

class HttpRequest;
class HttpResponse;

class Http {
public:
    enum Scheme { HTTP, HTTPS };
};

class HttpClient {
public:
    virtual ~HttpClient() {}
    virtual std::shared_ptr<HttpResponse>
    makeRequest(const std::shared_ptr<HttpRequest> &request) = 0;
};

class HttpInterceptor {
public:
    virtual ~HttpInterceptor() {}
    virtual void preSendRequest(void *handler, const std::shared_ptr<HttpRequest> &request) = 0;
};

} // namespace OSS
} // namespace AlibabaCloud
