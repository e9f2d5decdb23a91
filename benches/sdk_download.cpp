// The OSS C++ SDK as a command for measurements: one download, with the arguments of download.c.
//
//   sdk_download ENDPOINT BUCKET KEY FILE [NAME=VALUE...]
//
// It has no option "flush": the SDK never flushes.
#include <cstdint>
#include <cstdlib>
#include <iostream>
#include <string>

#include <alibabacloud/oss/OssClient.h>

using namespace AlibabaCloud::OSS;

namespace {

struct Options {
    std::uint64_t part_size = 8 * 1024 * 1024;
    std::uint32_t threads = 3;
    std::string checkpoint_dir;
    std::string ca_file;
};

bool apply(const std::string &argument, Options &options) {
    const auto equals = argument.find('=');
    if (equals == std::string::npos) {
        return false;
    }
    const auto name = argument.substr(0, equals);
    const auto value = argument.substr(equals + 1);
    if (name == "part-size") {
        options.part_size = std::strtoull(value.c_str(), nullptr, 10);
    } else if (name == "threads") {
        options.threads = static_cast<std::uint32_t>(std::strtoul(value.c_str(), nullptr, 10));
    } else if (name == "checkpoint-dir") {
        options.checkpoint_dir = value;
    } else if (name == "ca-file") {
        options.ca_file = value;
    } else {
        return false;
    }
    return true;
}

int download(char **argv, const Options &options) {
    ClientConfiguration configuration;
    configuration.maxConnections = options.threads;
    if (!options.ca_file.empty()) {
        configuration.verifySSL = true;
        configuration.caFile = options.ca_file;
    }
    const OssClient client(argv[1], "id", "secret", configuration);
    const DownloadObjectRequest request(argv[2], argv[3], argv[4], options.checkpoint_dir,
                                        options.part_size, options.threads);
    const auto outcome = client.ResumableDownloadObject(request);
    if (!outcome.isSuccess()) {
        std::cerr << "sdk_download: " << outcome.error().Code() << ": " << outcome.error().Message()
                  << '\n';
        return 1;
    }
    return 0;
}

} // namespace

int main(int argc, char **argv) {
    Options options;
    if (argc < 5) {
        std::cerr << "usage: sdk_download ENDPOINT BUCKET KEY FILE [NAME=VALUE...]\n";
        return 2;
    }
    for (int i = 5; i < argc; i++) {
        if (!apply(argv[i], options)) {
            std::cerr << "sdk_download: unknown option " << argv[i] << '\n';
            return 2;
        }
    }
    InitializeSdk();
    const int code = download(argv, options);
    ShutdownSdk();
    return code;
}
