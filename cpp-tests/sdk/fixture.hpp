// A server, a tap on the connections to it, a directory, and the SDK's client with this library's
// downloads.
#ifndef TESTS_SDK_LAB_HPP
#define TESTS_SDK_LAB_HPP

#include <chrono>
#include <string>
#include <vector>

#include <gtest/gtest.h>
#include <oss_resumable/oss_resumable_sdk.hpp>

#include "../support/local_oss.hpp"
#include "../support/wire_tap.hpp"

namespace tests {

namespace sdk = AlibabaCloud::OSS;
using Client = oss_resumable::OssClient;
using Strings = std::vector<std::string>;

const uint64_t PART = 102400;

// The server accepts only requests signed with id and secret.
class Fixture {
public:
    explicit Fixture(const Strings &arguments = {})
        : oss(withKey(arguments), directory.path("server.log")), wire(oss.endpoint()) {}

    Client client(const sdk::ClientConfiguration &configuration = sdk::ClientConfiguration()) {
        return Client(wire.endpoint(), "id", "secret", configuration);
    }
    std::string file() const { return directory.path("file"); }
    // generated/<size>, in small parts, with a checkpoint.
    sdk::DownloadObjectRequest request(const std::string &size) const {
        return sdk::DownloadObjectRequest("examplebucket", "generated/" + size, file(),
                                          directory.path(), PART, 3);
    }
    // The names in the directory, except the server's log.
    Strings files() const {
        Strings names = directory.names();
        names.erase(std::remove(names.begin(), names.end(), "server.log"), names.end());
        return names;
    }
    WireRequest firstRequest() const {
        const auto requests = wire.requests();
        return requests.empty() ? WireRequest{"nothing was sent"} : requests[0];
    }

    TemporaryDirectory directory;
    LocalOss oss;
    WireTap wire;

private:
    static Strings withKey(Strings arguments) {
        arguments.insert(arguments.end(),
                         {"--access-key-id", "id", "--access-key-secret", "secret"});
        return arguments;
    }
};

// Time since its construction.
class Stopwatch {
public:
    double seconds() const {
        const auto passed = std::chrono::steady_clock::now() - start_;
        return std::chrono::duration<double>(passed).count();
    }

private:
    std::chrono::steady_clock::time_point start_ = std::chrono::steady_clock::now();
};

// Fails at the first error.
class NoRetry : public sdk::RetryStrategy {
public:
    bool shouldRetry(const sdk::Error &, long) const override { return false; }
    long calcDelayTimeMs(const sdk::Error &, long) const override { return 0; }
};

} // namespace tests

#define EXPECT_DOWNLOADED(outcome, fixture, size)                                                  \
    do {                                                                                           \
        const auto &ended = (outcome);                                                             \
        EXPECT_TRUE(ended.isSuccess()) << ended.error().Code() << ": " << ended.error().Message(); \
        EXPECT_TRUE(tests::LocalOss::isGenerated((fixture).file(), size));                         \
        EXPECT_EQ((fixture).files(), tests::Strings{"file"});                                      \
    } while (false)

#endif
