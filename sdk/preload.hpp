// What the two halves of the preloaded library tell each other. No type of the SDK is named here,
// because one half is loaded into programs without it.
#ifndef OSS_RESUMABLE_SDK_PRELOAD_HPP
#define OSS_RESUMABLE_SDK_PRELOAD_HPP

#include <string>

#pragma GCC visibility push(hidden)
namespace oss_resumable {
namespace linked {

// The functions of the SDK's client that are replaced.
enum Call : int {
    WITH_KEY,
    WITH_TOKEN,
    WITH_CREDENTIALS,
    WITH_PROVIDER,
    DOWNLOAD,
    SET_REGION,
    SET_CLOUD_BOX_ID,
    DISABLE,
    ENABLE,
    CALLS
};

using AnyFunction = void (*)();

// The only function that the other half exports: fills in the replacements of the SDK's
// functions, or returns why they cannot be used. The reason is not freed.
using Connect = const char *(*)(const AnyFunction sdk[CALLS],
                                void (*log)(int level, const std::string &text),
                                AnyFunction replacements[CALLS]);

const char *const CONNECT = "oss_resumable_sdk_connect";
const char *const OTHER_HALF = "liboss_resumable_sdk_downloads.so";

} // namespace linked
} // namespace oss_resumable
#pragma GCC visibility pop

#endif
