// Makes every ResumableDownloadObject() of a program that uses the OSS C++ SDK 1.10 this library's,
// without a change of the program's source. Compile this file with the program, and link with
// -Wl,@oss_resumable_sdk.wrap, or with the CMake target OssResumable::sdk, which does both.
// docs/migration.md describes it.
//
// Each function below is found in one of two ways:
// - As __wrap_NAME, which the linker option --wrap=NAME calls in place of NAME, in the program's
// own object files and
//   in those that it takes from the SDK's static library.
// - As NAME, where the SDK is a shared library: the dynamic linker prefers the program's
// definition, so the calls of
//   the program's other shared libraries come here too. The definition is weak: the one in the
//   SDK's static library takes its place.
//
// Requires C++11, but neither exceptions nor RTTI.

#include <dlfcn.h>

#include "client.hpp"
#include "names.hpp"

// Where the SDK is compiled without RTTI there is no type information of its provider to refer to.
__asm__(".weak _ZTIN12AlibabaCloud3OSS19CredentialsProviderE");

#pragma GCC visibility push(hidden)
namespace oss_resumable {
namespace linked {

// REPLACE gives a function the name that --wrap makes of `name`; ALSO defines it once more as
// `name` itself.
#define REPLACE(name) __asm__("__wrap_" name) __attribute__((used))
#define ALSO(returns, function, parameters, name, defined)                                         \
    returns function parameters __asm__(name)                                                      \
        __attribute__((weak, used, visibility("default"), alias("__wrap_" defined)))
#define REPLACE_FUNCTION(returns, function, parameters, name)                                      \
    returns function parameters REPLACE(name);                                                     \
    ALSO(returns, function##Symbol, parameters, name, name)
#define REPLACE_CONSTRUCTOR(function, parameters, NAME)                                            \
    void function parameters REPLACE(NAME("C1"));                                                  \
    void function##Base parameters __asm__("__wrap_" NAME("C2"))                                   \
        __attribute__((used, alias("__wrap_" NAME("C1"))));                                        \
    ALSO(void, function##Symbol, parameters, NAME("C1"), NAME("C1"));                              \
    ALSO(void, function##BaseSymbol, parameters, NAME("C2"), NAME("C1"))

REPLACE_CONSTRUCTOR(wrapWithKey,
                    (sdk::OssClient *, const std::string &, const std::string &,
                     const std::string &, const sdk::ClientConfiguration &),
                    SDK_NAME_WITH_KEY);
REPLACE_CONSTRUCTOR(wrapWithToken,
                    (sdk::OssClient *, const std::string &, const std::string &,
                     const std::string &, const std::string &, const sdk::ClientConfiguration &),
                    SDK_NAME_WITH_TOKEN);
REPLACE_CONSTRUCTOR(wrapWithCredentials,
                    (sdk::OssClient *, const std::string &, const sdk::Credentials &,
                     const sdk::ClientConfiguration &),
                    SDK_NAME_WITH_CREDENTIALS);
REPLACE_CONSTRUCTOR(wrapWithProvider,
                    (sdk::OssClient *, const std::string &, const Provider &,
                     const sdk::ClientConfiguration &),
                    SDK_NAME_WITH_PROVIDER);
REPLACE_FUNCTION(sdk::GetObjectOutcome, wrapDownload,
                 (const sdk::OssClient *, const sdk::DownloadObjectRequest &), SDK_NAME_DOWNLOAD);
REPLACE_FUNCTION(void, wrapSetRegion, (sdk::OssClient *, const std::string &), SDK_NAME_SET_REGION);
REPLACE_FUNCTION(void, wrapSetCloudBoxId, (sdk::OssClient *, const std::string &),
                 SDK_NAME_SET_CLOUD_BOX_ID);
REPLACE_FUNCTION(void, wrapDisable, (sdk::OssClient *), SDK_NAME_DISABLE);
REPLACE_FUNCTION(void, wrapEnable, (sdk::OssClient *), SDK_NAME_ENABLE);
REPLACE_FUNCTION(void, wrapInitialize, (), SDK_NAME_INITIALIZE);
REPLACE_FUNCTION(void, wrapShutdown, (), SDK_NAME_SHUTDOWN);
REPLACE_FUNCTION(void, wrapSetLogLevel, (sdk::LogLevel), SDK_NAME_SET_LOG_LEVEL);
REPLACE_FUNCTION(void, wrapSetLogCallback, (sdk::LogCallback), SDK_NAME_SET_LOG_CALLBACK);

// The SDK's functions, by the names that --wrap gives them. They may be in another library.
#define REAL(name) __asm__("__real_" name) __attribute__((visibility("default")))
void realWithProvider(sdk::OssClient *, const std::string &, const Provider &,
                      const sdk::ClientConfiguration &) REAL(SDK_NAME_WITH_PROVIDER("C1"));
sdk::GetObjectOutcome realDownload(const sdk::OssClient *, const sdk::DownloadObjectRequest &)
    REAL(SDK_NAME_DOWNLOAD);
void realSetRegion(sdk::OssClient *, const std::string &) REAL(SDK_NAME_SET_REGION);
void realSetCloudBoxId(sdk::OssClient *, const std::string &) REAL(SDK_NAME_SET_CLOUD_BOX_ID);
void realDisable(sdk::OssClient *) REAL(SDK_NAME_DISABLE);
void realEnable(sdk::OssClient *) REAL(SDK_NAME_ENABLE);
void realInitialize() REAL(SDK_NAME_INITIALIZE);
void realShutdown() REAL(SDK_NAME_SHUTDOWN);
void realSetLogLevel(sdk::LogLevel) REAL(SDK_NAME_SET_LOG_LEVEL);
void realSetLogCallback(sdk::LogCallback) REAL(SDK_NAME_SET_LOG_CALLBACK);

// The definition of a symbol in the SDK's shared library.
inline void *inSharedSdk(const char *name) {
    if (void *const next = dlsym(RTLD_NEXT, name)) {
        return next;
    }
    // RTLD_NEXT sees only what was loaded with the program. In a plugin, ask the library that
    // defines another function of the SDK, which is not replaced.
    Dl_info info;
    void *library = nullptr;
    if (dladdr(reinterpret_cast<void *>(&sdk::IsSdkInitialized), &info) != 0 && info.dli_fname) {
        library = dlopen(info.dli_fname, RTLD_LAZY | RTLD_NOLOAD);
    }
    return library ? dlsym(library, name) : nullptr;
}

// `real`, unless the SDK is a shared library: then that name, too, is this file's.
template <typename Function>
Function *sdkFunction(Function *real, Function *ours, const char *name) {
    // The compiler must not conclude from the two names that they are two functions.
    Function *const volatile linked = real;
    return linked == ours ? reinterpret_cast<Function *>(inSharedSdk(name)) : linked;
}

const SdkFunctions &sdkFunctions() {
    static const SdkFunctions functions = {
        sdkFunction(realWithProvider, wrapWithProvider, SDK_NAME_WITH_PROVIDER("C1")),
        sdkFunction(realDownload, wrapDownload, SDK_NAME_DOWNLOAD),
        sdkFunction(realSetRegion, wrapSetRegion, SDK_NAME_SET_REGION),
        sdkFunction(realSetCloudBoxId, wrapSetCloudBoxId, SDK_NAME_SET_CLOUD_BOX_ID),
        sdkFunction(realDisable, wrapDisable, SDK_NAME_DISABLE),
        sdkFunction(realEnable, wrapEnable, SDK_NAME_ENABLE),
        [](Level level, const std::string &text) { Log::instance().write(level, text); }};
    return functions;
}

void wrapWithKey(sdk::OssClient *self, const std::string &endpoint, const std::string &id,
                 const std::string &secret, const sdk::ClientConfiguration &configuration) {
    constructWithKey(self, endpoint, id, secret, configuration);
}
void wrapWithToken(sdk::OssClient *self, const std::string &endpoint, const std::string &id,
                   const std::string &secret, const std::string &token,
                   const sdk::ClientConfiguration &configuration) {
    constructWithToken(self, endpoint, id, secret, token, configuration);
}
void wrapWithCredentials(sdk::OssClient *self, const std::string &endpoint,
                         const sdk::Credentials &credentials,
                         const sdk::ClientConfiguration &configuration) {
    constructWithCredentials(self, endpoint, credentials, configuration);
}
void wrapWithProvider(sdk::OssClient *self, const std::string &endpoint, const Provider &provider,
                      const sdk::ClientConfiguration &configuration) {
    construct(self, endpoint, provider, configuration);
}
sdk::GetObjectOutcome wrapDownload(const sdk::OssClient *self,
                                   const sdk::DownloadObjectRequest &request) {
    return download(self, request);
}
void wrapSetRegion(sdk::OssClient *self, const std::string &region) { setRegion(self, region); }
void wrapSetCloudBoxId(sdk::OssClient *self, const std::string &id) { setCloudBoxId(self, id); }
void wrapDisable(sdk::OssClient *self) { disable(self); }
void wrapEnable(sdk::OssClient *self) { enable(self); }

void wrapInitialize() {
    sdkFunction(realInitialize, wrapInitialize, SDK_NAME_INITIALIZE)();
    Log::instance().initialized();
}
void wrapShutdown() {
    sdkFunction(realShutdown, wrapShutdown, SDK_NAME_SHUTDOWN)();
    Log::instance().shutDown();
}
void wrapSetLogLevel(sdk::LogLevel level) {
    sdkFunction(realSetLogLevel, wrapSetLogLevel, SDK_NAME_SET_LOG_LEVEL)(level);
    Log::instance().setLevel(level);
}
void wrapSetLogCallback(sdk::LogCallback callback) {
    sdkFunction(realSetLogCallback, wrapSetLogCallback, SDK_NAME_SET_LOG_CALLBACK)(callback);
    Log::instance().setCallback(reinterpret_cast<Log::Callback>(callback));
}

} // namespace linked
} // namespace oss_resumable
#pragma GCC visibility pop
