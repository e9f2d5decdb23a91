// The SDK's own retryer, with a delay that the program sets.
#pragma once

#include <chrono>
#include <memory>
#include <system_error>
#include <utility>

#include "alibabacloud/oss2/Error.h"
#include "alibabacloud/oss2/retry/Retryer.h"

namespace alibabacloud {
namespace oss2 {

class BackoffDelayer {
public:
    virtual ~BackoffDelayer() = default;
    virtual std::chrono::milliseconds backoffDelay(long attempt,
                                                   const std::error_code &error) const = 0;
};

class FixedDelayBackoff : public BackoffDelayer {
public:
    explicit FixedDelayBackoff(std::chrono::milliseconds delay) : delay_(delay) {}
    std::chrono::milliseconds backoffDelay(long, const std::error_code &) const override {
        return delay_;
    }

private:
    std::chrono::milliseconds delay_;
};

class StandardRetryer final : public Retryer {
public:
    StandardRetryer(long maxAttempts, std::unique_ptr<BackoffDelayer> delayer)
        : maxAttempts_(maxAttempts), delayer_(std::move(delayer)) {}
    long getMaxAttempts() const override { return maxAttempts_; }
    std::chrono::milliseconds calcDelayTime(const std::error_code &error,
                                            long attempt) const override {
        return delayer_->backoffDelay(attempt, error);
    }
    bool isErrorRetryable(const std::error_code &error) const override {
        return error == ErrorCondition::Retryable;
    }

private:
    long maxAttempts_;
    std::unique_ptr<BackoffDelayer> delayer_;
};

} // namespace oss2
} // namespace alibabacloud
