// A server, a tap on the connections to it, a directory, and the SDK's client with this library's
// downloads.
#ifndef TESTS_SDK_LAB_HPP
#define TESTS_SDK_LAB_HPP

#include <string>

#include <gtest/gtest.h>
#include <oss_resumable/oss_resumable_sdk.hpp>

#include "../support/signed_fixture.hpp"

namespace tests {

namespace sdk = AlibabaCloud::OSS;
using Client = oss_resumable::OssClient;

class Fixture : public SignedFixture {
public:
    explicit Fixture(const Strings &arguments = {}) : SignedFixture(arguments) {}

    Client client(const sdk::ClientConfiguration &configuration = sdk::ClientConfiguration()) {
        return Client(wire.endpoint(), "id", "secret", configuration);
    }
    // generated/<size>, in small parts, with a checkpoint.
    sdk::DownloadObjectRequest request(const std::string &size) const {
        return sdk::DownloadObjectRequest("examplebucket", "generated/" + size, file(),
                                          directory.path(), PART, 3);
    }
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
