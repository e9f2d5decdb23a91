// Prefix downloads through the C++ header.
#include <chrono>
#include <fstream>
#include <string>
#include <utility>
#include <vector>

#include <gtest/gtest.h>
#include <oss_resumable/oss_resumable.hpp>

#include "../support/anonymous_client.hpp"
#include "../support/local_oss.hpp"

using namespace oss_resumable;
using tests::anonymousClient;
using tests::LocalOss;
using tests::TemporaryDirectory;

namespace {

DownloadPrefixRequest requestFor(const TemporaryDirectory &directory) {
    DownloadPrefixRequest request("examplebucket", "", directory.path());
    request.setManifestDir(directory.path());
    return request;
}

} // namespace

TEST(CppPrefix, EveryObjectIsDownloadedAsTheRequestSays) {
    const TemporaryDirectory folder, directory;
    for (const char *key : {"a", "b", "c"}) {
        std::ofstream(folder.path(key)) << "123";
    }
    const LocalOss oss({"--folder", folder.path("")});
    auto client = anonymousClient(oss);
    auto request = requestFor(directory);
    request.setStartAfter("a");
    request.setDeadlineMs(60000);
    request.Objects().setPartSize(200000);
    auto outcome = client.DownloadPrefix(request);
    ASSERT_TRUE(outcome.isSuccess()) << outcome.error().Message();
    EXPECT_TRUE(outcome.hasResult());
    EXPECT_EQ(outcome.result().Directory(), directory.path());
    EXPECT_EQ(outcome.result().Counts().fetched, 2u);
    PrefixObject object;
    ASSERT_TRUE(outcome.result().Object(1, object));
    EXPECT_EQ(object.Key, "c");
    EXPECT_EQ(object.Path, directory.path("c"));
    EXPECT_EQ(object.Size, 3u);
    EXPECT_EQ(object.Result, OSS_RESUMABLE_OBJECT_FETCHED);
    EXPECT_FALSE(object.Failure.isSet());
    EXPECT_FALSE(outcome.result().Object(2, object));

    request.setVerify(true);
    EXPECT_EQ(client.DownloadPrefix(request).result().Counts().unchanged, 2u);
}

TEST(CppPrefix, AnObjectThatFailsIsTheErrorOfTheOutcomeAndTheOthersAreThere) {
    const TemporaryDirectory folder, directory;
    for (const char *key : {"a", "b\\c"}) {
        std::ofstream(folder.path(key)) << "123";
    }
    const LocalOss oss({"--folder", folder.path("")});
    auto client = anonymousClient(oss);
    const auto outcome = client.DownloadPrefix(requestFor(directory));
    EXPECT_FALSE(outcome.isSuccess());
    ASSERT_TRUE(outcome.hasResult());
    EXPECT_EQ(outcome.error().Code(), "UnsafeKey");
    EXPECT_EQ(outcome.result().Counts().fetched, 1u);
    PrefixObject object;
    ASSERT_TRUE(outcome.result().Object(1, object));
    EXPECT_EQ(object.Result, OSS_RESUMABLE_OBJECT_FAILED);
    EXPECT_EQ(object.Failure.Message(), outcome.error().Message());
}

TEST(CppPrefix, AFailureAsAWholeHasNoResult) {
    const TemporaryDirectory directory;
    const LocalOss oss;
    auto client = anonymousClient(oss);
    const auto missing =
        client.DownloadPrefix(DownloadPrefixRequest("anotherbucket", "", directory.path()));
    EXPECT_FALSE(missing.isSuccess());
    EXPECT_FALSE(missing.hasResult());
    EXPECT_EQ(missing.error().Code(), "NoSuchBucket");

    const std::string nul("a\0b", 3);
    auto zero = requestFor(directory);
    zero.Objects().setThreadNum(0);
    for (const auto &refused : {DownloadPrefixRequest("examplebucket", nul, directory.path()),
                                DownloadPrefixRequest("examplebucket", "", "/absent"), zero}) {
        const auto outcome = client.StartPrefix(refused);
        EXPECT_EQ(outcome.error().Kind(), OSS_RESUMABLE_ERR_VALIDATION);
    }
    Client invalid("ftp://example.com");
    EXPECT_TRUE(invalid.DownloadPrefix(requestFor(directory)).error().isSet());
}

TEST(CppPrefix, ItsEventsComeFromTheQueueThatServesOtherDownloadsToo) {
    const TemporaryDirectory folder, directory, other;
    for (const char *key : {"a", "b\\c"}) {
        std::ofstream(folder.path(key)) << "123";
    }
    const LocalOss oss({"--folder", folder.path("")});
    auto client = anonymousClient(oss);
    const EventQueue queue;
    auto request = requestFor(directory);
    request.setEventQueue(queue, 7);
    EXPECT_EQ(request.Tag(), 7u);
    DownloadObjectRequest single("examplebucket", "a", other.path("a"));
    single.setEventQueue(queue, 8);
    const auto prefix = client.StartPrefix(request);
    const auto download = client.StartDownload(single);
    ASSERT_TRUE(prefix.isSuccess() && download.isSuccess());
    std::vector<int32_t> kinds[2];
    Event event = OSS_RESUMABLE_EVENT_INIT;
    for (int ends = 0; ends < 2 && queue.Next(event);) {
        if (event.kind != OSS_RESUMABLE_EVENT_PROGRESS) {
            kinds[event.tag == 8].push_back(event.kind);
        }
        if (event.kind == OSS_RESUMABLE_EVENT_ENDED) {
            ++ends;
            EXPECT_EQ(event.code, event.tag == 8 ? OSS_RESUMABLE_OK : OSS_RESUMABLE_OBJECTS_FAILED);
            EXPECT_EQ(event.bytes_total, event.tag == 8 ? 3 : 6);
            EXPECT_EQ(event.bytes_done, 3u);
        }
    }
    const std::vector<int32_t> expected{OSS_RESUMABLE_EVENT_STARTED, OSS_RESUMABLE_EVENT_ENDED};
    EXPECT_EQ(kinds[0], expected);
    EXPECT_EQ(kinds[1], expected);
}

TEST(CppPrefix, AHandleMayBeMovedWaitedForAndCancelled) {
    const TemporaryDirectory directory;
    const LocalOss oss({"--fault", "no-reply"});
    auto client = anonymousClient(oss);
    auto started = client.StartPrefix(requestFor(directory));
    ASSERT_TRUE(started.isSuccess()) << started.error().Message();
    PrefixDownload download(std::move(started.result()));
    PrefixOutcome outcome;
    EXPECT_FALSE(download.Wait(std::chrono::milliseconds(1), outcome));
    EXPECT_EQ(download.GetStatus().phase, OSS_RESUMABLE_PREFIX_PHASE_LISTING);
    download.Pause();
    EXPECT_EQ(download.GetStatus().is_paused, 1);
    download.Resume();
    download.Cancel();
    EXPECT_EQ(download.Wait().error().Kind(), OSS_RESUMABLE_ERR_CANCELLED);
    EXPECT_EQ(PrefixDownload().Wait().error().Kind(), OSS_RESUMABLE_ERR_VALIDATION);
    EXPECT_EQ(PrefixDownload().GetStatus().phase, 0);
}
