// liboss_resumable_sdk_downloads.so, the half of the preloaded library that is compiled for one
// version of the SDK and refers to it. preload.cpp loads it.

#include <cstring>
#include <new>

#include "client.hpp"
#include "preload.hpp"

__asm__(".weak _ZTIN12AlibabaCloud3OSS19CredentialsProviderE");

#pragma GCC visibility push(hidden)
namespace oss_resumable {
namespace linked {
namespace {

// Set by the one call of the exported function, before any client exists.
SdkFunctions functions;
void (*writeLog)(int level, const std::string &text);

void logLine(Level level, const std::string &text) { writeLog(level, text); }

template <typename Function> void take(Function *&to, AnyFunction from) {
    to = reinterpret_cast<Function *>(from);
}

template <typename Function> AnyFunction any(Function *function) {
    return reinterpret_cast<AnyFunction>(function);
}

// Whether the SDK in this process is the one whose headers this file was compiled with: its
// configuration fills just the bytes that it has in those headers, and names that version.
bool isSameSdk() {
    using Configuration = sdk::ClientConfiguration;
    const size_t size = sizeof(Configuration), room = size + 4096;
    const unsigned char untouched = 0xa5;
    // Left as it is when the versions differ: how to destroy the configuration is then unknown.
    unsigned char *const memory = static_cast<unsigned char *>(::operator new(room));
    std::memset(memory, untouched, room);
    Configuration *const configuration = new (memory) Configuration;
    // The last member ends where the object does, and all its bytes are zero.
    for (size_t at = size - 4; at < room; ++at) {
        if ((memory[at] != untouched) != (at < size)) {
            return false;
        }
    }
    const std::string version = "aliyun-sdk-cpp/" ALIBABACLOUD_OSS_VERSION_STR " ";
    if (configuration->userAgent.compare(0, version.size(), version) != 0) {
        return false;
    }
    configuration->~Configuration();
    ::operator delete(memory);
    return true;
}

} // namespace

const SdkFunctions &sdkFunctions() { return functions; }

extern "C" __attribute__((visibility("default"))) const char *
oss_resumable_sdk_connect(const AnyFunction sdk[CALLS],
                          void (*log)(int level, const std::string &text),
                          AnyFunction replacements[CALLS]) {
    if (!isSameSdk()) {
        return "it is not the version " ALIBABACLOUD_OSS_VERSION_STR
               " that liboss_resumable_sdk.so was compiled for";
    }
    take(functions.construct, sdk[WITH_PROVIDER]);
    take(functions.download, sdk[DOWNLOAD]);
    take(functions.setRegion, sdk[SET_REGION]);
    take(functions.setCloudBoxId, sdk[SET_CLOUD_BOX_ID]);
    take(functions.disable, sdk[DISABLE]);
    take(functions.enable, sdk[ENABLE]);
    writeLog = log;
    functions.log = logLine;
    replacements[WITH_KEY] = any(constructWithKey);
    replacements[WITH_TOKEN] = any(constructWithToken);
    replacements[WITH_CREDENTIALS] = any(constructWithCredentials);
    replacements[WITH_PROVIDER] = any(construct);
    replacements[DOWNLOAD] = any(download);
    replacements[SET_REGION] = any(setRegion);
    replacements[SET_CLOUD_BOX_ID] = any(setCloudBoxId);
    replacements[DISABLE] = any(disable);
    replacements[ENABLE] = any(enable);
    return nullptr;
}

} // namespace linked
} // namespace oss_resumable
#pragma GCC visibility pop
