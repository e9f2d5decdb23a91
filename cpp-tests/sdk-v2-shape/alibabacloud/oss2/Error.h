// Error codes, and the conditions that they are compared with.
#pragma once

#include <string>
#include <system_error>
#include <type_traits>

namespace alibabacloud {
namespace oss2 {

enum class ErrorCondition {
    Retryable = 1,
    NonRetryable,
    Canceled,
    InvalidArgument,
    AuthenticationError
};
enum class ClientErrorCode {
    ArgumentInvalid = 1,
    CrcMismatch = 7,
    RequestDisable = 8,
    OperationCanceled = 9,
    ReadDataFail = 12
};
enum class CredentialsErrorCode { Empty = 1, FetchError, ProviderNull };
enum class TransportErrorCode {
    ConnectionFailed = 1,
    DnsError,
    SslError,
    Timeout,
    SendRecvError,
    PartialTransfer,
    Canceled,
    NotSupported,
    Unknown
};

} // namespace oss2
} // namespace alibabacloud

namespace std {
template <> struct is_error_condition_enum<alibabacloud::oss2::ErrorCondition> : true_type {};
template <> struct is_error_code_enum<alibabacloud::oss2::ClientErrorCode> : true_type {};
template <> struct is_error_code_enum<alibabacloud::oss2::CredentialsErrorCode> : true_type {};
template <> struct is_error_code_enum<alibabacloud::oss2::TransportErrorCode> : true_type {};
} // namespace std

namespace alibabacloud {
namespace oss2 {

class ShapeCategory : public std::error_category {
public:
    // `meets` tells whether a code meets a condition.
    ShapeCategory(const char *name, bool (*meets)(int code, ErrorCondition condition))
        : name_(name), meets_(meets) {}
    const char *name() const noexcept override { return name_; }
    std::string message(int code) const override { return name_ + (" " + std::to_string(code)); }
    bool equivalent(int code, const std::error_condition &condition) const noexcept override;

private:
    const char *name_;
    bool (*meets_)(int code, ErrorCondition condition);
};

inline std::error_condition make_error_condition(ErrorCondition condition) {
    static const ShapeCategory category("condition", [](int, ErrorCondition) { return false; });
    return std::error_condition(static_cast<int>(condition), category);
}
inline bool ShapeCategory::equivalent(int code,
                                      const std::error_condition &condition) const noexcept {
    const auto wanted = static_cast<ErrorCondition>(condition.value());
    return condition == make_error_condition(wanted) && meets_(code, wanted);
}

inline std::error_code make_error_code(ClientErrorCode code) {
    static const ShapeCategory category("client", [](int code, ErrorCondition condition) {
        switch (static_cast<ClientErrorCode>(code)) {
        case ClientErrorCode::ArgumentInvalid:
            return condition == ErrorCondition::InvalidArgument;
        case ClientErrorCode::CrcMismatch:
            return condition == ErrorCondition::Retryable;
        case ClientErrorCode::OperationCanceled:
            return condition == ErrorCondition::Canceled;
        default:
            return condition == ErrorCondition::NonRetryable;
        }
    });
    return std::error_code(static_cast<int>(code), category);
}
inline std::error_code make_error_code(CredentialsErrorCode code) {
    static const ShapeCategory category("credentials", [](int code, ErrorCondition condition) {
        return condition == (code == static_cast<int>(CredentialsErrorCode::FetchError)
                                 ? ErrorCondition::Retryable
                                 : ErrorCondition::AuthenticationError);
    });
    return std::error_code(static_cast<int>(code), category);
}
inline std::error_code make_error_code(TransportErrorCode code) {
    static const ShapeCategory category("transport", [](int code, ErrorCondition condition) {
        switch (static_cast<TransportErrorCode>(code)) {
        case TransportErrorCode::Canceled:
            return condition == ErrorCondition::Canceled;
        case TransportErrorCode::SslError:
        case TransportErrorCode::NotSupported:
        case TransportErrorCode::Unknown:
            return condition == ErrorCondition::NonRetryable;
        default:
            return condition == ErrorCondition::Retryable;
        }
    });
    return std::error_code(static_cast<int>(code), category);
}
// The status is the code.
inline std::error_code make_server_error_code(int status) {
    static const ShapeCategory category("server", [](int status, ErrorCondition condition) {
        return condition == (status >= 500 || status == 401 || status == 408 || status == 429
                                 ? ErrorCondition::Retryable
                                 : ErrorCondition::NonRetryable);
    });
    return std::error_code(status, category);
}

} // namespace oss2
} // namespace alibabacloud
