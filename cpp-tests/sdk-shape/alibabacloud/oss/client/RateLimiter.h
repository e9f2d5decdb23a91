// A rate in KiB per second.
#pragma once

namespace AlibabaCloud {
namespace OSS {

class RateLimiter {
public:
    virtual ~RateLimiter() {}
    virtual void setRate(int rate) = 0;
    virtual int Rate() const = 0;
};

} // namespace OSS
} // namespace AlibabaCloud
