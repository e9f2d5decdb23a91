// liboss_resumable_sdk.so, for programs that use the shared library of the OSS C++ SDK and cannot
// be linked again:
//
//   LD_PRELOAD=liboss_resumable_sdk.so ./program
//
// It takes the place of some functions of the SDK, and at the first client that is made loads its
// other half, which replaces them. Only the other half refers to the SDK, so this one does no harm
// in a program without it. Where the other half cannot be loaded, or was compiled for another
// version of the SDK, every function stays the SDK's, and a line in the SDK's log says why.

#include <string>

#include <dlfcn.h>

#include "log.hpp"
#include "names.hpp"
#include "preload.hpp"

#pragma GCC visibility push(hidden)
namespace oss_resumable {
namespace linked {

// Stands for an outcome, which is returned in memory of the caller.
struct Outcome {
    ~Outcome() {}
};

namespace {

// The SDK's definition of a function, or null. RTLD_NEXT sees only what was loaded with the
// program; for a plugin that brought the SDK along, the libraries of the caller are asked.
AnyFunction sdkFunction(const char *name, void *caller) {
    void *found = dlsym(RTLD_NEXT, name);
    Dl_info info;
    if (!found && dladdr(caller, &info) != 0 && info.dli_fname) {
        void *const library = dlopen(info.dli_fname, RTLD_LAZY | RTLD_NOLOAD);
        found = library ? dlsym(library, name) : nullptr;
    }
    return reinterpret_cast<AnyFunction>(found);
}

const char *const NAMES[CALLS] = {
    SDK_NAME_WITH_KEY("C1"),      SDK_NAME_WITH_TOKEN("C1"), SDK_NAME_WITH_CREDENTIALS("C1"),
    SDK_NAME_WITH_PROVIDER("C1"), SDK_NAME_DOWNLOAD,         SDK_NAME_SET_REGION,
    SDK_NAME_SET_CLOUD_BOX_ID,    SDK_NAME_DISABLE,          SDK_NAME_ENABLE};

void log(int level, const std::string &text) {
    Log::instance().write(static_cast<Level>(level), text);
}

// Where each call goes: to the other half, or to the SDK.
class Calls {
public:
    static const Calls &instance(void *caller) {
        static const Calls *const calls = new Calls(caller);
        return *calls;
    }
    AnyFunction operator[](Call call) const { return calls_[call]; }
    // Says why the calls are the SDK's, if they are: for each client, because there may be no
    // log yet when the first one is made.
    void explain() const {
        if (!reason_.empty()) {
            log(WARN, "downloads by the SDK: " + reason_);
        }
    }

private:
    explicit Calls(void *caller) {
        AnyFunction replacements[CALLS];
        for (int call = 0; call < CALLS; ++call) {
            calls_[call] = sdkFunction(NAMES[call], caller);
            if (!calls_[call]) {
                reason_ = std::string("it has no ") + NAMES[call];
            }
        }
        if (reason_.empty()) {
            reason_ = connect(calls_, replacements);
        }
        for (int call = 0; reason_.empty() && call < CALLS; ++call) {
            calls_[call] = replacements[call];
        }
    }

    // Returns why there is no connection, or nothing.
    static std::string connect(const AnyFunction sdk[CALLS], AnyFunction replacements[CALLS]) {
        const int mode = RTLD_NOW | RTLD_LOCAL | RTLD_NODELETE;
        void *library = dlopen(otherHalf().c_str(), mode);
        Dl_info info;
        // It finds the SDK that a plugin brought along only among what everybody may use.
        if (!library && dladdr(reinterpret_cast<void *>(sdk[DOWNLOAD]), &info) != 0 &&
            info.dli_fname && dlopen(info.dli_fname, RTLD_LAZY | RTLD_NOLOAD | RTLD_GLOBAL)) {
            library = dlopen(otherHalf().c_str(), mode);
        }
        void *const connect = library ? dlsym(library, CONNECT) : nullptr;
        if (!connect) {
            const char *const error = dlerror();
            return error ? error : "liboss_resumable_sdk_downloads.so cannot be used";
        }
        const char *const reason =
            reinterpret_cast<Connect>(connect)(sdk, linked::log, replacements);
        return reason ? reason : "";
    }

    // Beside this library, whatever the directory.
    static std::string otherHalf() {
        Dl_info info;
        std::string path;
        if (dladdr(reinterpret_cast<void *>(&Calls::instance), &info) != 0 && info.dli_fname) {
            path = info.dli_fname;
        }
        const size_t slash = path.rfind('/');
        return (slash == std::string::npos ? "" : path.substr(0, slash + 1)) + OTHER_HALF;
    }

    AnyFunction calls_[CALLS];
    std::string reason_;
};

template <typename Returned, typename... Arguments>
Returned forward(Call call, void *caller, Arguments... arguments) {
    return reinterpret_cast<Returned (*)(Arguments...)>(Calls::instance(caller)[call])(
        arguments...);
}

template <typename... Arguments> void construct(Call call, void *caller, Arguments... arguments) {
    Calls::instance(caller).explain();
    forward<void>(call, caller, arguments...);
}

} // namespace

#define CALLER __builtin_return_address(0)
#define EXPORTED __attribute__((visibility("default")))

// A constructor of an object and, with the same code, of the base of another object.
#define CONSTRUCTOR(function, parameters, NAME)                                                    \
    EXPORTED void function parameters __asm__(NAME("C1"));                                         \
    EXPORTED void function##Base parameters __asm__(NAME("C2")) __attribute__((alias(NAME("C1"))))
using Any = const void *;

CONSTRUCTOR(withKey, (void *, Any, Any, Any, Any), SDK_NAME_WITH_KEY);
CONSTRUCTOR(withToken, (void *, Any, Any, Any, Any, Any), SDK_NAME_WITH_TOKEN);
CONSTRUCTOR(withCredentials, (void *, Any, Any, Any), SDK_NAME_WITH_CREDENTIALS);
CONSTRUCTOR(withProvider, (void *, Any, Any, Any), SDK_NAME_WITH_PROVIDER);
EXPORTED Outcome download(Any, Any) __asm__(SDK_NAME_DOWNLOAD);
EXPORTED void setRegion(void *, Any) __asm__(SDK_NAME_SET_REGION);
EXPORTED void setCloudBoxId(void *, Any) __asm__(SDK_NAME_SET_CLOUD_BOX_ID);
EXPORTED void disable(void *) __asm__(SDK_NAME_DISABLE);
EXPORTED void enable(void *) __asm__(SDK_NAME_ENABLE);
EXPORTED void initialize() __asm__(SDK_NAME_INITIALIZE);
EXPORTED void shutDown() __asm__(SDK_NAME_SHUTDOWN);
EXPORTED void setLogLevel(int) __asm__(SDK_NAME_SET_LOG_LEVEL);
EXPORTED void setLogCallback(Log::Callback) __asm__(SDK_NAME_SET_LOG_CALLBACK);

void withKey(void *self, Any endpoint, Any id, Any secret, Any configuration) {
    construct(WITH_KEY, CALLER, self, endpoint, id, secret, configuration);
}
void withToken(void *self, Any endpoint, Any id, Any secret, Any token, Any configuration) {
    construct(WITH_TOKEN, CALLER, self, endpoint, id, secret, token, configuration);
}
void withCredentials(void *self, Any endpoint, Any credentials, Any configuration) {
    construct(WITH_CREDENTIALS, CALLER, self, endpoint, credentials, configuration);
}
void withProvider(void *self, Any endpoint, Any provider, Any configuration) {
    construct(WITH_PROVIDER, CALLER, self, endpoint, provider, configuration);
}
Outcome download(Any self, Any request) {
    return forward<Outcome>(DOWNLOAD, CALLER, self, request);
}
void setRegion(void *self, Any region) { forward<void>(SET_REGION, CALLER, self, region); }
void setCloudBoxId(void *self, Any id) { forward<void>(SET_CLOUD_BOX_ID, CALLER, self, id); }
void disable(void *self) { forward<void>(DISABLE, CALLER, self); }
void enable(void *self) { forward<void>(ENABLE, CALLER, self); }

void initialize() {
    sdkFunction(SDK_NAME_INITIALIZE, CALLER)();
    Log::instance().initialized();
    if (!dlsym(RTLD_NEXT, NAMES[WITH_KEY])) {
        Log::instance().write(
            WARN,
            "downloads by the SDK: it was compiled for another C++ library than oss_resumable");
    }
}
void shutDown() {
    sdkFunction(SDK_NAME_SHUTDOWN, CALLER)();
    Log::instance().shutDown();
}
void setLogLevel(int level) {
    reinterpret_cast<void (*)(int)>(sdkFunction(SDK_NAME_SET_LOG_LEVEL, CALLER))(level);
    Log::instance().setLevel(level);
}
void setLogCallback(Log::Callback callback) {
    reinterpret_cast<void (*)(Log::Callback)>(sdkFunction(SDK_NAME_SET_LOG_CALLBACK, CALLER))(
        callback);
    Log::instance().setCallback(callback);
}

} // namespace linked
} // namespace oss_resumable
#pragma GCC visibility pop
