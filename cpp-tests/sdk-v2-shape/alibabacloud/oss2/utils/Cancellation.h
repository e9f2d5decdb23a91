// Cancels an operation, immediately or after a time.
#pragma once

#include <atomic>
#include <chrono>
#include <memory>
#include <utility>

namespace alibabacloud {
namespace oss2 {

class CancellationToken {
    using Clock = std::chrono::steady_clock;

public:
    CancellationToken() = default;
    bool canBeCanceled() const { return deadline_ != nullptr; }
    bool isCanceled() const { return deadline_ && deadline_->load() <= Clock::now(); }

private:
    friend class CancellationTokenSource;
    using Deadline = std::shared_ptr<std::atomic<Clock::time_point>>;

    explicit CancellationToken(Deadline deadline) : deadline_(std::move(deadline)) {}

    Deadline deadline_;
};

class CancellationTokenSource {
    using Clock = std::chrono::steady_clock;

public:
    static std::shared_ptr<CancellationTokenSource> create() {
        return std::make_shared<CancellationTokenSource>();
    }
    void cancel() { deadline_->store(Clock::now()); }
    void cancelAfter(std::chrono::milliseconds time) { deadline_->store(Clock::now() + time); }
    CancellationToken getToken() { return CancellationToken(deadline_); }

private:
    CancellationToken::Deadline deadline_ =
        std::make_shared<std::atomic<Clock::time_point>>(Clock::time_point::max());
};

} // namespace oss2
} // namespace alibabacloud
