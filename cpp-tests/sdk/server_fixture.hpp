// A server, a tap on the wire to it, and a directory, for tests with the SDK's types.
#ifndef TESTS_SDK_SERVER_FIXTURE_HPP
#define TESTS_SDK_SERVER_FIXTURE_HPP

#include <algorithm>
#include <string>
#include <vector>

#include <alibabacloud/oss/OssClient.h>
#include <gtest/gtest.h>

#include "../support/local_oss.hpp"
#include "../support/wire_tap.hpp"

namespace tests {

namespace sdk = AlibabaCloud::OSS;
using Strings = std::vector<std::string>;

const uint64_t PART = 102400;

// The server accepts nothing but requests signed with id and secret.
class ServerFixture {
public:
    explicit ServerFixture(const Strings &arguments = {})
        : oss(withKey(arguments), directory.path("server.log")), wire(oss.endpoint()) {}

    std::string file() const { return directory.path("file"); }
    // generated/<size>, in small parts, with a checkpoint.
    sdk::DownloadObjectRequest request(const std::string &size) const {
        return sdk::DownloadObjectRequest("examplebucket", "generated/" + size, file(),
                                          directory.path(), PART, 3);
    }
    // The names in the directory but the server's log.
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

} // namespace tests

#define EXPECT_DOWNLOADED(outcome, fixture, size)                                                  \
    do {                                                                                           \
        const auto &ended = (outcome);                                                             \
        EXPECT_TRUE(ended.isSuccess()) << ended.error().Code() << ": " << ended.error().Message(); \
        EXPECT_TRUE(tests::LocalOss::isGenerated((fixture).file(), size));                         \
        EXPECT_EQ((fixture).files(), tests::Strings{"file"});                                      \
    } while (false)

#endif
