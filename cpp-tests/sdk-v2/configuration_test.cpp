// Each field of the SDK's ClientConfiguration that affects downloads, by its effect on the
// requests. Credentials, retries and the transport have their own files.
#include "fixture.hpp"

using namespace tests;

namespace {

// A pointer to an object of a type that the SDK only declares.
template <typename T> std::shared_ptr<T> something() {
    static int thing = 0;
    return std::shared_ptr<T>(std::make_shared<int>(0),
                              static_cast<T *>(static_cast<void *>(&thing)));
}

// The target of the first request to the proxy, of a configuration without an endpoint.
std::string targetOf(std::optional<bool> sdk::ClientConfiguration::*kind) {
    Fixture fixture;
    auto configuration = fixture.throughProxy();
    configuration.endpoint.reset();
    configuration.disableSsl = true;
    if (kind) {
        configuration.*kind = true;
    }
    fixture.download(configuration);
    return fixture.firstRequest().target();
}

} // namespace

TEST(SdkV2Configuration, TheRegionAloneNamesTheEndpoint) {
    using Configuration = sdk::ClientConfiguration;
    const std::string key = "/generated/1000";
    EXPECT_EQ(targetOf(nullptr), "http://examplebucket.oss-cn-hangzhou.aliyuncs.com" + key);
    EXPECT_EQ(targetOf(&Configuration::useInternalEndpoint),
              "http://examplebucket.oss-cn-hangzhou-internal.aliyuncs.com" + key);
    EXPECT_EQ(targetOf(&Configuration::useDualStackEndpoint),
              "http://examplebucket.cn-hangzhou.oss.aliyuncs.com" + key);
    EXPECT_EQ(targetOf(&Configuration::useAccelerateEndpoint),
              "http://examplebucket.oss-accelerate.aliyuncs.com" + key);
}

TEST(SdkV2Configuration, AnEndpointHasPrecedenceAndOnlyItsHostIsUsed) {
    Fixture fixture;
    auto configuration = fixture.configuration();
    configuration.endpoint = fixture.wire.endpoint() + "/path?query";
    configuration.useInternalEndpoint = true;
    EXPECT_DOWNLOADED(fixture.download(configuration), fixture, "1000");
    EXPECT_EQ(fixture.firstRequest().target(), "/examplebucket/generated/1000");
}

TEST(SdkV2Configuration, AnEndpointWithoutASchemeIsHttpsUnlessSslIsDisabled) {
    TemporaryDirectory keys;
    Fixture encrypted({"--tls", "--ca-file", keys.path("ca.pem")});
    auto configuration = encrypted.configuration();
    configuration.endpoint = encrypted.wire.host();
    configuration.insecureSkipVerify = true;
    EXPECT_DOWNLOADED(encrypted.download(configuration), encrypted, "1000");

    Fixture plain;
    configuration = plain.configuration();
    configuration.endpoint = plain.wire.host();
    configuration.disableSsl = true;
    EXPECT_DOWNLOADED(plain.download(configuration), plain, "1000");
}

TEST(SdkV2Configuration, TheSignatureHasTheConfiguredVersionAndRegion) {
    Fixture fixture;
    auto configuration = fixture.configuration();
    EXPECT_DOWNLOADED(fixture.download(configuration), fixture, "1000");
    const std::string signature = fixture.firstRequest().header("Authorization");
    EXPECT_EQ(signature.compare(0, 16, "OSS4-HMAC-SHA256"), 0) << signature;
    EXPECT_NE(signature.find("/cn-hangzhou/oss/"), std::string::npos) << signature;

    Fixture other;
    configuration = other.configuration();
    configuration.signatureVersion = "v1";
    EXPECT_DOWNLOADED(other.download(configuration), other, "1000");
    EXPECT_EQ(other.firstRequest().header("Authorization").compare(0, 7, "OSS id:"), 0);
}

TEST(SdkV2Configuration, PathStylePutsTheBucketIntoThePath) {
    Fixture fixture;
    auto configuration = fixture.throughProxy();
    configuration.usePathStyle = true;
    EXPECT_DOWNLOADED(fixture.download(configuration), fixture, "1000");
    EXPECT_EQ(fixture.firstRequest().target(),
              "http://oss-cn-hangzhou.aliyuncs.com/examplebucket/generated/1000");
}

TEST(SdkV2Configuration, CnameLeavesTheBucketOutAndHasPrecedenceAsInTheSdk) {
    Fixture fixture;
    auto configuration = fixture.throughProxy();
    configuration.endpoint = "http://download.example.com";
    configuration.useCName = true;
    configuration.usePathStyle = true;
    fixture.download(configuration);
    EXPECT_EQ(fixture.firstRequest().target(), "http://download.example.com/generated/1000");
}

TEST(SdkV2Configuration, CnameOfAnAddressIsPathStyleAsInTheSdk) {
    Fixture fixture;
    auto configuration = fixture.configuration();
    configuration.useCName = true;
    EXPECT_DOWNLOADED(fixture.download(configuration), fixture, "1000");
    EXPECT_EQ(fixture.firstRequest().target(), "/examplebucket/generated/1000");
}

TEST(SdkV2Configuration, TheUserAgentIsAppended) {
    Fixture fixture;
    auto configuration = fixture.configuration();
    configuration.userAgent = "program/1";
    EXPECT_DOWNLOADED(fixture.download(configuration, "1MiB"), fixture, "1MiB");
    for (const WireRequest &request : fixture.wire.requests()) {
        EXPECT_EQ(request.header("User-Agent"),
                  "oss-resumable/" + std::string(oss_resumable_version()) + "/program/1");
    }
}

TEST(SdkV2Configuration, DisableDownloadCrc64CheckSwitchesTheComparison) {
    for (const bool disabled : {false, true}) {
        Fixture fixture({"--fault", "wrong-crc"});
        auto configuration = fixture.configuration();
        configuration.disableDownloadCRC64Check = disabled;
        EXPECT_EQ(codeOf(fixture.download(configuration, "300000")),
                  disabled ? "" : "CRCInconsistent");
    }
}

TEST(SdkV2Configuration, DisableClockSkewCorrectionSwitchesTheCorrection) {
    for (const bool disabled : {false, true}) {
        Fixture fixture({"--clock-offset", "3600"});
        auto configuration = fixture.configuration();
        configuration.disableClockSkewCorrection = disabled;
        EXPECT_EQ(codeOf(fixture.download(configuration)), disabled ? "RequestTimeTooSkewed" : "");
    }
}

TEST(SdkV2Configuration, ARedirectIsAnError) {
    for (const bool enabled : {false, true}) {
        Fixture other;
        Fixture fixture({"--fault", "redirect=" + other.wire.endpoint() + "/elsewhere"});
        auto configuration = fixture.configuration();
        configuration.enabledRedirect = enabled;
        configuration.retryMaxAttempts = 1;
        const auto outcome = fixture.download(configuration);
        ASSERT_FALSE(outcome.has_value());
        EXPECT_EQ(outcome.error().getStatusCode() / 100, 3) << codeOf(outcome);
        EXPECT_TRUE(other.wire.requests().empty() && fixture.files().empty());
    }
}

TEST(SdkV2Configuration, SettingsThatDoNotAffectDownloadsAreIgnored) {
    Fixture fixture;
    auto configuration = fixture.configuration();
    configuration.accountId = "1234567890";
    configuration.useVirtualHostedAlias = true;
    configuration.additionalHeaders = Strings{"host"};
    configuration.disableAutoDetectMimeType = true;
    configuration.disableUploadCRC64Check = true;
    configuration.executor = something<sdk::Executor>();
    configuration.asyncHttpTransport = something<sdk::AsyncHttpTransport>();
    configuration.scheduledExecutor = something<sdk::ScheduledExecutor>();
    EXPECT_DOWNLOADED(fixture.download(configuration), fixture, "1000");
    EXPECT_EQ(fixture.firstRequest().header("Authorization").find("AdditionalHeaders"),
              std::string::npos);
}

TEST(SdkV2Configuration, UnsupportedSettingsAreRefused) {
    Fixture fixture;
    const auto refused = [&fixture](const sdk::ClientConfiguration &configuration) {
        const auto outcome = fixture.download(configuration);
        EXPECT_EQ(codeOf(outcome), "ArgumentInvalid");
        EXPECT_TRUE(outcome.error().getErrorCode() == sdk::ErrorCondition::InvalidArgument);
        EXPECT_TRUE(fixture.wire.requests().empty() && fixture.files().empty());
        return messageOf(outcome);
    };
    auto configuration = fixture.configuration();
    configuration.signer = something<sdk::Signer>();
    EXPECT_NE(refused(configuration).find("signer"), std::string::npos);
    configuration = fixture.configuration();
    configuration.httpTransport = something<sdk::HttpTransport>();
    EXPECT_NE(refused(configuration).find("httpTransport"), std::string::npos);
    configuration = fixture.configuration();
    configuration.credentialsProvider = nullptr;
    EXPECT_NE(refused(configuration).find("credentialsProvider"), std::string::npos);
    configuration = fixture.configuration();
    configuration.endpoint.reset();
    configuration.region.reset();
    EXPECT_NE(refused(configuration).find("endpoint"), std::string::npos);
    for (const char *endpoint : {"", "http://", "http://two words", "ftp://host"}) {
        configuration = fixture.configuration();
        configuration.endpoint = endpoint;
        EXPECT_NE(refused(configuration).find("endpoint"), std::string::npos) << endpoint;
    }
}

TEST(SdkV2Configuration, V4NeedsARegion) {
    Fixture fixture;
    auto configuration = fixture.configuration();
    configuration.region.reset();
    EXPECT_EQ(codeOf(fixture.download(configuration)), "ArgumentInvalid");
    EXPECT_TRUE(fixture.wire.requests().empty());
}

TEST(SdkV2Configuration, V1DoesNotUseTheRegion) {
    for (const char *region : {"my_region", "CN", ""}) {
        Fixture fixture;
        auto configuration = fixture.configuration();
        configuration.signatureVersion = "v1";
        configuration.region = region;
        EXPECT_DOWNLOADED(fixture.download(configuration), fixture, "1000");
    }
}

TEST(SdkV2Configuration, NulBytesAreRefused) {
    const std::string nul("a\0b", 3);
    Fixture fixture;
    const auto refused = [&fixture](const sdk::ClientConfiguration &configuration,
                                    const sdk::CurlTransportOptions &transport) {
        const auto outcome = Downloader(configuration, transport)
                                 .downloadFile(Fixture::request("1000"), fixture.file());
        EXPECT_EQ(codeOf(outcome), "ArgumentInvalid");
        EXPECT_NE(messageOf(outcome).find("NUL"), std::string::npos) << messageOf(outcome);
    };
    using Configuration = sdk::ClientConfiguration;
    for (const auto field : {&Configuration::endpoint, &Configuration::region,
                             &Configuration::userAgent, &Configuration::proxyHost}) {
        auto configuration = fixture.configuration();
        configuration.*field = nul;
        refused(configuration, sdk::CurlTransportOptions());
    }
    using Transport = sdk::CurlTransportOptions;
    for (const auto field : {&Transport::caFile, &Transport::caPath, &Transport::networkInterface,
                             &Transport::proxyUserName, &Transport::proxyPassword}) {
        Transport transport;
        transport.proxyHost = fixture.wire.endpoint();
        transport.*field = nul;
        refused(fixture.configuration(), transport);
    }
    auto configuration = fixture.configuration();
    configuration.proxyHost = "http://user%00:password@" + fixture.wire.host();
    refused(configuration, sdk::CurlTransportOptions());
    EXPECT_TRUE(fixture.wire.peers().empty() && fixture.files().empty());
}
