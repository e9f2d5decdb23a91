// retryMaxAttempts and retryer of the SDK's configuration.
#include <atomic>
#include <stdexcept>

#include <alibabacloud/oss2/retry/StandardRetryer.h>

#include "fixture.hpp"

using namespace tests;

namespace {

// Records what it is asked, and allows a number of attempts.
class Notes : public sdk::Retryer {
public:
    explicit Notes(long most) : most_(most) {}
    long getMaxAttempts() const override { return most_; }
    std::chrono::milliseconds calcDelayTime(const std::error_code &, long attempt) const override {
        attempts = attempt;
        return std::chrono::milliseconds(1);
    }
    bool isErrorRetryable(const std::error_code &error) const override {
        asked += 1;
        shown = error;
        return true;
    }

    mutable std::atomic<long> asked{0}, attempts{0};
    mutable std::error_code shown;

private:
    long most_;
};

// The number of requests of a download from a server with `fault`, and the code of its error.
struct Attempts {
    size_t requests;
    std::string code;
};
template <typename Change> Attempts attempts(const std::string &fault, Change change) {
    Fixture fixture({"--fault", fault});
    auto configuration = fixture.configuration();
    change(configuration);
    const auto outcome = fixture.download(configuration);
    return {fixture.wire.requests().size(), codeOf(outcome)};
}

} // namespace

TEST(SdkV2Retries, RetryMaxAttemptsIsTheMost) {
    for (const long most : {1L, 2L, 5L}) {
        const auto ended =
            attempts("status=500:InternalError", [most](auto &to) { to.retryMaxAttempts = most; });
        EXPECT_EQ(ended.requests, static_cast<size_t>(most));
        EXPECT_EQ(ended.code, "InternalError");
    }
}

TEST(SdkV2Retries, TheFirstAttemptIsAlwaysMadeAsInTheSdk) {
    const auto ended =
        attempts("status=500:InternalError", [](auto &to) { to.retryMaxAttempts = 0; });
    EXPECT_EQ(ended.requests, 1u);
}

TEST(SdkV2Retries, TheDefaultIsThreeAttemptsAsInTheSdk) {
    const auto ended = attempts("status=500:InternalError", [](auto &) {});
    EXPECT_EQ(ended.requests, 3u);
}

TEST(SdkV2Retries, ARetryerGetsTheSdksErrors) {
    const auto notes = std::make_shared<Notes>(3);
    const auto ended = attempts("status=403:Strange", [&notes](auto &to) {
        to.retryer = notes;
        to.retryMaxAttempts = 7; // the retryer's own limit has precedence, as in the SDK
    });
    EXPECT_EQ(ended.requests, 3u);
    EXPECT_EQ(ended.code, "Strange");
    EXPECT_EQ(notes->asked, 2);
    EXPECT_EQ(notes->attempts, 2);
    EXPECT_EQ(notes->shown, sdk::make_server_error_code(403));
}

TEST(SdkV2Retries, ARetryerGetsTransportErrors) {
    const auto shown = [](const std::string &fault) {
        const auto notes = std::make_shared<Notes>(2);
        attempts(fault, [&notes](auto &to) { to.retryer = notes; });
        return notes->shown;
    };
    EXPECT_EQ(shown("close-before-headers"),
              make_error_code(sdk::TransportErrorCode::SendRecvError));
    EXPECT_TRUE(shown("not-http") == sdk::ErrorCondition::Retryable);
}

TEST(SdkV2Retries, TheSdksStandardRetryerDecidesAsInTheSdk) {
    const auto standard = [](auto &to) {
        to.retryer = std::make_shared<sdk::StandardRetryer>(
            4, std::make_unique<sdk::FixedDelayBackoff>(std::chrono::milliseconds(1)));
    };
    EXPECT_EQ(attempts("status=503:ServiceUnavailable", standard).requests, 4u);
    EXPECT_EQ(attempts("status=403:AccessDenied", standard).requests, 1u);
    EXPECT_EQ(attempts("status=503:ServiceUnavailable@times:3", standard).code, "");
}

TEST(SdkV2Retries, TheSdksNopRetryerIsNoRetry) {
    const auto none = [](auto &to) { to.retryer = std::make_shared<sdk::NopRetryer>(); };
    EXPECT_EQ(attempts("status=503:ServiceUnavailable", none).requests, 1u);
}

TEST(SdkV2Retries, ARetryerIsNotAskedWhenTheClockWasCorrected) {
    Fixture fixture({"--clock-offset", "3600"});
    const auto notes = std::make_shared<Notes>(3);
    auto configuration = fixture.configuration();
    configuration.retryer = notes;
    EXPECT_DOWNLOADED(fixture.download(configuration), fixture, "1000");
    EXPECT_EQ(notes->asked, 0);
}

TEST(SdkV2Retries, AnExceptionOfARetryerLeavesTheDecisionToTheLibrary) {
    class Throwing : public Notes {
    public:
        Throwing() : Notes(3) {}
        bool isErrorRetryable(const std::error_code &) const override {
            throw std::runtime_error("no decision");
        }
    };
    const auto ended = attempts("status=500:InternalError@times:2",
                                [](auto &to) { to.retryer = std::make_shared<Throwing>(); });
    EXPECT_EQ(ended.code, "");
    EXPECT_EQ(ended.requests, 3u);
}

TEST(SdkV2Retries, TheOptionsOfAnOperationHavePrecedence) {
    Fixture fixture({"--fault", "status=500:InternalError"});
    auto configuration = fixture.configuration();
    configuration.retryMaxAttempts = 5;
    const Downloader downloader(configuration);
    sdk::OperationOptions operation;
    operation.retryMaxAttempts = 2;
    const auto outcome =
        downloader.downloadFile(Fixture::request("1000"), fixture.file(), &operation);
    EXPECT_EQ(codeOf(outcome), "InternalError");
    EXPECT_EQ(fixture.wire.requests().size(), 2u);
}

TEST(SdkV2Retries, WithANumberOfAttemptsNoTimeIsTheLimit) {
    const auto converted = [](std::optional<long> most) {
        sdk::ClientConfiguration configuration;
        configuration.retryMaxAttempts = most;
        oss_resumable::ClientConfiguration to;
        oss_resumable::detail::sdk2CopyRetries(
            std::make_shared<oss_resumable::detail::Sdk2Retries>(configuration), to);
        return std::vector<std::int64_t>{to.firstByteLimitMs, to.noProgressLimitMs,
                                         to.throttleLimitMs};
    };
    EXPECT_EQ(converted(std::nullopt), (std::vector<std::int64_t>{0, 0, 0}));
    EXPECT_EQ(converted(3), (std::vector<std::int64_t>{-1, -1, -1}));
}

TEST(SdkV2Retries, RepliesThatThrottleCountAsAttempts) {
    const auto ended =
        attempts("status=503:ServiceUnavailable", [](auto &to) { to.retryMaxAttempts = 2; });
    EXPECT_EQ(ended.requests, 2u);
    EXPECT_EQ(ended.code, "ServiceUnavailable");
}

TEST(SdkV2Retries, AttemptsAreCountedSinceTheLastNewByte) {
    Fixture fixture({"--fault", "status=503:ServiceUnavailable@from:2"});
    auto configuration = fixture.configuration();
    configuration.retryMaxAttempts = 3;
    auto options = fixture.options();
    options.parallelNum = 1;
    EXPECT_EQ(codeOf(Downloader(configuration)
                         .downloadFile(Fixture::request("1MiB"), fixture.file(), options)),
              "ServiceUnavailable");
    EXPECT_EQ(fixture.wire.requests().size(), 4u);
}
