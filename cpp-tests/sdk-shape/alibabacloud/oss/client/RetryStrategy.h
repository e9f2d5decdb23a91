// Decides whether failed attempts are retried.
#pragma once

#include <alibabacloud/oss/client/Error.h>

namespace AlibabaCloud {
namespace OSS {

class RetryStrategy {
public:
    virtual ~RetryStrategy() {}
    virtual bool shouldRetry(const Error &error, long attemptedRetries) const = 0;
    virtual long calcDelayTimeMs(const Error &error, long attemptedRetries) const = 0;
};

} // namespace OSS
} // namespace AlibabaCloud
