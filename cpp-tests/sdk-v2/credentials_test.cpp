// The SDK's credentials providers.
#include <algorithm>
#include <atomic>
#include <cstdlib>
#include <future>
#include <stdexcept>
#include <thread>

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

TEST(SdkV2Credentials, ACancelledDownloadDoesNotWaitForTheProvider) {
    Fixture fixture;
    std::promise<void> end;
    const auto ended = end.get_future().share();
    auto configuration = fixture.configuration();
    configuration.credentialsProvider = std::make_shared<sdk::CredentialsProviderFunc>([ended] {
        ended.wait();
        return key();
    });
    const Downloader downloader(configuration);
    for (const bool limited : {false, true}) {
        const auto source = sdk::CancellationTokenSource::create();
        source->cancelAfter(std::chrono::milliseconds(100));
        sdk::OperationOptions operation;
        operation.cancellationToken = source->getToken();
        if (limited) {
            operation.retryMaxAttempts = 3;
            operation.readWriteTimeout = 5000;
        }
        // Returns at all, while the provider does not.
        EXPECT_EQ(
            codeOf(downloader.downloadFile(Fixture::request("1000"), fixture.file(), &operation)),
            "RequestCanceled");
    }
    end.set_value();
}

TEST(SdkV2Credentials, AProviderIsCalledOnceAtATimeWhateverTheLimits) {
    Fixture fixture;
    std::atomic<int> running{0}, most{0};
    auto configuration = fixture.configuration();
    configuration.credentialsProvider =
        std::make_shared<sdk::CredentialsProviderFunc>([&running, &most] {
            // Calls do not overlap, so that nothing is lost between the two operations.
            most = std::max(most.load(), ++running);
            std::this_thread::sleep_for(std::chrono::milliseconds(50));
            running -= 1;
            return key();
        });
    const Downloader downloader(configuration);
    std::vector<std::future<bool>> ends;
    for (int i = 0; i < 6; ++i) {
        const std::string file = fixture.directory.path("file" + std::to_string(i));
        ends.push_back(std::async(std::launch::async, [&downloader, file, i] {
            sdk::OperationOptions operation;
            operation.readWriteTimeout = 9000 + i;
            return downloader.downloadFile(Fixture::request("1000"), file, &operation).has_value();
        }));
    }
    for (auto &end : ends) {
        EXPECT_TRUE(end.get());
    }
    EXPECT_EQ(most, 1);
}

TEST(SdkV2Credentials, CallsWithTheSameLimitsShareAKey) {
    Fixture fixture;
    std::atomic<int> times{0};
    auto configuration = fixture.configuration();
    configuration.credentialsProvider = std::make_shared<sdk::CredentialsProviderFunc>([&times] {
        times += 1;
        return key(std::chrono::system_clock::now() + std::chrono::hours(1));
    });
    const Downloader downloader(configuration);
    sdk::OperationOptions operation;
    operation.retryMaxAttempts = 1;
    for (int i = 0; i < 3; ++i) {
        EXPECT_DOWNLOADED(
            downloader.downloadFile(Fixture::request("1000"), fixture.file(), &operation), fixture,
            "1000");
    }
    EXPECT_EQ(times, 1);
}

TEST(SdkV2Credentials, AClientThatWaitedForItsTurnGetsTheAnswerOfACallThatBeganMeanwhile) {
    std::promise<void> first, second;
    const auto ends = {first.get_future().share(), second.get_future().share()};
    std::atomic<int> times{0};
    oss_resumable::detail::Sdk2Provider provider(
        std::make_shared<sdk::CredentialsProviderFunc>([&times, &ends] {
            const int number = times++;
            ends.begin()[number].wait();
            return sdk::Credentials(std::to_string(number), "secret");
        }));
    std::vector<std::future<std::string>> answers;
    for (int i = 0; i < 4; ++i) {
        answers.push_back(std::async(std::launch::async,
                                     [&provider] { return provider.ask().getAccessKeyId(); }));
        while (times == 0) {
            std::this_thread::yield();
        }
    }
    // The others have read the number of calls long before.
    std::this_thread::sleep_for(std::chrono::milliseconds(300));
    first.set_value();
    second.set_value();
    EXPECT_EQ(answers[0].get(), "0");
    for (int i = 1; i < 4; ++i) {
        EXPECT_EQ(answers[static_cast<size_t>(i)].get(), "1");
    }
    EXPECT_EQ(times, 2);
}

TEST(SdkV2Credentials, ARetryableErrorIsReportedAsRetryable) {
    Fixture fixture;
    auto configuration = fixture.configuration();
    configuration.retryMaxAttempts = 2;
    configuration.credentialsProvider = std::make_shared<sdk::CredentialsProviderFunc>(
        [] { return sdk::Credentials::withRetryableError("busy"); });
    const auto outcome = fixture.download(configuration);
    EXPECT_EQ(codeOf(outcome), "CredentialsError");
    EXPECT_EQ(outcome.error().getErrorCode(),
              make_error_code(sdk::CredentialsErrorCode::FetchError));
    EXPECT_TRUE(outcome.error().getErrorCode() == sdk::ErrorCondition::Retryable);
}

TEST(SdkV2Credentials, AProviderThatDoesNotAnswerIsReportedAsRetryable) {
    Fixture fixture;
    std::promise<void> end;
    const auto ended = end.get_future().share();
    auto configuration = fixture.configuration();
    configuration.credentialsProvider = std::make_shared<sdk::CredentialsProviderFunc>([ended] {
        ended.wait();
        return key();
    });
    const Downloader downloader(configuration);
    const auto outcome = downloader.downloadFile(Fixture::request("1000"), fixture.file());
    end.set_value();
    EXPECT_EQ(codeOf(outcome), "CredentialsError");
    EXPECT_TRUE(outcome.error().getErrorCode() == sdk::ErrorCondition::Retryable);
    EXPECT_TRUE(fixture.wire.requests().empty());
}

TEST(SdkV2Credentials, AKeyWithANulByteIsAPermanentError) {
    Asked asked;
    const auto outcome =
        asked.download([](int) { return sdk::Credentials("id", std::string("se\0ret", 6)); });
    EXPECT_EQ(codeOf(outcome), "CredentialsError");
    EXPECT_TRUE(outcome.error().getErrorCode() == sdk::ErrorCondition::AuthenticationError);
    EXPECT_EQ(asked.times, 1);
}
