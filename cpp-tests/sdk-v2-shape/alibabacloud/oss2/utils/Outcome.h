// Either a result or an error: std::expected, if the SDK was built with it, or the SDK's class.
#pragma once

#include <type_traits>
#include <utility>

#include "alibabacloud/oss2/Config.h"

#ifdef ALIBABACLOUD_OSS_USE_STD_EXPECTED
#include <expected>
#endif

namespace alibabacloud {
namespace oss2 {

#ifdef ALIBABACLOUD_OSS_USE_STD_EXPECTED

template <typename R, typename E> using Outcome = std::expected<R, E>;

template <typename E> std::unexpected<std::decay_t<E>> makeUnexpected(E &&error) {
    return std::unexpected<std::decay_t<E>>(std::forward<E>(error));
}

#else

template <typename R, typename E> class Outcome {
public:
    Outcome(R result) : result_(std::move(result)), hasValue_(true) {}
    Outcome(E error) : error_(std::move(error)) {}
    bool has_value() const { return hasValue_; }
    explicit operator bool() const { return hasValue_; }
    R &value() { return result_; }
    const R &value() const { return result_; }
    const E &error() const { return error_; }
    R *operator->() { return &result_; }
    bool isSuccess() const { return hasValue_; }

private:
    R result_;
    E error_;
    bool hasValue_ = false;
};

template <typename E> E &&makeUnexpected(E &&error) { return std::forward<E>(error); }

#endif

} // namespace oss2
} // namespace alibabacloud
