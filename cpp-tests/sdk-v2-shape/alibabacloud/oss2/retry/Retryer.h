// The interface that decides about retries.
#pragma once

#include <chrono>
#include <string>
#include <system_error>

namespace alibabacloud {
namespace oss2 {

class Retryer {
public:
    virtual ~Retryer() = default;
    virtual long getMaxAttempts() const = 0;
    virtual std::chrono::milliseconds calcDelayTime(const std::error_code &, long) const = 0;
    virtual bool isErrorRetryable(const std::error_code &) const = 0;
    virtual std::string getName() const { return ""; }
};

class NopRetryer final : public Retryer {
public:
    long getMaxAttempts() const override { return 1; }
    std::chrono::milliseconds calcDelayTime(const std::error_code &, long) const override {
        return std::chrono::milliseconds(0);
    }
    bool isErrorRetryable(const std::error_code &) const override { return false; }
};

} // namespace oss2
} // namespace alibabacloud
