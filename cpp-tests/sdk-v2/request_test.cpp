// Each field of the SDK's GetObjectRequest, by its effect on the requests or on the disk.
#include <memory>

#include "fixture.hpp"

using namespace tests;

namespace {

const char *const PAST = "Mon, 01 Jan 2001 00:00:00 GMT";
const char *const FUTURE = "Fri, 01 Jan 2100 00:00:00 GMT";

// The message for a request that is refused before anything is sent or written.
std::string refusalOf(const GetObjectRequest &request) {
    Fixture fixture;
    const auto outcome = fixture.download(request);
    EXPECT_EQ(codeOf(outcome), "ArgumentInvalid");
    EXPECT_TRUE(fixture.wire.requests().empty() && fixture.files().empty());
    return messageOf(outcome);
}

} // namespace

TEST(SdkV2Request, BucketAndKeyNameTheObject) {
    Fixture fixture;
    EXPECT_DOWNLOADED(fixture.download(Fixture::request("1000")), fixture, "1000");
    EXPECT_EQ(fixture.firstRequest().target(), "/examplebucket/generated/1000");
}

TEST(SdkV2Request, ARequestWithoutABucketOrAKeyIsRefused) {
    EXPECT_NE(refusalOf(GetObjectRequest().setKey("key")).find("bucket"), std::string::npos);
    EXPECT_NE(refusalOf(GetObjectRequest().setBucket("examplebucket")).find("key"),
              std::string::npos);
}

TEST(SdkV2Request, ARangeIsRequestedAndIsTheFile) {
    for (const auto &[range, size] : {std::make_pair("bytes=1000-1999", 1000u),
                                      std::make_pair("bytes=1000-", (1u << 20) - 1000)}) {
        Fixture fixture;
        auto request = Fixture::request("1MiB").setRange(range);
        const auto outcome = fixture.download(request);
        ASSERT_TRUE(outcome.has_value()) << messageOf(outcome);
        EXPECT_EQ(fixture.firstRequest().header("Range").compare(0, 11, "bytes=1000-"), 0);
        EXPECT_EQ(readFile(fixture.file()).size(), size);
        EXPECT_EQ(outcome.value().getStatusCode(), 206);
    }
}

TEST(SdkV2Request, InvalidSuffixAndMultipleRangesAreRefused) {
    for (const char *range :
         {"bytes=-500", "bytes=0-1,5-6", "bytes=", "bytes=-", "bytes=a-b", "items=0-1", "0-1",
          "bytes=99999999999999999999-", "bytes=5-4", "bytes= 0-1"}) {
        EXPECT_NE(refusalOf(Fixture::request("1000").setRange(range)).find("range"),
                  std::string::npos)
            << range;
    }
}

TEST(SdkV2Request, TheRangeBehaviorIsAlwaysStandard) {
    Fixture fixture;
    const auto request = Fixture::request("1MiB").setRangeBehavior("another");
    EXPECT_DOWNLOADED(fixture.download(request), fixture, "1MiB");
    EXPECT_EQ(fixture.firstRequest().header("x-oss-range-behavior"), "standard");
}

TEST(SdkV2Request, TheConditionsGoWithTheFirstRequest) {
    Fixture fixture;
    const auto request = Fixture::request("1MiB")
                             .setIfModifiedSince(PAST)
                             .setIfUnmodifiedSince(FUTURE)
                             .setIfNoneMatch("\"one\", \"two\"");
    EXPECT_DOWNLOADED(fixture.download(request), fixture, "1MiB");
    const auto first = fixture.firstRequest();
    EXPECT_EQ(first.header("If-Modified-Since"), PAST);
    EXPECT_EQ(first.header("If-Unmodified-Since"), FUTURE);
    EXPECT_EQ(first.header("If-None-Match"), "\"one\", \"two\"");
    EXPECT_FALSE(first.has("If-Match"));
}

TEST(SdkV2Request, AConditionThatDoesNotHoldIsTheError) {
    Fixture fixture;
    const auto outcome = fixture.download(Fixture::request("1MiB").setIfMatch("\"another\""));
    EXPECT_EQ(codeOf(outcome), "PreconditionFailed");
    EXPECT_EQ(outcome.error().getStatusCode(), 412);
    EXPECT_EQ(fixture.firstRequest().header("If-Match"), "\"another\"");
    EXPECT_TRUE(fixture.files().empty());
}

TEST(SdkV2Request, AnAcceptEncodingIsRefused) {
    EXPECT_NE(refusalOf(Fixture::request("1000").setAcceptEncoding("gzip")).find("Accept-Encoding"),
              std::string::npos);
    Fixture fixture;
    const auto request = Fixture::request("1000").setAcceptEncoding("identity");
    EXPECT_DOWNLOADED(fixture.download(request), fixture, "1000");
    EXPECT_FALSE(fixture.firstRequest().has("Accept-Encoding"));
}

TEST(SdkV2Request, ResponseHeadersAreRequestedAndSent) {
    Fixture fixture;
    const auto request = Fixture::request("1000")
                             .setResponseContentType("text/one")
                             .setResponseContentLanguage("two")
                             .setResponseExpires("three")
                             .setResponseCacheControl("four")
                             .setResponseContentDisposition("five")
                             .setResponseContentEncoding("six");
    const auto outcome = fixture.download(request);
    const std::string target = fixture.firstRequest().target();
    for (const char *parameter :
         {"response-content-type=text%2Fone", "response-content-language=two",
          "response-expires=three", "response-cache-control=four",
          "response-content-disposition=five", "response-content-encoding=six"}) {
        EXPECT_NE(target.find(parameter), std::string::npos) << target;
    }
    ASSERT_TRUE(outcome.has_value()) << messageOf(outcome);
    EXPECT_EQ(outcome.value().getContentType(), "text/one");
}

TEST(SdkV2Request, TheVersionIsRequested) {
    Fixture fixture;
    EXPECT_DOWNLOADED(fixture.download(Fixture::request("1000").setVersionId("null")), fixture,
                      "1000");
    EXPECT_EQ(fixture.firstRequest().target(), "/examplebucket/generated/1000?versionId=null");
}

TEST(SdkV2Request, AddedHeadersAndParametersAreSentWithEveryRequest) {
    Fixture fixture;
    auto request = Fixture::request("1MiB");
    request.addHeader("x-oss-traffic-limit", "8192000");
    request.addHeader("x-oss-request-payer", "requester");
    request.addHeader("X-Own", "value");
    request.addHeader("X-Empty", "");
    request.addParameter("own", "a b");
    EXPECT_DOWNLOADED(fixture.download(request), fixture, "1MiB");
    EXPECT_GE(fixture.wire.requests().size(), 2u);
    for (const WireRequest &each : fixture.wire.requests()) {
        EXPECT_EQ(each.header("x-oss-traffic-limit"), "8192000");
        EXPECT_EQ(each.header("x-oss-request-payer"), "requester");
        EXPECT_EQ(each.header("X-Own"), "value");
        EXPECT_FALSE(each.has("X-Empty")) << "the SDK does not send it either";
        EXPECT_NE(each.target().find("own=a%20b"), std::string::npos) << each.target();
    }
}

TEST(SdkV2Request, HeadersThatTheLibrarySetsItselfAreRefused) {
    for (const char *name : {"Authorization", "host", "X-Oss-Date"}) {
        auto request = Fixture::request("1000");
        request.addHeader(name, "value");
        EXPECT_NE(refusalOf(request).find(name), std::string::npos) << name;
    }
}

TEST(SdkV2Request, NulBytesAreRefused) {
    const std::string nul("a\0b", 3);
    auto header = Fixture::request("1000");
    header.addHeader("x-own", nul);
    auto parameter = Fixture::request("1000");
    parameter.addParameter("own", nul);
    for (const auto &request : {header, parameter, GetObjectRequest().setBucket(nul).setKey("key"),
                                Fixture::request(nul), Fixture::request("1").setVersionId(nul)}) {
        EXPECT_NE(refusalOf(request).find("NUL"), std::string::npos);
    }
}

TEST(SdkV2Request, TheProgressCallbackIsCalledWithItsData) {
    Fixture fixture({"--rate", "2MB"});
    struct Seen {
        std::size_t increments = 0, transferred = 0;
        std::int64_t total = 0;
        int calls = 0;
    } seen;
    sdk::ProgressCallback progress;
    progress.userdata = reinterpret_cast<std::uintptr_t>(&seen);
    progress.callback = [](std::size_t increment, std::size_t transferred, std::int64_t total,
                           std::uintptr_t data) {
        auto &seen = *reinterpret_cast<Seen *>(data);
        seen.increments += increment;
        seen.transferred = transferred;
        seen.total = total;
        seen.calls += 1;
    };
    EXPECT_DOWNLOADED(fixture.download(Fixture::request("1MB").setProgressCallback(progress)),
                      fixture, "1MB");
    EXPECT_GE(seen.calls, 2);
    EXPECT_EQ(seen.increments, 1000000u);
    EXPECT_EQ(seen.transferred, 1000000u);
    EXPECT_EQ(seen.total, 1000000);
}

TEST(SdkV2Request, AnEmptyProgressCallbackIsIgnored) {
    Fixture fixture;
    const auto request = Fixture::request("1000").setProgressCallback(sdk::ProgressCallback());
    EXPECT_DOWNLOADED(fixture.download(request), fixture, "1000");
}

TEST(SdkV2Request, ASinkFactoryIsRefused) {
    sdk::SinkFactory sink;
    sink.supplier = [](std::int64_t) { return nullptr; };
    EXPECT_NE(refusalOf(Fixture::request("1000").setSinkFactory(sink)).find("sink"),
              std::string::npos);
}
