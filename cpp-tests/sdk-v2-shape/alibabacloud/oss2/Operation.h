// The options and the error of one operation.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <system_error>
#include <utility>

#include "alibabacloud/oss2/Types.h"
#include "alibabacloud/oss2/utils/Cancellation.h"
#include "alibabacloud/oss2/utils/Outcome.h"

namespace alibabacloud {
namespace oss2 {

struct OperationOptions {
    std::optional<long> retryMaxAttempts, readWriteTimeout;
    std::optional<CancellationToken> cancellationToken;
};

class OperationError {
    using Fields = std::map<std::string, std::string>;

public:
    OperationError() = default;
    OperationError(std::string operation, std::string method, std::string target,
                   std::error_code code, Fields fields)
        : operation_(std::move(operation)), method_(std::move(method)), target_(std::move(target)),
          code_(code), fields_(std::move(fields)) {}

    const std::string &getCode() const { return field("Code"); }
    const std::string &getMessage() const { return field("Message"); }
    const std::string &getEC() const { return field("EC"); }
    const std::string &getRequestId() const { return field("RequestId"); }
    const Fields &getErrorFields() const { return fields_; }
    const HeaderCollection &getHeaders() const { return headers_; }
    const std::string &getSnapshot() const { return snapshot_; }
    const std::string &getOpName() const { return operation_; }
    const std::string &getRequestTarget() const { return target_; }
    const std::string &getMethod() const { return method_; }
    std::error_code getErrorCode() const { return code_; }
    int getStatusCode() const { return status_; }
    void setResponseResult(int status, HeaderCollection &&headers, std::string &&snapshot) {
        status_ = status;
        headers_ = std::move(headers);
        snapshot_ = std::move(snapshot);
    }

private:
    const std::string &field(const std::string &name) const {
        static const std::string nothing;
        const auto found = fields_.find(name);
        return found == fields_.end() ? nothing : found->second;
    }

    std::string operation_, method_, target_;
    std::error_code code_;
    Fields fields_;
    int status_ = 0;
    HeaderCollection headers_;
    std::string snapshot_;
};

} // namespace oss2
} // namespace alibabacloud
