// The SDK's credentials providers.
#include <atomic>
#include <cstdlib>
#include <stdexcept>

#include "fixture.hpp"

using namespace tests;

namespace {

using Time = std::chrono::system_clock::time_point;

// Downloads with a function as provider, and counts its calls.
struct Asked {
    explicit Asked(const Strings &arguments = {}) : fixture(arguments) {}

    template <typename Function>
    GetObjectOutcome download(Function function, const std::string &size = "1000") {
        auto configuration = fixture.configuration();
        configuration.credentialsProvider =
            std::make_shared<sdk::CredentialsProviderFunc>([this, function] {
                times += 1;
                return function(times);
            });
        return fixture.download(configuration, size);
    }

    Fixture fixture;
    std::atomic<int> times{0};
};

sdk::Credentials key(Time expiration = Time::max()) {
    return sdk::Credentials("id", "secret", "", expiration);
}

} // namespace

TEST(SdkV2Credentials, TheTokenIsSent) {
    Fixture fixture({"--token", "token"});
    auto configuration = fixture.configuration();
    configuration.credentialsProvider =
        std::make_shared<sdk::StaticCredentialsProvider>("id", "secret", "token");
    EXPECT_DOWNLOADED(fixture.download(configuration), fixture, "1000");
    EXPECT_EQ(fixture.firstRequest().header("x-oss-security-token"), "token");
}

TEST(SdkV2Credentials, TheSdksEnvironmentProviderIsUsed) {
    Fixture fixture;
    auto configuration = fixture.configuration();
    configuration.credentialsProvider =
        std::make_shared<sdk::EnvironmentVariableCredentialsProvider>();
    const Downloader downloader(configuration);
    const auto download = [&] {
        return downloader.downloadFile(Fixture::request("1000"), fixture.file());
    };
    unsetenv("OSS_ACCESS_KEY_ID");
    EXPECT_EQ(codeOf(download()), "CredentialsError");
    setenv("OSS_ACCESS_KEY_ID", "id", 1);
    setenv("OSS_ACCESS_KEY_SECRET", "secret", 1);
    EXPECT_DOWNLOADED(download(), fixture, "1000");
    unsetenv("OSS_ACCESS_KEY_ID");
    unsetenv("OSS_ACCESS_KEY_SECRET");
}

TEST(SdkV2Credentials, AnonymousRequestsHaveNoSignature) {
    Fixture fixture;
    auto configuration = fixture.configuration();
    configuration.credentialsProvider = std::make_shared<sdk::AnonymousCredentialsProvider>();
    EXPECT_EQ(codeOf(fixture.download(configuration)), "AccessDenied");
    EXPECT_FALSE(fixture.firstRequest().has("Authorization"));
}

TEST(SdkV2Credentials, APermanentFailureOfAProviderIsReportedAfterOneCall) {
    Asked asked;
    const auto outcome =
        asked.download([](int) { return sdk::Credentials::withError("the vault is closed"); });
    EXPECT_EQ(codeOf(outcome), "CredentialsError");
    EXPECT_NE(messageOf(outcome).find("the vault is closed"), std::string::npos)
        << messageOf(outcome);
    EXPECT_TRUE(outcome.error().getErrorCode() == sdk::ErrorCondition::AuthenticationError);
    EXPECT_EQ(asked.times, 1);
    EXPECT_TRUE(asked.fixture.wire.requests().empty());
}

TEST(SdkV2Credentials, ATemporaryFailureOfAProviderIsRetried) {
    Asked asked;
    const auto outcome = asked.download(
        [](int times) { return times < 3 ? sdk::Credentials::withRetryableError("busy") : key(); });
    EXPECT_DOWNLOADED(outcome, asked.fixture, "1000");
    EXPECT_EQ(asked.times, 3);
}

TEST(SdkV2Credentials, AnErrorThatIsNotUtf8IsLeftOut) {
    Asked asked;
    const auto outcome =
        asked.download([](int) { return sdk::Credentials::withError("\xff\xfe"); });
    EXPECT_EQ(codeOf(outcome), "CredentialsError");
    EXPECT_EQ(messageOf(outcome).find('\xff'), std::string::npos);
}

TEST(SdkV2Credentials, AnExceptionOfAProviderIsAnErrorWithoutItsText) {
    Asked asked;
    const auto outcome = asked.download(
        [](int) -> sdk::Credentials { throw std::runtime_error("the secret is s3cr3t"); });
    EXPECT_EQ(codeOf(outcome), "CredentialsError");
    EXPECT_EQ(messageOf(outcome).find("s3cr3t"), std::string::npos) << messageOf(outcome);
    EXPECT_EQ(asked.times, 1);
}

TEST(SdkV2Credentials, AProviderIsNotCalledAgainBeforeItsKeyExpires) {
    Asked asked({"--rate", "400KB"});
    const auto later = std::chrono::system_clock::now() + std::chrono::hours(1);
    EXPECT_DOWNLOADED(asked.download([later](int) { return key(later); }, "1MiB"), asked.fixture,
                      "1MiB");
    EXPECT_EQ(asked.times, 1);
}

TEST(SdkV2Credentials, AnExpiredTokenIsRenewedAndTheDownloadContinues) {
    Asked asked({"--fault", "expired-token@nth:2"});
    const auto later = std::chrono::system_clock::now() + std::chrono::hours(1);
    EXPECT_DOWNLOADED(asked.download([later](int) { return key(later); }, "1MiB"), asked.fixture,
                      "1MiB");
    EXPECT_EQ(asked.times, 2);
}
