// Each field of the SDK's DownloadObjectRequest, by its effect on the wire or on the disk.
#include <cstdio>

#include "lab.hpp"

using namespace tests;

namespace {

const char *const PAST = "Mon, 01 Jan 2001 00:00:00 GMT";
const char *const FUTURE = "Fri, 01 Jan 2100 00:00:00 GMT";

bool exists(const std::string &path) { return access(path.c_str(), F_OK) == 0; }

} // namespace

TEST(SdkRequest, BucketKeyAndFilePathNameTheObjectAndTheFile) {
    Lab lab;
    const sdk::DownloadObjectRequest request("examplebucket", "generated/1000", lab.file());
    EXPECT_DOWNLOADED(lab.client().ResumableDownloadObject(request), lab, "1000");
    EXPECT_EQ(lab.firstRequest().target(), "/examplebucket/generated/1000");
}

TEST(SdkRequest, AnEmptyFilePathIsTheObjectsNameInTheCurrentDirectory) {
    Lab lab;
    char before[4096];
    ASSERT_NE(getcwd(before, sizeof before), nullptr);
    ASSERT_EQ(chdir(lab.directory.path().c_str()), 0);
    const auto outcome = lab.client().ResumableDownloadObject(
        sdk::DownloadObjectRequest("examplebucket", "generated/1000", ""));
    ASSERT_EQ(chdir(before), 0);
    EXPECT_TRUE(outcome.isSuccess()) << outcome.error().Message();
    EXPECT_TRUE(LocalOss::isGenerated(lab.directory.path("1000"), "1000"));
}

TEST(SdkRequest, PartSizeIsTheFirstRequestsRange) {
    Lab lab;
    auto request = lab.request("1MiB");
    request.setPartSize(204800);
    EXPECT_DOWNLOADED(lab.client().ResumableDownloadObject(request), lab, "1MiB");
    EXPECT_EQ(lab.firstRequest().header("Range"), "bytes=0-204799");
}

TEST(SdkRequest, ThreadNumIsTheNumberOfConnections) {
    const auto connections = [](uint32_t threads) {
        Lab lab({"--rate", "400KB"});
        auto request = lab.request("1MiB");
        request.setThreadNum(threads);
        EXPECT_DOWNLOADED(lab.client().ResumableDownloadObject(request), lab, "1MiB");
        return lab.wire.mostConnections();
    };
    EXPECT_EQ(connections(1), 1);
    // The tap may learn of a connection's end only after its successor's start.
    EXPECT_GE(connections(4), 4);
}

TEST(SdkRequest, AThreadNumOfZeroIsOneInTheConstructorAndRefusedFromTheSetter) {
    Lab lab;
    sdk::DownloadObjectRequest request("examplebucket", "generated/1000", lab.file(),
                                       lab.directory.path(), PART, 0);
    EXPECT_DOWNLOADED(lab.client().ResumableDownloadObject(request), lab, "1000");
    request.setThreadNum(0);
    EXPECT_EQ(lab.client().ResumableDownloadObject(request).error().Code(), "ValidateError");
}

TEST(SdkRequest, MoreThreadsThanTheLibraryHasAreAsManyAsItHas) {
    Lab lab;
    auto configuration = sdk::ClientConfiguration();
    configuration.maxConnections = 100000;
    auto request = lab.request("1000");
    request.setThreadNum(5000);
    EXPECT_DOWNLOADED(lab.client(configuration).ResumableDownloadObject(request), lab, "1000");
}

TEST(SdkRequest, CheckpointDirHoldsTheCheckpointOfAFailedDownload) {
    Lab lab({"--fault", "status=403:AccessDenied@from:2"});
    TemporaryDirectory checkpoints;
    auto request = lab.request("1MiB");
    request.setThreadNum(1);
    request.setCheckpointDir(checkpoints.path());
    EXPECT_EQ(lab.client().ResumableDownloadObject(request).error().Code(), "AccessDenied");
    EXPECT_EQ(lab.files(), Strings{"file.temp"});
    EXPECT_EQ(checkpoints.names().size(), 1u);
}

TEST(SdkRequest, WithoutACheckpointDirAFailedDownloadLeavesNothing) {
    Lab lab({"--fault", "status=403:AccessDenied@from:2"});
    auto request = lab.request("1MiB");
    request.setCheckpointDir("");
    EXPECT_FALSE(lab.client().ResumableDownloadObject(request).isSuccess());
    EXPECT_TRUE(lab.files().empty());
}

TEST(SdkRequest, ARangeIsAskedForAndIsTheFile) {
    Lab lab;
    auto request = lab.request("1MiB");
    request.setRange(1000, 1999);
    const auto outcome = lab.client().ResumableDownloadObject(request);
    ASSERT_TRUE(outcome.isSuccess()) << outcome.error().Message();
    EXPECT_EQ(lab.firstRequest().header("Range"), "bytes=1000-1999");
    EXPECT_EQ(readFile(lab.file()).size(), 1000u);
}

TEST(SdkRequest, TheConditionsGoWithTheFirstRequest) {
    Lab lab;
    auto request = lab.request("1MiB");
    request.setModifiedSinceConstraint(PAST);
    request.setUnmodifiedSinceConstraint(FUTURE);
    request.setNonmatchingETagConstraints({"\"one\"", "\"two\""});
    EXPECT_DOWNLOADED(lab.client().ResumableDownloadObject(request), lab, "1MiB");
    const auto first = lab.firstRequest();
    EXPECT_EQ(first.header("If-Modified-Since"), PAST);
    EXPECT_EQ(first.header("If-Unmodified-Since"), FUTURE);
    EXPECT_NE(first.header("If-None-Match").find("\"one\""), std::string::npos) << first.head;
    EXPECT_NE(first.header("If-None-Match").find("\"two\""), std::string::npos) << first.head;
    EXPECT_FALSE(first.has("If-Match"));
}

TEST(SdkRequest, AConditionThatDoesNotHoldIsTheAnswer) {
    Lab lab;
    auto request = lab.request("1MiB");
    request.setMatchingETagConstraints({"\"another\""});
    EXPECT_EQ(lab.client().ResumableDownloadObject(request).error().Code(), "PreconditionFailed");
    EXPECT_EQ(lab.firstRequest().header("If-Match"), "\"another\"");
    EXPECT_TRUE(lab.files().empty());
}

TEST(SdkRequest, ResponseHeadersAreAskedForAndAnswered) {
    Lab lab;
    auto request = lab.request("1000");
    request.addResponseHeaders(sdk::RequestResponseHeader::ContentType, "text/one");
    request.addResponseHeaders(sdk::RequestResponseHeader::ContentLanguage, "two");
    request.addResponseHeaders(sdk::RequestResponseHeader::Expires, "three");
    request.addResponseHeaders(sdk::RequestResponseHeader::CacheControl, "four");
    request.addResponseHeaders(sdk::RequestResponseHeader::ContentDisposition, "five");
    request.addResponseHeaders(sdk::RequestResponseHeader::ContentEncoding, "six");
    const auto outcome = lab.client().ResumableDownloadObject(request);
    const std::string target = lab.firstRequest().target();
    for (const char *parameter :
         {"response-content-type=text%2Fone", "response-content-language=two",
          "response-expires=three", "response-cache-control=four",
          "response-content-disposition=five", "response-content-encoding=six"}) {
        EXPECT_NE(target.find(parameter), std::string::npos) << target;
    }
    ASSERT_TRUE(outcome.isSuccess()) << outcome.error().Message();
    EXPECT_EQ(outcome.result().Metadata().ContentType(), "text/one");
}

TEST(SdkRequest, TheVersionIsAskedFor) {
    Lab lab;
    auto request = lab.request("1000");
    request.setVersionId("null");
    EXPECT_DOWNLOADED(lab.client().ResumableDownloadObject(request), lab, "1000");
    EXPECT_EQ(lab.firstRequest().target(), "/examplebucket/generated/1000?versionId=null");
}

TEST(SdkRequest, TrafficLimitAndRequestPayerAreHeaders) {
    Lab lab;
    auto request = lab.request("1MiB");
    request.setTrafficLimit(8192000);
    request.setRequestPayer(sdk::RequestPayer::Requester);
    EXPECT_DOWNLOADED(lab.client().ResumableDownloadObject(request), lab, "1MiB");
    for (const WireRequest &each : lab.wire.requests()) {
        EXPECT_EQ(each.header("x-oss-traffic-limit"), "8192000");
        EXPECT_EQ(each.header("x-oss-request-payer"), "requester");
    }
}

TEST(SdkRequest, WithoutThemNeitherIsSent) {
    Lab lab;
    auto request = lab.request("1000");
    request.setRequestPayer(sdk::RequestPayer::BucketOwner);
    EXPECT_DOWNLOADED(lab.client().ResumableDownloadObject(request), lab, "1000");
    EXPECT_FALSE(lab.firstRequest().has("x-oss-traffic-limit"));
    EXPECT_FALSE(lab.firstRequest().has("x-oss-request-payer"));
}

TEST(SdkRequest, TheTransferProgressIsShownToItsHandlerWithItsData) {
    Lab lab({"--rate", "2MB"});
    struct Seen {
        size_t increments = 0;
        int64_t transferred = 0, total = 0;
        int calls = 0;
    } seen;
    auto request = lab.request("1MB");
    request.setTransferProgress(
        sdk::TransferProgress{[](size_t increment, int64_t transferred, int64_t total, void *data) {
                                  auto &seen = *static_cast<Seen *>(data);
                                  seen.increments += increment;
                                  seen.transferred = transferred;
                                  seen.total = total;
                                  seen.calls += 1;
                              },
                              &seen});
    EXPECT_DOWNLOADED(lab.client().ResumableDownloadObject(request), lab, "1MB");
    EXPECT_GE(seen.calls, 2);
    EXPECT_EQ(seen.increments, 1000000u);
    EXPECT_EQ(seen.transferred, 1000000);
    EXPECT_EQ(seen.total, 1000000);
}

TEST(SdkRequest, WidePathsAreRefusedAsTheSdkDoesOutsideWindows) {
    Lab lab;
    const sdk::DownloadObjectRequest wide("examplebucket", "generated/1000", L"file");
    EXPECT_EQ(lab.client().ResumableDownloadObject(wide).error().Code(), "ValidateError");
    auto mixed = lab.request("1000");
    mixed.setCheckpointDir(std::wstring(L"checkpoints"));
    EXPECT_EQ(lab.client().ResumableDownloadObject(mixed).error().Code(), "ValidateError");
    EXPECT_TRUE(lab.wire.requests().empty());
    EXPECT_FALSE(exists(lab.file()));
}
