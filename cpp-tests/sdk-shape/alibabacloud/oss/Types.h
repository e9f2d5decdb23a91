// Small types.
#pragma once

#include <algorithm>
#include <cctype>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <string>

#include <alibabacloud/oss/Config.h>

namespace AlibabaCloud {
namespace OSS {

enum RequestResponseHeader {
    ContentType,
    ContentLanguage,
    Expires,
    CacheControl,
    ContentDisposition,
    ContentEncoding
};
enum LogLevel { LogOff, LogFatal, LogError, LogWarn, LogInfo, LogDebug, LogTrace, LogAll };
typedef void (*LogCallback)(LogLevel level, const std::string &stream);
enum class RequestPayer { NotSet = 0, BucketOwner, Requester };
enum class SignatureVersionType { V1, V4 };

struct caseInsensitiveLess {
    bool operator()(const std::string &left, const std::string &right) const {
        return std::lexicographical_compare(
            left.begin(), left.end(), right.begin(), right.end(),
            [](unsigned char a, unsigned char b) { return std::tolower(a) < std::tolower(b); });
    }
};
using HeaderCollection = std::map<std::string, std::string, caseInsensitiveLess>;
using MetaData = std::map<std::string, std::string, caseInsensitiveLess>;

using TransferProgressHandler =
    std::function<void(std::size_t increment, int64_t transferred, int64_t total, void *userData)>;
struct TransferProgress {
    TransferProgressHandler Handler;
    void *UserData;
};

} // namespace OSS
} // namespace AlibabaCloud
