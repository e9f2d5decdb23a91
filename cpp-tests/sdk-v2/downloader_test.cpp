// The Downloader itself: cancelling, disabling, copies, threads, forks and exceptions.
#include <future>
#include <memory>
#include <stdexcept>
#include <thread>

#include "fixture.hpp"

using namespace tests;

namespace {

// Downloads 1 MiB slowly and calls `then` after the first bytes.
template <typename Then>
GetObjectOutcome slowly(const Fixture &fixture, const Downloader &downloader,
                        const sdk::OperationOptions *operation, Then then) {
    auto options = fixture.options();
    bool called = false;
    options.progress = [&called, then](const oss_resumable::Status &status) {
        if (status.bytes_done > 0 && !called) {
            called = true;
            then();
        }
        return true;
    };
    return downloader.downloadFile(Fixture::request("1MiB"), fixture.file(), options, operation);
}

} // namespace

TEST(SdkV2Downloader, ATokenCancelsADownloadWhoseNextRunResumes) {
    Fixture fixture({"--rate", "400KB"});
    const Downloader downloader(fixture.configuration());
    const auto source = sdk::CancellationTokenSource::create();
    sdk::OperationOptions operation;
    operation.cancellationToken = source->getToken();
    std::thread canceller;
    const auto outcome = slowly(fixture, downloader, &operation,
                                [&] { canceller = std::thread([&source] { source->cancel(); }); });
    canceller.join();
    EXPECT_EQ(codeOf(outcome), "RequestCanceled");
    EXPECT_TRUE(outcome.error().getErrorCode() == sdk::ErrorCondition::Canceled);
    EXPECT_EQ(fixture.files().size(), 2u) << "the checkpoint is kept";

    const size_t before = fixture.wire.requests().size();
    EXPECT_DOWNLOADED(
        downloader.downloadFile(Fixture::request("1MiB"), fixture.file(), fixture.options()),
        fixture, "1MiB");
    EXPECT_NE(fixture.wire.requests().at(before).header("Range").compare(0, 8, "bytes=0-"), 0);
}

TEST(SdkV2Downloader, ATokenMayHaveADeadline) {
    Fixture fixture({"--fault", "no-reply"});
    const Downloader downloader(fixture.configuration());
    const auto source = sdk::CancellationTokenSource::create();
    source->cancelAfter(std::chrono::milliseconds(300));
    sdk::OperationOptions operation;
    operation.cancellationToken = source->getToken();
    const Stopwatch watch;
    const auto outcome =
        downloader.downloadFile(Fixture::request("1MiB"), fixture.file(), &operation);
    EXPECT_EQ(codeOf(outcome), "RequestCanceled");
    // The idle time-out is ten seconds.
    EXPECT_LT(watch.seconds(), 8);
}

TEST(SdkV2Downloader, ACancelledTokenPreventsTheDownload) {
    Fixture fixture;
    const auto source = sdk::CancellationTokenSource::create();
    source->cancel();
    sdk::OperationOptions operation;
    operation.cancellationToken = source->getToken();
    const auto outcome = Downloader(fixture.configuration())
                             .downloadFile(Fixture::request("1000"), fixture.file(), &operation);
    EXPECT_EQ(codeOf(outcome), "RequestCanceled");
    EXPECT_TRUE(fixture.wire.requests().empty() && fixture.files().empty());
}

TEST(SdkV2Downloader, ATokenWithoutASourceDoesNotCancel) {
    for (const bool hadOne : {false, true}) {
        Fixture fixture;
        sdk::OperationOptions operation;
        operation.cancellationToken =
            hadOne ? sdk::CancellationTokenSource::create()->getToken() : sdk::CancellationToken();
        EXPECT_DOWNLOADED(Downloader(fixture.configuration())
                              .downloadFile(Fixture::request("1000"), fixture.file(), &operation),
                          fixture, "1000");
    }
}

TEST(SdkV2Downloader, TheOptionsOfAnOperationMayBeNull) {
    Fixture fixture;
    const sdk::OperationOptions *none = nullptr;
    EXPECT_DOWNLOADED(Downloader(fixture.configuration())
                          .downloadFile(Fixture::request("1000"), fixture.file(), none),
                      fixture, "1000");
}

TEST(SdkV2Downloader, DisablingEndsRunningDownloadsOfAllCopiesAndPreventsNewOnes) {
    Fixture fixture({"--rate", "400KB"});
    Downloader downloader(fixture.configuration());
    Downloader copy = downloader;
    const auto outcome = slowly(fixture, downloader, nullptr, [&] { copy.disableRequest(); });
    EXPECT_EQ(codeOf(outcome), "RequestDisabled");
    EXPECT_TRUE(outcome.error().getErrorCode() == sdk::ErrorCondition::Canceled);
    const size_t sent = fixture.wire.requests().size();
    EXPECT_EQ(codeOf(downloader.downloadFile(Fixture::request("1000"), fixture.file())),
              "RequestDisabled");
    EXPECT_EQ(fixture.wire.requests().size(), sent);
    downloader.enableRequest();
    EXPECT_DOWNLOADED(
        copy.downloadFile(Fixture::request("1MiB"), fixture.file(), fixture.options()), fixture,
        "1MiB");
}

TEST(SdkV2Downloader, DisablingEndsARunningDownloadEvenIfItIsUndoneAtOnce) {
    Fixture fixture({"--rate", "400KB"});
    Downloader downloader(fixture.configuration());
    const auto outcome = slowly(fixture, downloader, nullptr, [&] {
        downloader.disableRequest();
        downloader.enableRequest();
    });
    EXPECT_EQ(codeOf(outcome), "RequestDisabled");
}

TEST(SdkV2Downloader, SeveralThreadsShareADownloader) {
    Fixture fixture;
    const Downloader downloader(fixture.configuration());
    std::vector<std::future<bool>> ends;
    for (int i = 0; i < 6; ++i) {
        const std::string file = fixture.directory.path("file" + std::to_string(i));
        ends.push_back(std::async(std::launch::async, [&downloader, file] {
            return downloader.downloadFile(Fixture::request("300000"), file).has_value() &&
                   LocalOss::isGenerated(file, "300000");
        }));
    }
    for (auto &end : ends) {
        EXPECT_TRUE(end.get());
    }
}

TEST(SdkV2Downloader, ADownloaderMadeBeforeAForkWorksInBothProcesses) {
    for (const bool used : {false, true}) {
        Fixture fixture;
        const Downloader downloader(fixture.configuration());
        if (used) {
            EXPECT_DOWNLOADED(downloader.downloadFile(Fixture::request("1000"), fixture.file()),
                              fixture, "1000");
        }
        const pid_t child = fork();
        if (child == 0) {
            const std::string file = fixture.directory.path("child");
            const bool right =
                downloader.downloadFile(Fixture::request("300000"), file).has_value() &&
                LocalOss::isGenerated(file, "300000");
            _exit(right ? 0 : 1);
        }
        int status = -1;
        waitpid(child, &status, 0);
        EXPECT_TRUE(WIFEXITED(status) && WEXITSTATUS(status) == 0) << status;
        unlink(fixture.directory.path("child").c_str());
        EXPECT_DOWNLOADED(downloader.downloadFile(Fixture::request("1MiB"), fixture.file()),
                          fixture, "1MiB");
    }
}

TEST(SdkV2Downloader, AnExceptionOfAProgressCallbackLeavesTheCall) {
    Fixture fixture;
    sdk::ProgressCallback progress;
    progress.callback = [](std::size_t, std::size_t, std::int64_t, std::uintptr_t) {
        throw std::runtime_error("enough");
    };
    const auto request = Fixture::request("1MiB").setProgressCallback(progress);
    EXPECT_THROW(fixture.download(request), std::runtime_error);
}

TEST(SdkV2Downloader, ACallbackMayEndTheDownloader) {
    Fixture fixture;
    auto downloader = std::make_unique<Downloader>(fixture.configuration());
    auto options = fixture.options();
    options.progress = [&downloader](const oss_resumable::Status &) {
        downloader.reset();
        return true;
    };
    EXPECT_DOWNLOADED(downloader->downloadFile(Fixture::request("300000"), fixture.file(), options),
                      fixture, "300000");
    EXPECT_EQ(downloader, nullptr);
}

TEST(SdkV2Downloader, ACallbackOfTheRequestMayEndTheDownloader) {
    Fixture fixture;
    auto downloader = std::make_unique<Downloader>(fixture.configuration());
    sdk::ProgressCallback progress;
    progress.callback = [&downloader](std::size_t, std::size_t, std::int64_t, std::uintptr_t) {
        downloader.reset();
    };
    const auto request = Fixture::request("300000").setProgressCallback(progress);
    const sdk::OperationOptions operation;
    EXPECT_DOWNLOADED(downloader->downloadFile(request, fixture.file(), &operation), fixture,
                      "300000");
    EXPECT_EQ(downloader, nullptr);
}

TEST(SdkV2Downloader, AMovedFromDownloaderStillWorks) {
    Fixture fixture;
    Downloader first(fixture.configuration());
    Downloader second(std::move(first));
    EXPECT_DOWNLOADED(first.downloadFile(Fixture::request("1000"), fixture.file()), fixture,
                      "1000");
    second = std::move(first);
    EXPECT_DOWNLOADED(first.downloadFile(Fixture::request("1000"), fixture.file()), fixture,
                      "1000");
}

TEST(SdkV2Downloader, CallsWithTheSameLimitsShareConnections) {
    Fixture fixture;
    const Downloader downloader(fixture.configuration());
    sdk::OperationOptions operation;
    operation.retryMaxAttempts = 5;
    operation.readWriteTimeout = 5000;
    for (int i = 0; i < 3; ++i) {
        EXPECT_DOWNLOADED(
            downloader.downloadFile(Fixture::request("1000"), fixture.file(), &operation), fixture,
            "1000");
    }
    EXPECT_EQ(fixture.wire.peers().size(), 1u);
}
