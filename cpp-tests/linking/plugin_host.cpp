// Loads a plugin that uses the SDK, and lets it download. With WITH_CLIENT the program uses the SDK
// itself: it gives the plugin its client, and downloads with one that the plugin made.
//
//   plugin_host PLUGIN DIRECTORY          (the endpoint is in OSS_ENDPOINT)
#include <cstdio>
#include <cstdlib>
#include <iostream>
#include <string>

#include <dlfcn.h>

#ifdef WITH_CLIENT
#include <alibabacloud/oss/OssClient.h>
using namespace AlibabaCloud::OSS;

static void writeLog(LogLevel, const std::string &line) { std::cout << "log: " << line; }
#endif

template <typename Function> static Function *function(void *library, const char *name) {
    return reinterpret_cast<Function *>(dlsym(library, name));
}

int main(int argc, char **argv) {
    void *const plugin = argc == 3 ? dlopen(argv[1], RTLD_NOW | RTLD_LOCAL) : nullptr;
    const char *const endpoint = std::getenv("OSS_ENDPOINT");
    if (!plugin || !endpoint) {
        std::fprintf(stderr, "%s\n", argc == 3 ? dlerror() : "usage");
        return 2;
    }
    const std::string directory = argv[2];
    std::string code;
    function<void(const char *, const char *, std::string &)>(plugin, "downloadWithOwnClient")(
        endpoint, (directory + "/own").c_str(), code);
    std::cout << "own " << code << std::endl;
#ifdef WITH_CLIENT
    InitializeSdk();
    SetLogLevel(LogLevel::LogInfo);
    SetLogCallback(writeLog);
    const OssClient client(endpoint, "id", "secret", ClientConfiguration());
    function<void(const OssClient &, const char *, std::string &)>(
        plugin, "downloadWithGivenClient")(client, (directory + "/given").c_str(), code);
    std::cout << "given " << code << std::endl;
    OssClient *const taken = function<OssClient *(const char *)>(plugin, "newClient")(endpoint);
    const GetObjectOutcome outcome = taken->ResumableDownloadObject(
        DownloadObjectRequest("examplebucket", "generated/300000", directory + "/taken"));
    std::cout << "taken " << (outcome.isSuccess() ? "ok" : outcome.error().Code()) << std::endl;
    delete taken;
#endif
    return 0;
}
