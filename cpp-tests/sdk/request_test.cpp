// Each field of the SDK's DownloadObjectRequest, by its effect on the requests or on the disk.
#include <cstdio>

#include "fixture.hpp"

using namespace tests;

namespace {

const char *const PAST = "Mon, 01 Jan 2001 00:00:00 GMT";
const char *const FUTURE = "Fri, 01 Jan 2100 00:00:00 GMT";

bool exists(const std::string &path) { return access(path.c_str(), F_OK) == 0; }

} // namespace

TEST(SdkRequest, BucketKeyAndFilePathNameTheObjectAndTheFile) {
    Fixture fixture;
    const sdk::DownloadObjectRequest request("examplebucket", "generated/1000", fixture.file());
    EXPECT_DOWNLOADED(fixture.client().ResumableDownloadObject(request), fixture, "1000");
    EXPECT_EQ(fixture.firstRequest().target(), "/examplebucket/generated/1000");
}

TEST(SdkRequest, AnEmptyFilePathIsTheObjectsNameInTheCurrentDirectory) {
    Fixture fixture;
    char before[4096];
    ASSERT_NE(getcwd(before, sizeof before), nullptr);
    ASSERT_EQ(chdir(fixture.directory.path().c_str()), 0);
    const auto outcome = fixture.client().ResumableDownloadObject(
        sdk::DownloadObjectRequest("examplebucket", "generated/1000", ""));
    ASSERT_EQ(chdir(before), 0);
    EXPECT_TRUE(outcome.isSuccess()) << outcome.error().Message();
    EXPECT_TRUE(LocalOss::isGenerated(fixture.directory.path("1000"), "1000"));
}

TEST(SdkRequest, PartSizeIsTheFirstRequestsRange) {
    Fixture fixture;
    auto request = fixture.request("1MiB");
    request.setPartSize(204800);
    EXPECT_DOWNLOADED(fixture.client().ResumableDownloadObject(request), fixture, "1MiB");
    EXPECT_EQ(fixture.firstRequest().header("Range"), "bytes=0-204799");
}

TEST(SdkRequest, ThreadNumIsTheNumberOfConnections) {
    const auto connections = [](uint32_t threads) {
        Fixture fixture({"--rate", "400KB"});
        auto request = fixture.request("1MiB");
        request.setThreadNum(threads);
        EXPECT_DOWNLOADED(fixture.client().ResumableDownloadObject(request), fixture, "1MiB");
        return fixture.wire.mostConnections();
    };
    EXPECT_EQ(connections(1), 1);
    // The tap may detect a connection's end only after the next one has started.
    EXPECT_GE(connections(4), 4);
}

TEST(SdkRequest, AThreadNumOfZeroIsOneInTheConstructorAndRefusedFromTheSetter) {
    Fixture fixture;
    sdk::DownloadObjectRequest request("examplebucket", "generated/1000", fixture.file(),
                                       fixture.directory.path(), PART, 0);
    EXPECT_DOWNLOADED(fixture.client().ResumableDownloadObject(request), fixture, "1000");
    request.setThreadNum(0);
    EXPECT_EQ(fixture.client().ResumableDownloadObject(request).error().Code(), "ValidateError");
}

TEST(SdkRequest, ThreadNumIsLimitedToTheLibrarysMaximum) {
    Fixture fixture;
    auto configuration = sdk::ClientConfiguration();
    configuration.maxConnections = 100000;
    auto request = fixture.request("1000");
    request.setThreadNum(5000);
    EXPECT_DOWNLOADED(fixture.client(configuration).ResumableDownloadObject(request), fixture,
                      "1000");
}

TEST(SdkRequest, CheckpointDirHoldsTheCheckpointOfAFailedDownload) {
    Fixture fixture({"--fault", "status=403:AccessDenied@from:2"});
    TemporaryDirectory checkpoints;
    auto request = fixture.request("1MiB");
    request.setThreadNum(1);
    request.setCheckpointDir(checkpoints.path());
    EXPECT_EQ(fixture.client().ResumableDownloadObject(request).error().Code(), "AccessDenied");
    EXPECT_EQ(fixture.files(), Strings{"file.temp"});
    EXPECT_EQ(checkpoints.names().size(), 1u);
}

TEST(SdkRequest, WithoutACheckpointDirAFailedDownloadLeavesNothing) {
    Fixture fixture({"--fault", "status=403:AccessDenied@from:2"});
    auto request = fixture.request("1MiB");
    request.setCheckpointDir("");
    EXPECT_FALSE(fixture.client().ResumableDownloadObject(request).isSuccess());
    EXPECT_TRUE(fixture.files().empty());
}

TEST(SdkRequest, ARangeIsRequestedAndIsTheFile) {
    Fixture fixture;
    auto request = fixture.request("1MiB");
    request.setRange(1000, 1999);
    const auto outcome = fixture.client().ResumableDownloadObject(request);
    ASSERT_TRUE(outcome.isSuccess()) << outcome.error().Message();
    EXPECT_EQ(fixture.firstRequest().header("Range"), "bytes=1000-1999");
    EXPECT_EQ(readFile(fixture.file()).size(), 1000u);
}

TEST(SdkRequest, TheConditionsGoWithTheFirstRequest) {
    Fixture fixture;
    auto request = fixture.request("1MiB");
    request.setModifiedSinceConstraint(PAST);
    request.setUnmodifiedSinceConstraint(FUTURE);
    request.setNonmatchingETagConstraints({"\"one\"", "\"two\""});
    EXPECT_DOWNLOADED(fixture.client().ResumableDownloadObject(request), fixture, "1MiB");
    const auto first = fixture.firstRequest();
    EXPECT_EQ(first.header("If-Modified-Since"), PAST);
    EXPECT_EQ(first.header("If-Unmodified-Since"), FUTURE);
    EXPECT_NE(first.header("If-None-Match").find("\"one\""), std::string::npos) << first.head;
    EXPECT_NE(first.header("If-None-Match").find("\"two\""), std::string::npos) << first.head;
    EXPECT_FALSE(first.has("If-Match"));
}

TEST(SdkRequest, AConditionThatDoesNotHoldIsTheError) {
    Fixture fixture;
    auto request = fixture.request("1MiB");
    request.setMatchingETagConstraints({"\"another\""});
    EXPECT_EQ(fixture.client().ResumableDownloadObject(request).error().Code(),
              "PreconditionFailed");
    EXPECT_EQ(fixture.firstRequest().header("If-Match"), "\"another\"");
    EXPECT_TRUE(fixture.files().empty());
}

TEST(SdkRequest, ResponseHeadersAreRequestedAndSent) {
    Fixture fixture;
    auto request = fixture.request("1000");
    request.addResponseHeaders(sdk::RequestResponseHeader::ContentType, "text/one");
    request.addResponseHeaders(sdk::RequestResponseHeader::ContentLanguage, "two");
    request.addResponseHeaders(sdk::RequestResponseHeader::Expires, "three");
    request.addResponseHeaders(sdk::RequestResponseHeader::CacheControl, "four");
    request.addResponseHeaders(sdk::RequestResponseHeader::ContentDisposition, "five");
    request.addResponseHeaders(sdk::RequestResponseHeader::ContentEncoding, "six");
    const auto outcome = fixture.client().ResumableDownloadObject(request);
    const std::string target = fixture.firstRequest().target();
    for (const char *parameter :
         {"response-content-type=text%2Fone", "response-content-language=two",
          "response-expires=three", "response-cache-control=four",
          "response-content-disposition=five", "response-content-encoding=six"}) {
        EXPECT_NE(target.find(parameter), std::string::npos) << target;
    }
    ASSERT_TRUE(outcome.isSuccess()) << outcome.error().Message();
    EXPECT_EQ(outcome.result().Metadata().ContentType(), "text/one");
}

TEST(SdkRequest, TheVersionIsRequested) {
    Fixture fixture;
    auto request = fixture.request("1000");
    request.setVersionId("null");
    EXPECT_DOWNLOADED(fixture.client().ResumableDownloadObject(request), fixture, "1000");
    EXPECT_EQ(fixture.firstRequest().target(), "/examplebucket/generated/1000?versionId=null");
}

TEST(SdkRequest, TrafficLimitAndRequestPayerAreHeaders) {
    Fixture fixture;
    auto request = fixture.request("1MiB");
    request.setTrafficLimit(8192000);
    request.setRequestPayer(sdk::RequestPayer::Requester);
    EXPECT_DOWNLOADED(fixture.client().ResumableDownloadObject(request), fixture, "1MiB");
    for (const WireRequest &each : fixture.wire.requests()) {
        EXPECT_EQ(each.header("x-oss-traffic-limit"), "8192000");
        EXPECT_EQ(each.header("x-oss-request-payer"), "requester");
    }
}

TEST(SdkRequest, WithoutThemNeitherIsSent) {
    Fixture fixture;
    auto request = fixture.request("1000");
    request.setRequestPayer(sdk::RequestPayer::BucketOwner);
    EXPECT_DOWNLOADED(fixture.client().ResumableDownloadObject(request), fixture, "1000");
    EXPECT_FALSE(fixture.firstRequest().has("x-oss-traffic-limit"));
    EXPECT_FALSE(fixture.firstRequest().has("x-oss-request-payer"));
}

TEST(SdkRequest, TheTransferProgressHandlerGetsItsData) {
    Fixture fixture({"--rate", "2MB"});
    struct Seen {
        size_t increments = 0;
        int64_t transferred = 0, total = 0;
        int calls = 0;
    } seen;
    auto request = fixture.request("1MB");
    request.setTransferProgress(
        sdk::TransferProgress{[](size_t increment, int64_t transferred, int64_t total, void *data) {
                                  auto &seen = *static_cast<Seen *>(data);
                                  seen.increments += increment;
                                  seen.transferred = transferred;
                                  seen.total = total;
                                  seen.calls += 1;
                              },
                              &seen});
    EXPECT_DOWNLOADED(fixture.client().ResumableDownloadObject(request), fixture, "1MB");
    EXPECT_GE(seen.calls, 2);
    EXPECT_EQ(seen.increments, 1000000u);
    EXPECT_EQ(seen.transferred, 1000000);
    EXPECT_EQ(seen.total, 1000000);
}

TEST(SdkRequest, WidePathsAreRefusedAsTheSdkDoesOutsideWindows) {
    Fixture fixture;
    const sdk::DownloadObjectRequest wide("examplebucket", "generated/1000", L"file");
    EXPECT_EQ(fixture.client().ResumableDownloadObject(wide).error().Code(), "ValidateError");
    auto mixed = fixture.request("1000");
    mixed.setCheckpointDir(std::wstring(L"checkpoints"));
    EXPECT_EQ(fixture.client().ResumableDownloadObject(mixed).error().Code(), "ValidateError");
    EXPECT_TRUE(fixture.wire.requests().empty());
    EXPECT_FALSE(exists(fixture.file()));
}
