// The outcome as the SDK's callers read it: metadata as set by the SDK, and the SDK's error codes.
#include <sys/stat.h>

#include "fixture.hpp"

using namespace tests;

namespace {

// The code of a download of `generated/<size>` from a server with `fault`, without retries.
std::string codeOf(const std::string &fault, const std::string &size = "300000") {
    Fixture fixture({"--fault", fault});
    sdk::ClientConfiguration configuration;
    configuration.retryStrategy = std::make_shared<NoRetry>();
    // Not through the tap, which would end all connections in the same way.
    const Client client(fixture.oss.endpoint(), "id", "secret", configuration);
    const auto outcome = client.ResumableDownloadObject(fixture.request(size));
    EXPECT_FALSE(outcome.isSuccess());
    EXPECT_FALSE(outcome.error().Message().empty());
    return outcome.error().Code();
}

// The code of a request that is refused before anything is sent or written.
std::string refusalOf(const sdk::DownloadObjectRequest &request) {
    Fixture fixture;
    const auto outcome = fixture.client().ResumableDownloadObject(request);
    EXPECT_FALSE(outcome.isSuccess());
    EXPECT_FALSE(outcome.error().Message().empty());
    EXPECT_TRUE(fixture.wire.requests().empty());
    return outcome.error().Code();
}

sdk::DownloadObjectRequest named(const std::string &bucket, const std::string &key) {
    return sdk::DownloadObjectRequest(bucket, key, "/tmp/never-written");
}

} // namespace

TEST(SdkOutcome, MetadataAreThoseOfTheWholeObject) {
    Fixture fixture(
        {"--fault", "header=x-oss-meta-Colour:blue", "--fault", "header=Content-Type:text/x"});
    const auto outcome = fixture.client().ResumableDownloadObject(fixture.request("1MiB"));
    ASSERT_TRUE(outcome.isSuccess()) << outcome.error().Message();
    const auto &result = outcome.result();
    EXPECT_EQ(result.Bucket(), "examplebucket");
    EXPECT_EQ(result.Key(), "generated/1MiB");
    EXPECT_EQ(result.Content(), nullptr);
    EXPECT_FALSE(result.RequestId().empty());
    const auto &metadata = result.Metadata();
    EXPECT_EQ(metadata.ContentLength(), 1 << 20);
    EXPECT_EQ(metadata.ContentType(), "text/x");
    EXPECT_EQ(metadata.ETag().find('"'), std::string::npos);
    EXPECT_FALSE(metadata.ETag().empty() || metadata.LastModified().empty());
    EXPECT_NE(metadata.CRC64(), 0u);
    EXPECT_EQ(metadata.UserMetaData().at("colour"), "blue");
    EXPECT_EQ(metadata.HttpMetaData().at("x-oss-request-id"), result.RequestId());
    EXPECT_FALSE(metadata.hasHeader("Content-Range"));
    EXPECT_FALSE(metadata.hasHeader("x-oss-hash-crc64ecma-by-client"));
}

TEST(SdkOutcome, MetadataOfARangeDescribeTheRange) {
    Fixture fixture;
    auto request = fixture.request("1MiB");
    request.setRange(1000, -1);
    const auto outcome = fixture.client().ResumableDownloadObject(request);
    ASSERT_TRUE(outcome.isSuccess()) << outcome.error().Message();
    const auto &metadata = outcome.result().Metadata();
    EXPECT_EQ(metadata.ContentLength(), (1 << 20) - 1000);
    EXPECT_EQ(metadata.HttpMetaData().at("Content-Range"), "bytes 1000-1048575/1048576");
}

TEST(SdkOutcome, TheVersionIsReported) {
    Fixture fixture({"--fault", "header=x-oss-version-id:v1"});
    const auto outcome = fixture.client().ResumableDownloadObject(fixture.request("1000"));
    ASSERT_TRUE(outcome.isSuccess()) << outcome.error().Message();
    EXPECT_EQ(outcome.result().VersionId(), "v1");
}

TEST(SdkOutcome, AnEmptyObjectIsAnEmptyFile) {
    Fixture fixture;
    const auto outcome = fixture.client().ResumableDownloadObject(fixture.request("0"));
    ASSERT_TRUE(outcome.isSuccess()) << outcome.error().Message();
    EXPECT_EQ(outcome.result().Metadata().ContentLength(), 0);
    EXPECT_EQ(fixture.files(), Strings{"file"});
}

TEST(SdkOutcome, AMissingObjectHasTheServicesCodeAndIds) {
    Fixture fixture;
    const auto outcome = fixture.client().ResumableDownloadObject(
        sdk::DownloadObjectRequest("examplebucket", "missing", fixture.file()));
    EXPECT_EQ(outcome.error().Code(), "NoSuchKey");
    EXPECT_FALSE(outcome.error().RequestId().empty());
    EXPECT_FALSE(outcome.error().Host().empty());
    EXPECT_TRUE(fixture.files().empty());
}

TEST(SdkOutcome, RefusedRequestsHaveTheSdksCode) {
    Fixture fixture;
    EXPECT_EQ(refusalOf(named("No", "key")), "ValidateError");
    EXPECT_EQ(refusalOf(named("examplebucket", "")), "ValidateError");
    EXPECT_EQ(refusalOf(named("examplebucket", "\\key")), "ValidateError");
    EXPECT_EQ(refusalOf(named("examplebucket", std::string(1024, 'k'))), "ValidateError");
    auto request = fixture.request("1000");
    request.setPartSize(PART - 1);
    EXPECT_EQ(refusalOf(request), "ValidateError");
    request.setPartSize(0);
    EXPECT_EQ(refusalOf(request), "ValidateError");
    request = fixture.request("1000");
    request.setCheckpointDir("/no/such/directory");
    EXPECT_EQ(refusalOf(request), "ValidateError");
    for (const int64_t start : {-1, 20}) {
        request = fixture.request("1000");
        request.setRange(start, 10);
        EXPECT_EQ(refusalOf(request), "ValidateError");
    }
    EXPECT_EQ(refusalOf(sdk::DownloadObjectRequest("examplebucket", "key", "/no/such/file")),
              "ValidateError");
}

TEST(SdkOutcome, AnInvalidEndpointIsRefused) {
    for (const char *endpoint : {"", "http://", "http://two words", "ftp://host"}) {
        const Client client(endpoint, "id", "secret", sdk::ClientConfiguration());
        const auto outcome = client.ResumableDownloadObject(named("examplebucket", "key"));
        EXPECT_EQ(outcome.error().Code(), "ValidateError") << endpoint;
    }
}

TEST(SdkOutcome, TheServicesCodesAreReported) {
    EXPECT_EQ(codeOf("status=403:AccessDenied"), "AccessDenied");
    EXPECT_EQ(codeOf("status=404:NoSuchBucket"), "NoSuchBucket");
    EXPECT_EQ(codeOf("status=500:InternalError"), "InternalError");
    EXPECT_EQ(codeOf("status=412:PreconditionFailed"), "PreconditionFailed");
}

TEST(SdkOutcome, AReplyWithoutADocumentHasItsStatusAsItsCode) {
    Fixture fixture;
    auto request = fixture.request("1000");
    request.setModifiedSinceConstraint("Fri, 01 Jan 2100 00:00:00 GMT");
    EXPECT_EQ(fixture.client().ResumableDownloadObject(request).error().Code(), "ServerError:304");
    EXPECT_EQ(codeOf("html=502"), "ServerError:502");
}

TEST(SdkOutcome, BrokenConnectionsHaveCurlsNumber) {
    EXPECT_EQ(codeOf("close-before-headers"), "ClientError:200052");
    EXPECT_EQ(codeOf("reset-before-headers"), "ClientError:200056");
    EXPECT_EQ(codeOf("close-after=1000"), "ClientError:200018");
    sdk::ClientConfiguration configuration;
    configuration.retryStrategy = nullptr;
    const Client nobody("http://127.0.0.1:1", "id", "secret", configuration);
    EXPECT_EQ(nobody.ResumableDownloadObject(named("examplebucket", "key")).error().Code(),
              "ClientError:200007");
    const Client nowhere("http://host.invalid", "id", "secret", configuration);
    EXPECT_EQ(nowhere.ResumableDownloadObject(named("examplebucket", "key")).error().Code(),
              "ClientError:200006");
}

TEST(SdkOutcome, AWrongChecksumHasTheSdksCodeAndDoesNotPersist) {
    Fixture fixture({"--fault", "wrong-crc@times:20"});
    const auto outcome = fixture.client().ResumableDownloadObject(fixture.request("300000"));
    EXPECT_EQ(outcome.error().Code(), "CrcCheckError");
    EXPECT_TRUE(fixture.files().empty()) << "no checkpoint that would always fail";
}

TEST(SdkOutcome, AFailedRenameHasTheSdksCode) {
    Fixture fixture({"--rate", "400KB"});
    auto request = fixture.request("300000");
    struct Target {
        std::string path;
        bool made = false;
    } target{fixture.file()};
    // A directory that appears at the target's path: only the rename detects it.
    request.setTransferProgress(
        sdk::TransferProgress{[](size_t, int64_t, int64_t, void *data) {
                                  auto &target = *static_cast<Target *>(data);
                                  if (!target.made) {
                                      target.made = mkdir(target.path.c_str(), 0755) == 0;
                                  }
                              },
                              &target});
    const auto outcome = fixture.client().ResumableDownloadObject(request);
    EXPECT_EQ(outcome.error().Code(), "RenameError") << outcome.error().Message();
    rmdir(fixture.file().c_str());
}
