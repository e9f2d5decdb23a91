// The command line of download.cpp.
#ifndef EXAMPLE_DOWNLOAD_OPTIONS_HPP
#define EXAMPLE_DOWNLOAD_OPTIONS_HPP

#include <cstdint>
#include <cstdlib>
#include <fstream>
#include <iterator>
#include <limits>
#include <string>

#include <oss_resumable/oss_resumable.hpp>

#include "units.hpp"

struct DownloadOptions {
    std::string bucket, key, file;
    std::string endpoint;
    std::string checkpointDir;
    uint64_t partSize = OSS_RESUMABLE_DEFAULT_PART_SIZE;
    uint32_t threads = OSS_RESUMABLE_DEFAULT_THREAD_NUM;
    bool shared = false;
    bool statistics = false;
    bool help = false;
    oss_resumable::ClientConfiguration client;

    // Empty on success, otherwise what is wrong with the command line.
    std::string parse(int argc, char **argv);

    static const char *usage() {
        return "usage: download [OPTIONS] oss://BUCKET/KEY [FILE]\n"
               "\n"
               "Downloads an object of Alibaba Cloud OSS to FILE (default: the last part of KEY), "
               "in\n"
               "parallel. After an interruption, run the same command to resume.\n"
               "\n"
               "  --endpoint URL        of the service (default: $OSS_ENDPOINT, else the "
               "region's)\n"
               "  --region ID           such as cn-hangzhou (default: $OSS_REGION, else the "
               "endpoint's)\n"
               "  --part-size SIZE      100K to 5G (default: 8M)\n"
               "  --threads N           connections, 1 to 1024 (default: 3)\n"
               "  --checkpoint-dir DIR  where progress is recorded (default: beside FILE)\n"
               "  --shared              wait for others that download to FILE, and keep it if it "
               "is the object\n"
               "  --path-style          put the bucket in the path, not in the host name\n"
               "  --anonymous           do not sign requests\n"
               "  --ca-file FILE        trust these certificates (PEM) instead of the system's\n"
               "  --decryption-key FILE decrypt objects that were encrypted on the client side "
               "with "
               "this\n"
               "                        RSA private key (PEM)\n"
               "  --no-verify-tls       do not verify the server's certificate\n"
               "  --stats               print the statistics of the download\n"
               "  --help                print this\n"
               "\n"
               "Credentials come from OSS_ACCESS_KEY_ID, OSS_ACCESS_KEY_SECRET and, for temporary "
               "ones,\n"
               "OSS_SESSION_TOKEN.\n"
               "\n"
               "Exit status: 0 downloaded and verified, 1 failed, 2 wrong usage, 130 interrupted,\n"
               "143 terminated.\n";
    }

private:
    std::string parseFlag(const std::string &name);
    std::string parseValue(const std::string &name, const std::string &value);
    std::string parseObject(const std::string &url);
    void completeEndpoint();

    static bool takesValue(const std::string &name) {
        for (const char *known : {"--endpoint", "--region", "--part-size", "--threads",
                                  "--checkpoint-dir", "--ca-file", "--decryption-key"}) {
            if (name == known) {
                return true;
            }
        }
        return false;
    }
    static std::string environment(const char *name) {
        const char *value = std::getenv(name);
        return value ? value : "";
    }
};

inline std::string DownloadOptions::parse(int argc, char **argv) {
    bool onlyOperands = false;
    int operands = 0;
    for (int i = 1; i < argc; ++i) {
        std::string argument = argv[i];
        std::string problem;
        if (onlyOperands || argument.compare(0, 2, "--") != 0) {
            ++operands;
            if (operands == 1) {
                problem = parseObject(argument);
            } else if (operands == 2) {
                file = argument;
            } else {
                problem = "unexpected argument '" + argument + "'";
            }
        } else if (argument == "--") {
            onlyOperands = true;
        } else {
            const size_t equals = argument.find('=');
            const std::string name = argument.substr(0, equals);
            if (!takesValue(name)) {
                problem = parseFlag(argument);
            } else if (equals != std::string::npos) {
                problem = parseValue(name, argument.substr(equals + 1));
            } else if (i + 1 < argc) {
                problem = parseValue(name, argv[++i]);
            } else {
                problem = name + " needs a value";
            }
        }
        if (!problem.empty()) {
            return problem;
        }
    }
    if (help) {
        return "";
    }
    completeEndpoint();
    if (operands == 0) {
        return "no object is given; name it as oss://BUCKET/KEY";
    }
    return endpoint.empty() ? "no service is given; set --endpoint or --region" : "";
}

inline std::string DownloadOptions::parseFlag(const std::string &name) {
    if (name == "--shared") {
        shared = true;
    } else if (name == "--path-style") {
        client.isPathStyle = true;
    } else if (name == "--anonymous") {
        client.anonymous = true;
    } else if (name == "--no-verify-tls") {
        client.verifySSL = false;
    } else if (name == "--stats") {
        statistics = true;
    } else if (name == "--help") {
        help = true;
    } else {
        return "unknown option '" + name + "'";
    }
    return "";
}

inline std::string DownloadOptions::parseValue(const std::string &name, const std::string &value) {
    if (name == "--endpoint") {
        endpoint = value;
    } else if (name == "--region") {
        client.region = value;
    } else if (name == "--checkpoint-dir") {
        checkpointDir = value;
    } else if (name == "--ca-file") {
        client.caFile = value;
    } else if (name == "--decryption-key") {
        std::ifstream pem(value);
        const std::istreambuf_iterator<char> begin(pem), end;
        client.decryptionKeys = {{std::string(begin, end), ""}};
    } else if (name == "--part-size") {
        if (!units::parseBytes(value, partSize)) {
            return "--part-size '" + value + "' is not a size such as 8M";
        }
    } else {
        uint64_t count = 0;
        if (!units::parseBytes(value, count) || count > std::numeric_limits<uint32_t>::max()) {
            return "--threads '" + value + "' is not a number";
        }
        threads = static_cast<uint32_t>(count);
    }
    return "";
}

inline std::string DownloadOptions::parseObject(const std::string &url) {
    const std::string scheme = "oss://";
    const size_t slash = url.find('/', scheme.size());
    if (url.compare(0, scheme.size(), scheme) != 0 || slash == std::string::npos ||
        slash + 1 == url.size()) {
        return "'" + url + "' does not have the form oss://BUCKET/KEY";
    }
    bucket = url.substr(scheme.size(), slash - scheme.size());
    key = url.substr(slash + 1);
    return "";
}

inline void DownloadOptions::completeEndpoint() {
    if (client.region.empty()) {
        client.region = environment("OSS_REGION");
    }
    if (endpoint.empty()) {
        endpoint = environment("OSS_ENDPOINT");
    }
    if (endpoint.empty() && !client.region.empty()) {
        endpoint = "oss-" + client.region + ".aliyuncs.com";
    }
}

#endif
