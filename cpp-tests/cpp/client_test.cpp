// The C++ header: the SDK's names and meanings over the C API.
#include <chrono>
#include <fstream>
#include <iterator>
#include <stdexcept>
#include <string>
#include <thread>
#include <type_traits>
#include <utility>

#include <gtest/gtest.h>
#include <oss_resumable/oss_resumable.hpp>

#include "../support/anonymous_client.hpp"
#include "../support/local_oss.hpp"

using namespace oss_resumable;
using tests::anonymousClient;
using tests::LocalOss;
using tests::TemporaryDirectory;

static_assert(std::is_move_constructible<Client>::value, "a client can be moved");
static_assert(!std::is_copy_constructible<Client>::value, "a client cannot be copied");
static_assert(std::is_move_constructible<Download>::value, "a download can be moved");
static_assert(!std::is_copy_constructible<Download>::value, "a download cannot be copied");

TEST(Cpp, TheUsersExampleWorks) {
    const LocalOss oss({"--access-key-id", "id", "--access-key-secret", "secret"});
    const TemporaryDirectory directory;
    setenv("OSS_ACCESS_KEY_ID", "id", 1);
    setenv("OSS_ACCESS_KEY_SECRET", "secret", 1);
    Client client(oss.endpoint());
    EXPECT_FALSE(client.SetRegion("cn-hangzhou").isSet());
    DownloadObjectRequest request("examplebucket", "generated/1MiB", directory.path("file"),
                                  directory.path());
    const auto outcome = client.ResumableDownloadObject(request);
    ASSERT_TRUE(outcome.isSuccess()) << outcome.error().Message();
    EXPECT_TRUE(LocalOss::isGenerated(directory.path("file"), "1MiB"));
    EXPECT_EQ(outcome.result().Size(), 1u << 20);
    EXPECT_EQ(outcome.result().FilePath(), directory.path("file"));
    EXPECT_EQ(directory.names(), std::vector<std::string>{"file"});
}

TEST(Cpp, AnErrorHasTheFieldsOfTheSdks) {
    const LocalOss oss;
    const TemporaryDirectory directory;
    auto client = anonymousClient(oss);
    const auto outcome = client.ResumableDownloadObject(
        DownloadObjectRequest("examplebucket", "missing", directory.path("file")));
    ASSERT_FALSE(outcome.isSuccess());
    EXPECT_EQ(outcome.error().Code(), "NoSuchKey");
    EXPECT_EQ(outcome.error().Status(), 404);
    EXPECT_EQ(outcome.error().Kind(), OSS_RESUMABLE_ERR_SERVICE);
    EXPECT_FALSE(outcome.error().RequestId().empty());
}

TEST(Cpp, AClientThatCannotBeCreatedReportsWhyAtEachDownload) {
    Client client("ftp://nowhere");
    EXPECT_FALSE(client.isValid());
    const auto outcome = client.ResumableDownloadObject(DownloadObjectRequest("bucket", "key"));
    EXPECT_EQ(outcome.error().Code(), "ValidateError");
    EXPECT_EQ(outcome.error().Message(), client.error().Message());
}

TEST(Cpp, ThreadNumZeroBecomesOneInTheConstructorAndIsRefusedFromTheSetter) {
    const LocalOss oss;
    const TemporaryDirectory directory;
    auto client = anonymousClient(oss);
    DownloadObjectRequest request("examplebucket", "generated/1000", directory.path("file"),
                                  directory.path(), OSS_RESUMABLE_DEFAULT_PART_SIZE, 0);
    EXPECT_EQ(request.ThreadNum(), 1u);
    EXPECT_TRUE(client.ResumableDownloadObject(request).isSuccess());
    request.setThreadNum(0);
    EXPECT_EQ(client.ResumableDownloadObject(request).error().Code(), "ValidateError");
    request.setThreadNum(3);
    request.setPartSize(0);
    EXPECT_EQ(client.StartDownload(request).error().Code(), "ValidateError");
}

TEST(Cpp, ANulInAStringIsRefusedAndNotTruncated) {
    Client client("http://127.0.0.1:1");
    const auto outcome = client.ResumableDownloadObject(
        DownloadObjectRequest("examplebucket", std::string("key\0tail", 8), "file"));
    EXPECT_EQ(outcome.error().Code(), "ValidateError");
}

TEST(Cpp, RangesAndConditionsReachTheService) {
    const LocalOss oss;
    const TemporaryDirectory directory;
    auto client = anonymousClient(oss);
    DownloadObjectRequest request("examplebucket", "generated/1000", directory.path("file"));
    request.setRange(100, 199);
    const auto ranged = client.ResumableDownloadObject(request);
    ASSERT_TRUE(ranged.isSuccess()) << ranged.error().Message();
    EXPECT_EQ(ranged.result().Size(), 100u);

    request.setMatchingETagConstraints({"no-such-etag"});
    const auto outcome = client.ResumableDownloadObject(request);
    EXPECT_EQ(outcome.error().Code(), "PreconditionFailed");
}

TEST(Cpp, TransferProgressAddsUpToTheObject) {
    const LocalOss oss({"--rate", "4MB"});
    const TemporaryDirectory directory;
    auto client = anonymousClient(oss);
    DownloadObjectRequest request("examplebucket", "generated/2MB", directory.path("file"));
    struct Seen {
        size_t sum = 0;
        int64_t transferred = 0, total = 0;
    } seen;
    request.setTransferProgress(
        TransferProgress{[](size_t increment, int64_t transferred, int64_t total, void *data) {
                             auto &seen = *static_cast<Seen *>(data);
                             seen.sum += increment;
                             seen.transferred = transferred;
                             seen.total = total;
                         },
                         &seen});
    ASSERT_TRUE(client.ResumableDownloadObject(request).isSuccess());
    EXPECT_EQ(seen.sum, 2000000u);
    EXPECT_EQ(seen.transferred, 2000000);
    EXPECT_EQ(seen.total, 2000000);
}

TEST(Cpp, AnExceptionOfAProgressHandlerCancelsAndIsRethrown) {
    const LocalOss oss({"--rate", "1MB"});
    const TemporaryDirectory directory;
    auto client = anonymousClient(oss);
    DownloadObjectRequest request("examplebucket", "generated/64MiB", directory.path("file"));
    request.setProgress([](const Status &) -> bool { throw std::runtime_error("enough"); });
    EXPECT_THROW(client.ResumableDownloadObject(request), std::runtime_error);
    auto started = client.StartDownload(request);
    ASSERT_TRUE(started.isSuccess());
    EXPECT_THROW(started.result().Wait(), std::runtime_error);
}

TEST(Cpp, ADownloadCanBeWaitedForInspectedAndCancelled) {
    const LocalOss oss({"--rate", "1MB"});
    const TemporaryDirectory directory;
    auto client = anonymousClient(oss);
    auto started = client.StartDownload(
        DownloadObjectRequest("examplebucket", "generated/64MiB", directory.path("file")));
    ASSERT_TRUE(started.isSuccess()) << started.error().Message();
    Download download = std::move(started.result());
    DownloadOutcome outcome{Error()};
    EXPECT_FALSE(download.Wait(std::chrono::milliseconds(50), outcome));
    EXPECT_LT(download.GetStatus().phase, OSS_RESUMABLE_PHASE_SUCCEEDED);
    download.Cancel();
    EXPECT_EQ(download.Wait().error().Kind(), OSS_RESUMABLE_ERR_CANCELLED);
}

TEST(Cpp, CallbacksOfTheConfigurationAreUsed) {
    const LocalOss oss(
        {"--access-key-id", "id", "--access-key-secret", "secret", "--token", "token"});
    const TemporaryDirectory directory;
    ClientConfiguration configuration;
    configuration.region = "cn-hangzhou";
    configuration.credentialsProvider = [] { return Credentials{"id", "secret", "token", 0}; };
    configuration.log = [](int32_t, const std::string &) { throw std::runtime_error("contained"); };
    configuration.logLevel = OSS_RESUMABLE_LOG_DEBUG;
    Client client(oss.endpoint(), configuration);
    const auto outcome = client.ResumableDownloadObject(
        DownloadObjectRequest("examplebucket", "generated/1000", directory.path("file")));
    EXPECT_TRUE(outcome.isSuccess()) << outcome.error().Message();
}

TEST(Cpp, AProviderThatThrowsIsAnErrorOfTheDownload) {
    const LocalOss oss;
    const TemporaryDirectory directory;
    ClientConfiguration configuration;
    configuration.region = "cn-hangzhou";
    configuration.credentialsProvider = []() -> Credentials { throw std::runtime_error("hush"); };
    Client client(oss.endpoint(), configuration);
    const auto outcome = client.ResumableDownloadObject(
        DownloadObjectRequest("examplebucket", "generated/1000", directory.path("file")));
    ASSERT_FALSE(outcome.isSuccess());
    EXPECT_NE(outcome.error().Message().find("threw"), std::string::npos)
        << outcome.error().Message();
}

TEST(Cpp, TheChecksumOfAFileIsThatOfTheResult) {
    const LocalOss oss;
    const TemporaryDirectory directory;
    auto client = anonymousClient(oss);
    const auto outcome = client.ResumableDownloadObject(
        DownloadObjectRequest("examplebucket", "generated/300000", directory.path("file")));
    ASSERT_TRUE(outcome.isSuccess()) << outcome.error().Message();
    std::ifstream file(directory.path("file"), std::ios::binary);
    const std::string bytes(std::istreambuf_iterator<char>(file), {});
    EXPECT_EQ(Crc64(bytes), outcome.result().Crc64());
    const uint64_t half = Crc64(bytes.data(), 150000);
    EXPECT_EQ(Crc64(bytes.data() + 150000, 150000, half), outcome.result().Crc64());
    EXPECT_EQ(Crc64("123456789"), 0x995dc9bbdf1939faU);
    EXPECT_EQ(Crc64(nullptr, 0, 7), 7u);
}

TEST(Cpp, ACheckpointIsInspectedAndDiscarded) {
    const LocalOss oss({"--rate", "4MB"});
    const TemporaryDirectory directory;
    auto client = anonymousClient(oss);
    DownloadObjectRequest request("examplebucket", "generated/64MiB", directory.path("file"),
                                  directory.path());
    EXPECT_FALSE(client.InspectCheckpoint(request).result().Exists());
    request.setProgress([](const Status &status) { return status.bytes_done < (2u << 20); });
    EXPECT_EQ(client.ResumableDownloadObject(request).error().Kind(), OSS_RESUMABLE_ERR_CANCELLED);
    const auto found = client.InspectCheckpoint(request);
    ASSERT_TRUE(found.isSuccess() && found.result().Exists()) << found.error().Message();
    EXPECT_EQ(found.result().Bucket() + "/" + found.result().Key(),
              "examplebucket/generated/64MiB");
    EXPECT_EQ(found.result().FilePath(), directory.path("file"));
    EXPECT_EQ(found.result().Url() + found.result().VersionId(), "");
    EXPECT_EQ(found.result().ObjectSize(), 64u << 20);
    EXPECT_GE(found.result().BytesRecorded(), 2u << 20);
    EXPECT_TRUE(client.DiscardCheckpoint(request).result());
    EXPECT_FALSE(client.DiscardCheckpoint(request).result());
    EXPECT_TRUE(directory.names().empty());
}

TEST(Cpp, AFutureGivesTheResultOfADownload) {
    const LocalOss oss({"--rate", "500KB"});
    const TemporaryDirectory directory;
    auto client = anonymousClient(oss);
    auto started = client.StartDownload(
        DownloadObjectRequest("examplebucket", "generated/1MiB", directory.path("file")));
    ASSERT_TRUE(started.isSuccess()) << started.error().Message();
    Download download = std::move(started.result());
    std::future<DownloadOutcome> future = download.Future(), another = download.Future();
    EXPECT_EQ(future.wait_for(std::chrono::seconds(0)), std::future_status::timeout);
    const DownloadOutcome outcome = future.get();
    ASSERT_TRUE(outcome.isSuccess()) << outcome.error().Message();
    EXPECT_TRUE(another.get().isSuccess()) << "each gets the result";
    EXPECT_TRUE(LocalOss::isGenerated(directory.path("file"), "1MiB"));
}

TEST(Cpp, DestroyingADownloadCancelsItAndItsFutureSaysSo) {
    const LocalOss oss({"--rate", "100KB"});
    const TemporaryDirectory directory;
    auto client = anonymousClient(oss);
    std::future<DownloadOutcome> future;
    {
        auto started = client.StartDownload(
            DownloadObjectRequest("examplebucket", "generated/64MiB", directory.path("file")));
        ASSERT_TRUE(started.isSuccess()) << started.error().Message();
        future = started.result().Future();
    }
    EXPECT_EQ(future.get().error().Kind(), OSS_RESUMABLE_ERR_CANCELLED);
    EXPECT_TRUE(directory.names().empty());
}

TEST(Cpp, AnExceptionOfAHandlerIsRethrownByTheFuture) {
    const LocalOss oss({"--rate", "100KB"});
    const TemporaryDirectory directory;
    auto client = anonymousClient(oss);
    DownloadObjectRequest request("examplebucket", "generated/64MiB", directory.path("file"));
    request.setProgress([](const Status &) -> bool { throw std::runtime_error("enough"); });
    auto started = client.StartDownload(request);
    ASSERT_TRUE(started.isSuccess()) << started.error().Message();
    EXPECT_THROW(started.result().Future().get(), std::runtime_error);
}

TEST(Cpp, AMovedFromDownloadHoldsNothing) {
    const LocalOss oss;
    const TemporaryDirectory directory;
    auto client = anonymousClient(oss);
    auto started = client.StartDownload(
        DownloadObjectRequest("examplebucket", "generated/1MiB", directory.path("file")));
    Download first = std::move(started.result()), second;
    second = std::move(first);
    EXPECT_TRUE(second.Wait().isSuccess());
    first.Cancel();
    EXPECT_EQ(first.Wait().error().Code(), "ValidateError");
    EXPECT_EQ(first.GetStatus().bytes_done, 0u);
}

TEST(Cpp, BandwidthLimitsApplyAndCanBeLifted) {
    const LocalOss oss;
    const TemporaryDirectory directory;
    ClientConfiguration configuration;
    configuration.anonymous = true;
    configuration.region = "cn-hangzhou";
    configuration.maxBandwidth = 1;
    Client client(oss.endpoint(), configuration);
    DownloadObjectRequest request("examplebucket", "generated/8MiB", directory.path("file"));
    request.setMaxBandwidth(1);
    auto started = client.StartDownload(request);
    ASSERT_TRUE(started.isSuccess()) << started.error().Message();
    DownloadOutcome outcome{Error()};
    EXPECT_FALSE(started.result().Wait(std::chrono::milliseconds(500), outcome));
    EXPECT_FALSE(client.SetBandwidth(0).isSet());
    EXPECT_FALSE(started.result().Wait(std::chrono::milliseconds(300), outcome))
        << "the download's own limit holds as well";
    started.result().SetBandwidth(0);
    EXPECT_TRUE(started.result().Wait().isSuccess());
}

TEST(Cpp, AFileIsTheSameInEveryWriteMode) {
    const LocalOss oss;
    const TemporaryDirectory directory;
    auto client = anonymousClient(oss);
    for (const WriteMode mode : {WriteMode::Auto, WriteMode::Buffered, WriteMode::Direct}) {
        DownloadObjectRequest request("examplebucket", "generated/8MiB", directory.path("file"));
        request.setWriteMode(mode);
        EXPECT_TRUE(client.ResumableDownloadObject(request).isSuccess());
        EXPECT_TRUE(LocalOss::isGenerated(directory.path("file"), "8MiB"));
    }
}

TEST(Cpp, ADownloadRunsWhenNeitherItNorItsClientIsPaused) {
    const LocalOss oss;
    const TemporaryDirectory directory;
    auto client = anonymousClient(oss);
    EXPECT_FALSE(client.Pause().isSet());
    auto started = client.StartDownload(
        DownloadObjectRequest("examplebucket", "generated/8MiB", directory.path("file")));
    ASSERT_TRUE(started.isSuccess()) << started.error().Message();
    auto &download = started.result();
    DownloadOutcome outcome{Error()};
    EXPECT_FALSE(download.Wait(std::chrono::milliseconds(200), outcome));
    EXPECT_EQ(download.GetStatus().phase, OSS_RESUMABLE_PHASE_PAUSED);
    download.Pause();
    EXPECT_FALSE(client.Resume().isSet());
    EXPECT_FALSE(download.Wait(std::chrono::milliseconds(200), outcome));
    download.Resume();
    EXPECT_TRUE(download.Wait().isSuccess());
    EXPECT_TRUE(LocalOss::isGenerated(directory.path("file"), "8MiB"));
}

TEST(Cpp, AutoConcurrencyLimitsTheConnectionsItFinds) {
    DownloadObjectRequest request("bucket", "key");
    EXPECT_FALSE(request.AutoConcurrency());
    request.setAutoConcurrency(true);
    EXPECT_TRUE(request.AutoConcurrency());
    EXPECT_EQ(request.ThreadNum(), 0u);
    EXPECT_EQ(request.refusal(), "");
    request.setAutoConcurrency(true, 8);
    EXPECT_EQ(request.ThreadNum(), 8u);
    request.setAutoConcurrency(false);
    EXPECT_EQ(request.ThreadNum(), 8u);
    const detail::CRequest c(request);
    EXPECT_EQ(c.get()->auto_concurrency, OSS_RESUMABLE_OFF);
}

TEST(Cpp, WhatHappensToAnExistingFileAndBesideAnotherRunCanBeChosen) {
    DownloadObjectRequest request("bucket", "key");
    EXPECT_EQ(request.Overwrite(), OverwritePolicy::Replace);
    EXPECT_EQ(request.WhenBusy(), BusyPolicy::Fail);
    request.setFailIfExists(true);
    EXPECT_EQ(request.Overwrite(), OverwritePolicy::Fail);
    request.setOverwrite(OverwritePolicy::IfDifferent);
    request.setWhenBusy(BusyPolicy::Wait);
    const detail::CRequest c(request);
    EXPECT_EQ(c.get()->overwrite, OSS_RESUMABLE_OVERWRITE_IF_DIFFERENT);
    EXPECT_EQ(c.get()->when_busy, OSS_RESUMABLE_BUSY_WAIT);
    request.setFailIfExists(false);
    EXPECT_EQ(request.Overwrite(), OverwritePolicy::Replace);
}

TEST(Cpp, KeepsAFileThatIsTheObject) {
    const LocalOss oss;
    const TemporaryDirectory directory;
    auto client = anonymousClient(oss);
    DownloadObjectRequest request("examplebucket", "generated/1MiB", directory.path("file"));
    request.setOverwrite(OverwritePolicy::IfDifferent);
    request.setWhenBusy(BusyPolicy::Wait);
    ASSERT_TRUE(client.ResumableDownloadObject(request).isSuccess());
    const auto again = client.ResumableDownloadObject(request);
    ASSERT_TRUE(again.isSuccess()) << again.error().Message();
    EXPECT_EQ(again.result().Statistics().bytes_from_network, 0u);
    EXPECT_TRUE(LocalOss::isGenerated(directory.path("file"), "1MiB"));
}

TEST(Cpp, TheLimitsOfAClientQueueDownloadsByPriorityAndMayChange) {
    const LocalOss oss({"--rate", "1MB"});
    const TemporaryDirectory directory;
    ClientConfiguration configuration;
    configuration.anonymous = true;
    configuration.region = "cn-hangzhou";
    configuration.maxActiveDownloads = 1;
    configuration.maxConnections = 2;
    Client client(oss.endpoint(), configuration);
    const auto start = [&](const char *name, int32_t priority) {
        DownloadObjectRequest request("examplebucket", "generated/64MiB", directory.path(name));
        request.setThreadNum(4);
        request.setPriority(priority);
        auto started = client.StartDownload(request);
        EXPECT_TRUE(started.isSuccess()) << started.error().Message();
        return std::move(started.result());
    };
    Download running = start("running", 0), first = start("first", 1), second = start("second", 2);
    EXPECT_NE(running.GetStatus().phase, OSS_RESUMABLE_PHASE_QUEUED);
    EXPECT_EQ(running.GetStatus().queue_position, 0u);
    EXPECT_EQ(first.GetStatus().phase, OSS_RESUMABLE_PHASE_QUEUED);
    EXPECT_EQ(first.GetStatus().queue_position, 2u);
    EXPECT_EQ(second.GetStatus().queue_position, 1u);
    first.SetPriority(3);
    EXPECT_EQ(first.GetStatus().queue_position, 1u);

    const auto connections = [&](uint32_t expected) {
        for (int i = 0; i < 10000; ++i) {
            if (running.GetStatus().active_connections == expected) {
                return true;
            }
            std::this_thread::sleep_for(std::chrono::milliseconds(1));
        }
        return false;
    };
    EXPECT_TRUE(connections(2));
    EXPECT_FALSE(client.SetMaxConnections(1).isSet());
    EXPECT_TRUE(connections(1));
    EXPECT_FALSE(client.SetMaxConnections(0).isSet());
    EXPECT_TRUE(connections(4));

    // The file of a queued download is taken too.
    const auto busy = client.StartDownload(
        DownloadObjectRequest("examplebucket", "generated/1000", directory.path("second")));
    EXPECT_EQ(busy.error().Code(), "Busy");
    second.Cancel();
    DownloadOutcome outcome{Error()};
    EXPECT_TRUE(second.Wait(std::chrono::milliseconds(0), outcome)) << "it ended at once";
    EXPECT_EQ(outcome.error().Kind(), OSS_RESUMABLE_ERR_CANCELLED);
    running.Cancel();
    running.Wait();
    for (int i = 0; i < 10000 && first.GetStatus().bytes_done == 0; ++i) {
        std::this_thread::sleep_for(std::chrono::milliseconds(1));
    }
    EXPECT_GT(first.GetStatus().bytes_done, 0u) << "its turn has come";
}

TEST(Cpp, DisabledRequestsAreRefusedUntilTheyAreEnabled) {
    const LocalOss oss;
    const TemporaryDirectory directory;
    auto client = anonymousClient(oss);
    const DownloadObjectRequest request("examplebucket", "generated/1000", directory.path("file"));
    EXPECT_FALSE(client.DisableRequest().isSet());
    const auto outcome = client.ResumableDownloadObject(request);
    EXPECT_EQ(outcome.error().Code(), "ClientError:100002");
    EXPECT_EQ(outcome.error().Kind(), OSS_RESUMABLE_ERR_DISABLED);
    EXPECT_FALSE(client.EnableRequest().isSet());
    EXPECT_TRUE(client.ResumableDownloadObject(request).isSuccess());
}

TEST(Cpp, RequestsGoThroughAProxy) {
    // local-oss accepts the form of requests to a proxy.
    const LocalOss oss;
    const TemporaryDirectory directory;
    ClientConfiguration configuration;
    configuration.anonymous = true;
    configuration.proxyHost = "127.0.0.1";
    configuration.proxyPort =
        static_cast<uint32_t>(std::stoul(oss.endpoint().substr(oss.endpoint().rfind(':') + 1)));
    configuration.networkInterface = "127.0.0.1";
    Client client("http://oss-cn-hangzhou.aliyuncs.com", configuration);
    const auto outcome = client.ResumableDownloadObject(
        DownloadObjectRequest("examplebucket", "generated/1000", directory.path("file")));
    EXPECT_TRUE(outcome.isSuccess()) << outcome.error().Message();
    configuration.proxyHost = "user@127.0.0.1";
    EXPECT_EQ(Client("http://oss-cn-hangzhou.aliyuncs.com", configuration).error().Code(),
              "ValidateError");
}

TEST(Cpp, TheGettersOfARequestReturnWhatWasSet) {
    DownloadObjectRequest request("bucket", "key", "file", "checkpoints", 204800, 5);
    request.setRange(1, 2);
    request.setModifiedSinceConstraint("since");
    request.setUnmodifiedSinceConstraint("until");
    request.setMatchingETagConstraints({"a"});
    request.setNonmatchingETagConstraints({"b", "c"});
    request.addResponseHeaders(RequestResponseHeader::CacheControl, "none");
    request.setVersionId("v");
    request.setTrafficLimit(819200);
    request.setRequestPayer(RequestPayer::Requester);
    request.setTransferProgress(
        TransferProgress{[](size_t, int64_t, int64_t, void *) {}, &request});
    EXPECT_EQ(request.Bucket() + request.Key() + request.FilePath(), "bucketkeyfile");
    EXPECT_EQ(request.CheckpointDir() + request.TempFilePath(), "checkpointsfile.temp");
    EXPECT_TRUE(request.hasCheckpointDir() && request.RangeIsSet());
    EXPECT_EQ(request.PartSize(), 204800u);
    EXPECT_EQ(request.ThreadNum(), 5u);
    EXPECT_EQ(request.RangeStart() + request.RangeEnd(), 3);
    EXPECT_EQ(request.ModifiedSinceConstraint() + request.UnmodifiedSinceConstraint(),
              "sinceuntil");
    EXPECT_EQ(request.MatchingETagsConstraint().size(), 1u);
    EXPECT_EQ(request.NonmatchingETagsConstraint().size(), 2u);
    EXPECT_EQ(request.ResponseHeaderParameters().at("response-cache-control"), "none");
    EXPECT_EQ(request.ResponseHeaderParameters().size(), 1u);
    EXPECT_EQ(request.VersionId(), "v");
    EXPECT_EQ(request.TrafficLimit(), 819200u);
    EXPECT_TRUE(request.RequestPayer() == RequestPayer::Requester);
    EXPECT_EQ(request.TransferProgress().UserData, &request);
}
