// A server, and this library's downloads with the types of the OSS C++ SDK v2.
#ifndef TESTS_SDK_V2_FIXTURE_HPP
#define TESTS_SDK_V2_FIXTURE_HPP

#include <memory>
#include <string>

#include <gtest/gtest.h>
#include <oss_resumable/oss_resumable_sdk_v2.hpp>

#include "../support/signed_fixture.hpp"

namespace tests {

namespace sdk = alibabacloud::oss2;
using oss_resumable::oss2::Downloader;
using oss_resumable::oss2::DownloadOptions;
using oss_resumable::oss2::GetObjectOutcome;
using sdk::models::GetObjectRequest;

class Fixture : public SignedFixture {
public:
    explicit Fixture(const Strings &arguments = {}) : SignedFixture(arguments) {}

    // With the server's region, endpoint and key.
    sdk::ClientConfiguration configuration() const {
        auto configuration = sdk::ClientConfiguration::loadDefault();
        configuration.region = "cn-hangzhou";
        configuration.endpoint = wire.endpoint();
        configuration.credentialsProvider =
            std::make_shared<sdk::StaticCredentialsProvider>("id", "secret");
        return configuration;
    }
    // With the service's host name, and the tap as the proxy.
    sdk::ClientConfiguration throughProxy() const {
        auto configuration = this->configuration();
        configuration.endpoint = "http://oss-cn-hangzhou.aliyuncs.com";
        configuration.proxyHost = wire.endpoint();
        return configuration;
    }
    // In small parts, with a checkpoint.
    DownloadOptions options() const {
        DownloadOptions options;
        options.partSize = PART;
        options.checkpointDir = directory.path();
        return options;
    }
    static GetObjectRequest request(const std::string &size) {
        return GetObjectRequest().setBucket("examplebucket").setKey("generated/" + size);
    }
    GetObjectOutcome download(const sdk::ClientConfiguration &configuration,
                              const std::string &size = "1000") const {
        return download(configuration, request(size));
    }
    GetObjectOutcome download(const sdk::ClientConfiguration &configuration,
                              const GetObjectRequest &request) const {
        return Downloader(configuration).downloadFile(request, file(), options());
    }
    GetObjectOutcome download(const GetObjectRequest &request) const {
        return download(configuration(), request);
    }
};

// The error's code, or an empty string.
inline std::string codeOf(const GetObjectOutcome &outcome) {
    return outcome.has_value() ? "" : outcome.error().getCode();
}
inline std::string messageOf(const GetObjectOutcome &outcome) {
    return outcome.has_value() ? "" : outcome.error().getMessage();
}

} // namespace tests

#define EXPECT_DOWNLOADED(outcome, fixture, size)                                                  \
    do {                                                                                           \
        const auto &ended = (outcome);                                                             \
        EXPECT_TRUE(ended.has_value()) << tests::codeOf(ended) << ": " << tests::messageOf(ended); \
        EXPECT_TRUE(tests::LocalOss::isGenerated((fixture).file(), size));                         \
        EXPECT_EQ((fixture).files(), tests::Strings{"file"});                                      \
    } while (false)

#endif
