/**
 * @file sdk_v2_outcome.hpp
 * @brief Outcomes of the OSS C++ SDK v2. Not part of the API.
 */
#ifndef OSS_RESUMABLE_SDK_V2_OUTCOME_HPP
#define OSS_RESUMABLE_SDK_V2_OUTCOME_HPP

// The SDK's headers use these headers but do not include them.
#include <cassert>
#include <cstdint>
#include <cstdlib>
#include <type_traits>
#include <utility>

#include <map>
#include <string>
#include <system_error>

#include <alibabacloud/oss2/Error.h>
#include <alibabacloud/oss2/Operation.h>
#include <alibabacloud/oss2/models/ObjectBasic.h>
#include <alibabacloud/oss2/utils/Outcome.h>

#include "outcome.hpp"
#include "sdk_v2_retries.hpp"

namespace oss_resumable {
namespace detail {

namespace sdk2 = ::alibabacloud::oss2;

/** An error code of the SDK, as text and as std::error_code. */
struct Sdk2Code {
    std::string text;
    std::error_code code;
};

inline Sdk2Code sdk2ServiceCode(const Error &from, Sdk2Answer answer) {
    return from.Status() >= 300
               ? Sdk2Code{from.Code(),
                          sdk2::make_server_error_code(static_cast<int>(from.Status()))}
           : from.Code() == SDK2_CREDENTIALS_ERROR
               // Without an answer, the provider has timed out.
               ? Sdk2Code{from.Code(), sdk2CredentialsError(answer != Sdk2Answer::PERMANENT_ERROR)}
               : Sdk2Code{from.Code(), make_error_code(sdk2::ClientErrorCode::ReadDataFail)};
}

inline Sdk2Code sdk2Code(const Error &from, Sdk2Answer answer) {
    using Client = sdk2::ClientErrorCode;
    using Transport = sdk2::TransportErrorCode;
    switch (from.Kind()) {
    case OSS_RESUMABLE_ERR_SERVICE:
        return sdk2ServiceCode(from, answer);
    case OSS_RESUMABLE_ERR_VALIDATION:
        return {from.Code() == "ValidateError" ? "ArgumentInvalid" : from.Code(),
                make_error_code(Client::ArgumentInvalid)};
    case OSS_RESUMABLE_ERR_TRANSPORT:
        return {"CURLcode " + std::to_string(from.Status() - SDK2_CURL_BASE),
                sdk2TransportError(from.Status() - SDK2_CURL_BASE)};
    case OSS_RESUMABLE_ERR_INTEGRITY:
        return {from.Code() == "CrcCheckError" ? "CRCInconsistent" : from.Code(),
                make_error_code(Client::CrcMismatch)};
    case OSS_RESUMABLE_ERR_CANCELLED:
        return {"RequestCanceled", make_error_code(Transport::Canceled)};
    case OSS_RESUMABLE_ERR_DEADLINE:
        return {from.Code(), make_error_code(Transport::Timeout)};
    case OSS_RESUMABLE_ERR_BUSY:
        return {from.Code(), make_error_code(std::errc::device_or_resource_busy)};
    case OSS_RESUMABLE_ERR_OUT_OF_MEMORY:
        return {from.Code(), make_error_code(std::errc::not_enough_memory)};
    case OSS_RESUMABLE_ERR_IO:
        return {from.Code(), from.Errno() != 0
                                 ? std::error_code(from.Errno(), std::generic_category())
                                 : make_error_code(std::errc::io_error)};
    default:
        return {from.Code(), make_error_code(Client::ReadDataFail)};
    }
}

inline sdk2::OperationError sdk2OperationError(const Sdk2Code &code, const std::string &message,
                                               const std::string &target,
                                               std::map<std::string, std::string> fields = {}) {
    fields["Code"] = code.text;
    fields["Message"] = message;
    return sdk2::OperationError("GetObject", "GET", target, code.code, std::move(fields));
}

/** `answer` is that of the credentials provider. */
inline sdk2::OperationError sdk2OperationError(const Error &from, const std::string &target,
                                               Sdk2Answer answer = Sdk2Answer::NONE) {
    std::map<std::string, std::string> fields;
    sdk2::HeaderCollection headers;
    const auto tell = [](auto &to, const char *name, const std::string &value) {
        if (!value.empty()) {
            to[name] = value;
        }
    };
    tell(fields, "RequestId", from.RequestId());
    tell(fields, "HostId", from.Host());
    tell(fields, "EC", from.Ec());
    tell(headers, "x-oss-request-id", from.RequestId());
    tell(headers, "x-oss-ec", from.Ec());
    sdk2::OperationError to =
        sdk2OperationError(sdk2Code(from, answer), from.Message(), target, std::move(fields));
    if (from.Kind() == OSS_RESUMABLE_ERR_SERVICE && from.Status() >= 100) {
        to.setResponseResult(static_cast<int>(from.Status()), std::move(headers), std::string());
    }
    return to;
}

/** The headers describe the whole file, not the part of it in the first reply. */
inline sdk2::models::GetObjectResult sdk2Result(const Result &from, std::uint64_t start,
                                                bool isRange) {
    sdk2::HeaderCollection headers;
    for (const auto &header : from.Headers()) {
        headers[header.first] = header.second;
    }
    headers["Content-Length"] = std::to_string(from.Size());
    headers.erase("Content-Range");
    if (isRange && from.Size() > 0) {
        headers["Content-Range"] = "bytes " + std::to_string(start) + "-" +
                                   std::to_string(start + from.Size() - 1) + "/" +
                                   std::to_string(from.ObjectSize());
    }
    return sdk2::models::GetObjectResult(isRange ? 206 : 200, std::move(headers));
}

} // namespace detail
} // namespace oss_resumable

#endif /* OSS_RESUMABLE_SDK_V2_OUTCOME_HPP */
