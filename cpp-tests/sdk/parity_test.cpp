// The real SDK and this library side by side: codes and metadata as described in docs/migration.md.
#ifdef TESTS_REAL_SDK

#include <sys/stat.h>

#include "fixture.hpp"

using namespace tests;

namespace {

// One client that downloads as the SDK does, and as this library does.
struct Codes {
    std::string sdk, ours;
};
bool operator==(const Codes &a, const Codes &b) { return a.sdk == b.sdk && a.ours == b.ours; }
void PrintTo(const Codes &codes, std::ostream *out) {
    *out << "the SDK's " << codes.sdk << ", this library's " << codes.ours;
}
Codes both(const std::string &code) { return Codes{code, code}; }

sdk::ClientConfiguration impatient() {
    sdk::ClientConfiguration configuration;
    configuration.retryStrategy = std::make_shared<NoRetry>();
    configuration.requestTimeoutMs = 1000;
    configuration.connectTimeoutMs = 1000;
    return configuration;
}

Codes codesOf(const std::string &endpoint, const sdk::DownloadObjectRequest &request,
              const sdk::ClientConfiguration &configuration = impatient()) {
    const Client client(endpoint, "id", "secret", configuration);
    const auto theirs = client.sdk::OssClient::ResumableDownloadObject(request);
    unlink((request.FilePath() + ".temp").c_str());
    const auto ours = client.ResumableDownloadObject(request);
    return Codes{theirs.error().Code(), ours.error().Code()};
}

Codes codesOfFault(const std::string &fault) {
    Fixture fixture({"--fault", fault});
    auto request = fixture.request("300000");
    request.setCheckpointDir("");
    return codesOf(fixture.oss.endpoint(), request);
}

sdk::MetaData comparable(const sdk::GetObjectOutcome &outcome) {
    EXPECT_TRUE(outcome.isSuccess()) << outcome.error().Code() << outcome.error().Message();
    sdk::MetaData headers = outcome.result().Metadata().HttpMetaData();
    for (const char *name : {"Date", "x-oss-request-id", "x-oss-server-time"}) {
        headers.erase(name);
    }
    // The SDK creates an empty one for some downloads.
    const auto version = headers.find("x-oss-version-id");
    if (version != headers.end() && version->second.empty()) {
        headers.erase(version);
    }
    return headers;
}

} // namespace

TEST(SdkParity, TheServicesFailures) {
    EXPECT_EQ(codesOfFault("status=403:AccessDenied"), both("AccessDenied"));
    EXPECT_EQ(codesOfFault("status=404:NoSuchBucket"), both("NoSuchBucket"));
    EXPECT_EQ(codesOfFault("status=500:InternalError"), both("InternalError"));
    EXPECT_EQ(codesOfFault("status=503:ServiceUnavailable"), both("ServiceUnavailable"));
    EXPECT_EQ(codesOfFault("html=502@method:GET"), (Codes{"ParseXMLError", "ServerError:502"}));
    Fixture fixture;
    EXPECT_EQ(codesOf(fixture.oss.endpoint(),
                      sdk::DownloadObjectRequest("examplebucket", "missing", fixture.file())),
              both("NoSuchKey"));
    auto request = fixture.request("300000");
    request.setModifiedSinceConstraint("Fri, 01 Jan 2100 00:00:00 GMT");
    EXPECT_EQ(codesOf(fixture.oss.endpoint(), request), both("ServerError:304"));
    request = fixture.request("300000");
    request.setMatchingETagConstraints({"\"another\""});
    EXPECT_EQ(codesOf(fixture.oss.endpoint(), request), both("PreconditionFailed"));
}

TEST(SdkParity, TheNetworksFailures) {
    EXPECT_EQ(codesOfFault("close-before-headers"), both("ClientError:200052"));
    EXPECT_EQ(codesOfFault("reset-before-headers"), both("ClientError:200056"));
    EXPECT_EQ(codesOfFault("no-reply"), both("ClientError:200028"));
    EXPECT_EQ(codesOfFault("close-after=1000@method:GET"), both("ClientError:200018"));
    EXPECT_EQ(codesOfFault("stall-after=1000@method:GET"), both("ClientError:200028"));
    Fixture fixture({"--tls"});
    const auto request = fixture.request("300000");
    EXPECT_EQ(codesOf(fixture.oss.endpoint(), request), both("ClientError:200060"));
    EXPECT_EQ(codesOf("http://127.0.0.1:1", request), both("ClientError:200007"));
    EXPECT_EQ(codesOf("http://host.invalid", request), both("ClientError:200006"));
    auto configuration = impatient();
    configuration.networkInterface = "no-such-interface";
    EXPECT_EQ(codesOf("http://127.0.0.1:1", request, configuration), both("ClientError:200045"));
    configuration = impatient();
    configuration.proxyHost = "host.invalid";
    EXPECT_EQ(codesOf("http://127.0.0.1:1", request, configuration), both("ClientError:200005"));
    configuration = impatient();
    configuration.caFile = "/no/such/file";
    EXPECT_EQ(codesOf(fixture.oss.endpoint(), request, configuration), both("ClientError:200077"));
}

TEST(SdkParity, RefusedRequests) {
    Fixture fixture;
    const std::string at = fixture.oss.endpoint();
    const auto named = [&fixture](const std::string &bucket, const std::string &key) {
        return sdk::DownloadObjectRequest(bucket, key, fixture.file());
    };
    EXPECT_EQ(codesOf(at, named("No", "key")), both("ValidateError"));
    EXPECT_EQ(codesOf(at, named("examplebucket", "")), both("ValidateError"));
    EXPECT_EQ(codesOf(at, named("examplebucket", "\\key")), both("ValidateError"));
    EXPECT_EQ(codesOf(at, named("examplebucket", std::string(1024, 'k'))), both("ValidateError"));
    EXPECT_EQ(codesOf("", named("examplebucket", "key")), both("ValidateError"));
    auto request = fixture.request("300000");
    request.setPartSize(PART - 1);
    EXPECT_EQ(codesOf(at, request), both("ValidateError"));
    request = fixture.request("300000");
    request.setThreadNum(0);
    EXPECT_EQ(codesOf(at, request), both("ValidateError"));
    request = fixture.request("300000");
    request.setCheckpointDir("/no/such/directory");
    EXPECT_EQ(codesOf(at, request), both("ValidateError"));
    request = fixture.request("300000");
    request.setRange(20, 10);
    EXPECT_EQ(codesOf(at, request), both("ValidateError"));
    EXPECT_EQ(codesOf(at, sdk::DownloadObjectRequest("examplebucket", "key", "/no/such/file")),
              both("ValidateError"));
    EXPECT_EQ(codesOf(at, sdk::DownloadObjectRequest("examplebucket", "key", L"file")),
              both("ValidateError"));
}

TEST(SdkParity, TheProgramsAndTheFilesFailures) {
    EXPECT_EQ(codesOfFault("wrong-crc"), both("CrcCheckError"));
    Fixture fixture;
    Client client(fixture.oss.endpoint(), "id", "secret", impatient());
    client.DisableRequest();
    const auto request = fixture.request("300000");
    EXPECT_EQ(client.sdk::OssClient::ResumableDownloadObject(request).error().Code(),
              "ClientError:100002");
    EXPECT_EQ(client.ResumableDownloadObject(request).error().Code(), "ClientError:100002");
    // Known before the download starts; the SDK detects it at its end.
    ASSERT_EQ(mkdir(fixture.file().c_str(), 0755), 0);
    EXPECT_EQ(codesOf(fixture.oss.endpoint(), request), (Codes{"RenameError", "ValidateError"}));
    rmdir(fixture.file().c_str());
}

TEST(SdkParity, DisablingDuringADownload) {
    Fixture fixture({"--rate", "400KB"});
    Client client(fixture.oss.endpoint(), "id", "secret", impatient());
    auto request = fixture.request("1MiB");
    request.setTransferProgress(
        sdk::TransferProgress{[](size_t, int64_t transferred, int64_t, void *data) {
                                  if (transferred > 0) {
                                      static_cast<Client *>(data)->DisableRequest();
                                  }
                              },
                              &client});
    EXPECT_EQ(client.sdk::OssClient::ResumableDownloadObject(request).error().Code(),
              "ClientError:200042");
    client.EnableRequest();
    EXPECT_EQ(client.ResumableDownloadObject(request).error().Code(), "ClientError:100002");
}

TEST(SdkParity, TheClocksAndTheKeysFailures) {
    Fixture fixture({"--clock-offset", "3600"});
    auto configuration = impatient();
    configuration.enableDateSkewAdjustment = false;
    EXPECT_EQ(codesOf(fixture.oss.endpoint(), fixture.request("300000"), configuration),
              both("RequestTimeTooSkewed"));
    Fixture other({"--token", "token"});
    EXPECT_EQ(codesOf(other.oss.endpoint(), other.request("300000")), both("InvalidAccessKeyId"));
}

TEST(SdkParity, Metadata) {
    Fixture fixture({"--fault", "header=x-oss-meta-colour:blue"});
    const Client client(fixture.oss.endpoint(), "id", "secret", sdk::ClientConfiguration());
    auto whole = fixture.request("300000"), ranged = whole, small = fixture.request("1000");
    ranged.setRange(1000, 200999);
    for (const auto &request : {whole, ranged, small}) {
        const auto theirs = client.sdk::OssClient::ResumableDownloadObject(request);
        const auto ours = client.ResumableDownloadObject(request);
        EXPECT_EQ(comparable(ours), comparable(theirs));
        EXPECT_EQ(ours.result().Metadata().UserMetaData(),
                  theirs.result().Metadata().UserMetaData());
        EXPECT_EQ(ours.result().Bucket() + ours.result().Key(),
                  theirs.result().Bucket() + theirs.result().Key());
        EXPECT_EQ(ours.result().VersionId(), theirs.result().VersionId());
    }
}

#endif
