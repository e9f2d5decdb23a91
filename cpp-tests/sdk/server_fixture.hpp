// A server, a tap on the connections to it, and a directory, for tests that use the SDK's types.
#ifndef TESTS_SDK_SERVER_FIXTURE_HPP
#define TESTS_SDK_SERVER_FIXTURE_HPP

#include <string>

#include <alibabacloud/oss/OssClient.h>
#include <gtest/gtest.h>

#include "../support/signed_fixture.hpp"

namespace tests {

namespace sdk = AlibabaCloud::OSS;

class ServerFixture : public SignedFixture {
public:
    explicit ServerFixture(const Strings &arguments = {}) : SignedFixture(arguments) {}

    // generated/<size>, in small parts, with a checkpoint.
    sdk::DownloadObjectRequest request(const std::string &size) const {
        return sdk::DownloadObjectRequest("examplebucket", "generated/" + size, file(),
                                          directory.path(), PART, 3);
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
