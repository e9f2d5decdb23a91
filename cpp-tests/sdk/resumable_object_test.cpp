// The download cases of the SDK's own tests of resumable operations, with the same meaning: the
// behaviour that programs rely on. The SDK uploads their objects to the live service; here the
// server generates them. The SDK's failed part is a test hook; here the server refuses it. Wide
// paths, which the SDK tests only on Windows, are in request_test.cpp.
#include <fstream>
#include <random>

#include "fixture.hpp"

using namespace tests;

namespace {

// A server that refuses all requests from the second one on, and one without faults; both have the
// same object.
class Failing {
public:
    Failing() : refusing({"--fault", "status=403:AccessDenied@from:2"}) {}

    sdk::DownloadObjectRequest request(uint32_t threads = 1) const {
        return sdk::DownloadObjectRequest("examplebucket", "generated/512000",
                                          directory.path("file"), checkpoints.path(), PART,
                                          threads);
    }
    // Interrupts the download of `request`.
    void fail(const sdk::DownloadObjectRequest &request) {
        const auto outcome = refusing.client().ResumableDownloadObject(request);
        EXPECT_FALSE(outcome.isSuccess());
        EXPECT_EQ(outcome.error().Code(), "AccessDenied");
    }
    // Resumes it with the server without faults.
    sdk::GetObjectOutcome again(const sdk::DownloadObjectRequest &request) {
        return healthy.client().ResumableDownloadObject(request);
    }
    bool isWhole() const { return LocalOss::isGenerated(directory.path("file"), "512000"); }

    TemporaryDirectory directory, checkpoints;
    Fixture refusing, healthy;
};

struct Progress {
    int calls = 0;
    int64_t transferred = -1, total = -1;
    bool wentBack = false;

    sdk::TransferProgress handler() {
        return sdk::TransferProgress{[](size_t, int64_t transferred, int64_t total, void *data) {
                                         auto &seen = *static_cast<Progress *>(data);
                                         seen.calls += 1;
                                         seen.wentBack |= transferred < seen.transferred;
                                         seen.transferred = transferred;
                                         seen.total = total;
                                     },
                                     this};
    }
};

std::string date(int secondsFromNow) {
    const std::time_t time = std::time(nullptr) + secondsFromNow;
    char text[64];
    std::strftime(text, sizeof text, "%a, %d %b %Y %H:%M:%S GMT", std::gmtime(&time));
    return text;
}

} // namespace

TEST(SdkResumableObject, AnObjectOfSeveralPartsIsDownloadedByOneThread) {
    Fixture fixture;
    sdk::DownloadObjectRequest request("examplebucket", "generated/716800", fixture.file());
    request.setPartSize(PART);
    request.setThreadNum(1);
    EXPECT_DOWNLOADED(fixture.client().ResumableDownloadObject(request), fixture, "716800");
}

TEST(SdkResumableObject, AnObjectSmallerThanAPartIsDownloaded) {
    Fixture fixture;
    sdk::DownloadObjectRequest request("examplebucket", "generated/1536000", fixture.file());
    request.setThreadNum(1);
    EXPECT_DOWNLOADED(fixture.client().ResumableDownloadObject(request), fixture, "1536000");
    EXPECT_EQ(fixture.wire.requests().size(), 1u);
}

TEST(SdkResumableObject, AnObjectOfSeveralPartsIsDownloadedByManyThreads) {
    for (const uint32_t threads : {2u, 7u, 100u}) {
        Fixture fixture;
        sdk::DownloadObjectRequest request("examplebucket", "generated/1024000", fixture.file());
        request.setPartSize(PART);
        request.setThreadNum(threads);
        EXPECT_DOWNLOADED(fixture.client().ResumableDownloadObject(request), fixture, "1024000");
    }
}

TEST(SdkResumableObject, APartOfLessThan100KibIsRefusedAndOneOf100KibIsNot) {
    Fixture fixture;
    sdk::DownloadObjectRequest request("examplebucket", "generated/512000", fixture.file());
    request.setThreadNum(1);
    for (const uint64_t kib : {1u, 50u, 99u}) {
        request.setPartSize(kib * 1024);
        EXPECT_FALSE(fixture.client().ResumableDownloadObject(request).isSuccess());
    }
    request.setPartSize(PART);
    EXPECT_DOWNLOADED(fixture.client().ResumableDownloadObject(request), fixture, "512000");
}

// The SDK refuses an empty path, contrary to its documentation, which this library follows: see
// docs/migration.md and SdkRequest.AnEmptyFilePathIsTheObjectsNameInTheCurrentDirectory. Only a
// name that is not a valid file name is refused.
TEST(SdkResumableObject, WithoutAPathAKeyThatNamesNoFileIsRefused) {
    Fixture fixture;
    for (const char *key : {"folder/", "folder/.."}) {
        const auto outcome = fixture.client().ResumableDownloadObject(
            sdk::DownloadObjectRequest("examplebucket", key, ""));
        EXPECT_EQ(outcome.error().Code(), "ValidateError");
    }
    EXPECT_TRUE(fixture.wire.requests().empty());
}

TEST(SdkResumableObject, WithACheckpointOneThreadAndManyDownloadAndLeaveNothing) {
    for (const uint32_t threads : {1u, 9u, 100u}) {
        Fixture fixture;
        TemporaryDirectory checkpoints;
        sdk::DownloadObjectRequest request("examplebucket", "generated/716800", fixture.file());
        request.setPartSize(PART);
        request.setThreadNum(threads);
        request.setCheckpointDir(checkpoints.path());
        EXPECT_DOWNLOADED(fixture.client().ResumableDownloadObject(request), fixture, "716800");
        EXPECT_TRUE(checkpoints.names().empty());
    }
}

TEST(SdkResumableObject, ACheckpointDirectoryThatDoesNotExistIsRefused) {
    Fixture fixture;
    sdk::DownloadObjectRequest request("examplebucket", "generated/512000", fixture.file());
    request.setCheckpointDir("NoSuchDirectory");
    const auto outcome = fixture.client().ResumableDownloadObject(request);
    EXPECT_EQ(outcome.error().Code(), "ValidateError");
    EXPECT_NE(outcome.error().Message().find("NoSuchDirectory"), std::string::npos);
    EXPECT_TRUE(fixture.files().empty());
}

TEST(SdkResumableObject, AFailedPartFailsTheDownloadAndLeavesWhatIsNeededToResume) {
    Failing failing;
    failing.fail(failing.request());
    EXPECT_EQ(failing.directory.names(), Strings{"file.temp"});
    EXPECT_EQ(failing.checkpoints.names().size(), 1u);
}

TEST(SdkResumableObject, AFailedDownloadIsCompletedByTheNextCallWithOneThreadAndWithMany) {
    for (const uint32_t threads : {1u, 5u, 100u}) {
        Failing failing;
        const auto request = failing.request(threads);
        failing.fail(request);
        const auto outcome = failing.again(request);
        EXPECT_TRUE(outcome.isSuccess()) << outcome.error().Message();
        EXPECT_TRUE(failing.isWhole());
        EXPECT_TRUE(failing.checkpoints.names().empty());
        EXPECT_NE(failing.healthy.firstRequest().header("Range").compare(0, 8, "bytes=0-"), 0)
            << "the first part is not fetched twice";
    }
}

TEST(SdkResumableObject, AnObjectThatWasDeletedFailsTheNextCallAndKeepsTheCheckpoint) {
    Failing failing;
    const auto request = failing.request();
    failing.fail(request);
    Fixture deleted({"--fault", "status=404:NoSuchKey"});
    EXPECT_EQ(deleted.client().ResumableDownloadObject(request).error().Code(), "NoSuchKey");
    EXPECT_EQ(failing.directory.names(), Strings{"file.temp"});
    EXPECT_EQ(failing.checkpoints.names().size(), 1u);
}

TEST(SdkResumableObject, AModifiedCheckpointDoesNoHarm) {
    std::mt19937 random(4);
    for (const uint32_t threads : {1u, 50u}) {
        Failing failing;
        const auto request = failing.request(threads);
        failing.fail(request);
        ASSERT_EQ(failing.checkpoints.names().size(), 1u);
        const std::string path = failing.checkpoints.path(failing.checkpoints.names()[0]);
        std::string bytes = readFile(path);
        bytes[random() % bytes.size()] ^= 0x20;
        std::ofstream(path, std::ios::binary) << bytes;
        const auto outcome = failing.again(request);
        EXPECT_TRUE(outcome.isSuccess()) << outcome.error().Message();
        EXPECT_TRUE(failing.isWhole());
    }
}

TEST(SdkResumableObject, ProgressIsReportedToTheEnd) {
    Fixture fixture;
    sdk::DownloadObjectRequest request("examplebucket", "generated/716800", fixture.file());
    Progress progress;
    request.setTransferProgress(progress.handler());
    request.setPartSize(PART);
    request.setThreadNum(1);
    EXPECT_DOWNLOADED(fixture.client().ResumableDownloadObject(request), fixture, "716800");
    EXPECT_GE(progress.calls, 1);
    EXPECT_FALSE(progress.wentBack);
    EXPECT_EQ(progress.transferred, 716800);
    EXPECT_EQ(progress.total, 716800);
}

TEST(SdkResumableObject, ProgressOfTheNextCallIncludesTheExistingBytes) {
    Failing failing;
    auto request = failing.request();
    Progress first, second;
    request.setTransferProgress(first.handler());
    failing.fail(request);
    EXPECT_EQ(first.transferred, static_cast<int64_t>(PART));
    EXPECT_EQ(first.total, 512000);
    request.setTransferProgress(second.handler());
    EXPECT_TRUE(failing.again(request).isSuccess());
    EXPECT_EQ(second.transferred, 512000);
    EXPECT_FALSE(second.wentBack);
}

TEST(SdkResumableObject, ARangeHasItsLengthAndOneWithoutAnEndReachesTheObjectsEnd) {
    Fixture fixture;
    sdk::DownloadObjectRequest request("examplebucket", "generated/512000", fixture.file());
    request.setPartSize(PART);
    request.setThreadNum(1);
    request.setRange(20, 30);
    auto outcome = fixture.client().ResumableDownloadObject(request);
    ASSERT_TRUE(outcome.isSuccess()) << outcome.error().Message();
    EXPECT_EQ(outcome.result().Metadata().ContentLength(), 11);
    EXPECT_EQ(readFile(fixture.file()).size(), 11u);
    request.setRange(20, -1);
    outcome = fixture.client().ResumableDownloadObject(request);
    ASSERT_TRUE(outcome.isSuccess()) << outcome.error().Message();
    EXPECT_EQ(outcome.result().Metadata().ContentLength(), 512000 - 20);
}

TEST(SdkResumableObject, ARangeThatEndsBeforeItStartsIsRefused) {
    Fixture fixture;
    sdk::DownloadObjectRequest request("examplebucket", "generated/512000", fixture.file());
    request.setPartSize(PART);
    request.setRange(102400, 20);
    EXPECT_EQ(fixture.client().ResumableDownloadObject(request).error().Code(), "ValidateError");
}

TEST(SdkResumableObject, ConditionsOnTheTimeAreAnsweredAsByTheService) {
    Fixture fixture;
    sdk::DownloadObjectRequest request("examplebucket", "generated/512000", fixture.file());
    request.setPartSize(PART);
    request.setModifiedSinceConstraint(date(100));
    EXPECT_EQ(fixture.client().ResumableDownloadObject(request).error().Code(), "ServerError:304");
    request.setModifiedSinceConstraint(date(-1000000000));
    request.setUnmodifiedSinceConstraint(date(-1000000000));
    EXPECT_EQ(fixture.client().ResumableDownloadObject(request).error().Code(),
              "PreconditionFailed");
    request.setUnmodifiedSinceConstraint(date(100));
    EXPECT_DOWNLOADED(fixture.client().ResumableDownloadObject(request), fixture, "512000");
}

TEST(SdkResumableObject, ConditionsOnTheETagAreAnsweredAsByTheService) {
    Fixture fixture;
    sdk::DownloadObjectRequest request("examplebucket", "generated/512000", fixture.file());
    request.setPartSize(PART);
    const auto whole = fixture.client().ResumableDownloadObject(request);
    ASSERT_TRUE(whole.isSuccess()) << whole.error().Message();
    const std::string etag = whole.result().Metadata().ETag();
    request.setMatchingETagConstraints({"AnotherETag"});
    EXPECT_EQ(fixture.client().ResumableDownloadObject(request).error().Code(),
              "PreconditionFailed");
    request.setMatchingETagConstraints({});
    request.setNonmatchingETagConstraints({etag});
    EXPECT_EQ(fixture.client().ResumableDownloadObject(request).error().Code(), "ServerError:304");
    request.setMatchingETagConstraints({etag});
    request.setNonmatchingETagConstraints({"AnotherETag"});
    const auto outcome = fixture.client().ResumableDownloadObject(request);
    EXPECT_DOWNLOADED(outcome, fixture, "512000");
    EXPECT_EQ(outcome.result().Metadata().ContentLength(), 512000);
}

TEST(SdkResumableObject, ProgressOfARangeOfASmallObjectIsTheRanges) {
    Fixture fixture;
    sdk::DownloadObjectRequest request("examplebucket", "generated/102399", fixture.file());
    Progress progress;
    request.setPartSize(PART);
    request.setRange(20, 30);
    request.setThreadNum(1);
    request.setTransferProgress(progress.handler());
    const auto outcome = fixture.client().ResumableDownloadObject(request);
    ASSERT_TRUE(outcome.isSuccess()) << outcome.error().Message();
    EXPECT_EQ(outcome.result().Metadata().ContentLength(), 11);
    EXPECT_EQ(progress.transferred, 11);
    EXPECT_EQ(progress.total, 11);
}

TEST(SdkResumableObject, ARangeOfOneByteAndAThreadNumOfZeroAreGoodRequests) {
    Fixture fixture;
    sdk::DownloadObjectRequest request("examplebucket", "generated/512000", fixture.file(), "",
                                       PART, 0);
    EXPECT_EQ(request.ThreadNum(), 1u);
    request.setRange(1, 1);
    EXPECT_TRUE(fixture.client().ResumableDownloadObject(request).isSuccess());
    EXPECT_EQ(readFile(fixture.file()).size(), 1u);
}

TEST(SdkResumableObject, DisabledRequestsAreRefused) {
    Fixture fixture;
    Client client = fixture.client();
    client.DisableRequest();
    sdk::DownloadObjectRequest request("examplebucket", "generated/512000", fixture.file());
    request.setPartSize(PART);
    request.setThreadNum(1);
    EXPECT_EQ(client.ResumableDownloadObject(request).error().Code(), "ClientError:100002");
    client.EnableRequest();
}
