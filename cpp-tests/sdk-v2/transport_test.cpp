// The settings of the SDK's transport: time-outs, certificates and proxies, in the configuration or
// in the options of a transport.
#include <atomic>
#include <cstdio>
#include <functional>

#include <openssl/pem.h>
#include <openssl/x509.h>

#include "fixture.hpp"

using namespace tests;

namespace {

// The file name under which OpenSSL looks up a certificate in a directory.
std::string hashedName(const std::string &certificate) {
    std::FILE *file = std::fopen(certificate.c_str(), "r");
    X509 *const parsed = file ? PEM_read_X509(file, nullptr, nullptr, nullptr) : nullptr;
    if (file) {
        std::fclose(file);
    }
    char name[32];
    std::snprintf(name, sizeof name, "%08lx.0", parsed ? X509_subject_name_hash(parsed) : 0);
    X509_free(parsed);
    return name;
}

// A server whose certificate is issued by its own authority, and that authority's certificate.
struct Encrypted {
    TemporaryDirectory keys;
    std::string authority = keys.path("ca.pem");
    Fixture fixture{{"--tls", "--ca-file", authority}};

    GetObjectOutcome download(const sdk::CurlTransportOptions &transport) {
        auto configuration = fixture.configuration();
        configuration.retryMaxAttempts = 1;
        return Downloader(configuration, transport)
            .downloadFile(Fixture::request("300000"), fixture.file());
    }
};

// Downloads with these options of a transport.
GetObjectOutcome download(const Fixture &fixture, const sdk::ClientConfiguration &configuration,
                          const sdk::CurlTransportOptions &transport) {
    return Downloader(configuration, transport)
        .downloadFile(Fixture::request("1000"), fixture.file());
}

// A transport that is never called.
std::shared_ptr<sdk::HttpTransport> anyTransport() {
    static int thing = 0;
    return std::shared_ptr<sdk::HttpTransport>(
        std::make_shared<int>(0), static_cast<sdk::HttpTransport *>(static_cast<void *>(&thing)));
}

// A proxy's URL with user:p@ss.
std::string withUser(const Fixture &fixture) {
    return "http://user:p%40ss@" + fixture.wire.host() + "/";
}

const char *const BASIC = "Basic dXNlcjpwQHNz"; // user:p@ss

} // namespace

TEST(SdkV2Transport, ReadWriteTimeoutIsTheIdleTimeout) {
    Fixture fixture({"--fault", "stall-after=1000"});
    auto configuration = fixture.configuration();
    configuration.readWriteTimeout = 300;
    configuration.retryMaxAttempts = 1;
    const Stopwatch watch;
    const auto outcome = fixture.download(configuration, "1MiB");
    EXPECT_EQ(codeOf(outcome), "CURLcode 28") << messageOf(outcome);
    EXPECT_EQ(outcome.error().getErrorCode(), make_error_code(sdk::TransportErrorCode::Timeout));
    // The default is ten seconds.
    EXPECT_LT(watch.seconds(), 8);
}

TEST(SdkV2Transport, TheReadWriteTimeoutOfAnOperationHasPrecedence) {
    Fixture fixture({"--fault", "stall-after=1000"});
    auto configuration = fixture.configuration();
    configuration.readWriteTimeout = 60000;
    sdk::OperationOptions operation;
    operation.readWriteTimeout = 300;
    operation.retryMaxAttempts = 1;
    const Stopwatch watch;
    const auto outcome = Downloader(configuration)
                             .downloadFile(Fixture::request("1MiB"), fixture.file(), &operation);
    EXPECT_EQ(codeOf(outcome), "CURLcode 28") << messageOf(outcome);
    EXPECT_LT(watch.seconds(), 30);
}

TEST(SdkV2Transport, ConnectTimeoutIsTheLongestTimeToConnect) {
    // A full backlog drops new connections.
    const int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_in address = sockaddr_in();
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t length = sizeof address;
    ASSERT_EQ(bind(listener, reinterpret_cast<sockaddr *>(&address), length), 0);
    ASSERT_EQ(listen(listener, 0), 0);
    getsockname(listener, reinterpret_cast<sockaddr *>(&address), &length);
    std::vector<int> fillers;
    for (int i = 0; i < 8; ++i) {
        fillers.push_back(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
        connect(fillers.back(), reinterpret_cast<sockaddr *>(&address), length);
    }
    Fixture fixture;
    auto configuration = fixture.configuration();
    configuration.endpoint = "http://127.0.0.1:" + std::to_string(ntohs(address.sin_port));
    configuration.connectTimeout = 300;
    configuration.retryMaxAttempts = 1;
    const Stopwatch watch;
    const auto outcome = fixture.download(configuration);
    EXPECT_EQ(codeOf(outcome), "CURLcode 28") << messageOf(outcome);
    // The default is five seconds.
    EXPECT_LT(watch.seconds(), 4.5);
    for (const int filler : fillers) {
        close(filler);
    }
    close(listener);
}

TEST(SdkV2Transport, AnUnknownAuthorityIsNotTrustedUnlessVerificationIsSkipped) {
    for (const bool skipped : {false, true}) {
        Encrypted server;
        auto configuration = server.fixture.configuration();
        configuration.insecureSkipVerify = skipped;
        const auto outcome = server.fixture.download(configuration, "300000");
        EXPECT_EQ(codeOf(outcome), skipped ? "" : "CURLcode 60") << messageOf(outcome);
    }
}

TEST(SdkV2Transport, CaFileIsTrusted) {
    Encrypted server;
    sdk::CurlTransportOptions transport;
    EXPECT_EQ(codeOf(server.download(transport)), "CURLcode 60");
    transport.caFile = server.authority;
    EXPECT_DOWNLOADED(server.download(transport), server.fixture, "300000");
}

TEST(SdkV2Transport, CaPathIsTrusted) {
    Encrypted server;
    const std::string name = hashedName(server.authority);
    ASSERT_EQ(symlink(server.authority.c_str(), server.keys.path(name).c_str()), 0);
    sdk::CurlTransportOptions transport;
    transport.caPath = server.keys.path();
    EXPECT_DOWNLOADED(server.download(transport), server.fixture, "300000");
}

TEST(SdkV2Transport, ConnectionsUseTheNetworkInterface) {
    Fixture fixture;
    sdk::CurlTransportOptions transport;
    transport.networkInterface = "127.0.0.9";
    EXPECT_DOWNLOADED(download(fixture, fixture.configuration(), transport), fixture, "1000");
    for (const std::string &peer : fixture.wire.peers()) {
        EXPECT_EQ(peer, "127.0.0.9");
    }
}

TEST(SdkV2Transport, TheProxyIsAUrlWithCredentials) {
    Fixture fixture;
    auto configuration = fixture.throughProxy();
    configuration.proxyHost = withUser(fixture);
    EXPECT_DOWNLOADED(fixture.download(configuration), fixture, "1000");
    const WireRequest first = fixture.firstRequest();
    EXPECT_EQ(first.target(), "http://examplebucket.oss-cn-hangzhou.aliyuncs.com/generated/1000");
    EXPECT_EQ(first.header("Proxy-Authorization"), BASIC);
}

TEST(SdkV2Transport, AProxyWithoutASchemeIsHttp) {
    Fixture fixture;
    auto configuration = fixture.throughProxy();
    configuration.proxyHost = fixture.wire.host();
    EXPECT_DOWNLOADED(fixture.download(configuration), fixture, "1000");
    EXPECT_FALSE(fixture.firstRequest().has("Proxy-Authorization"));
}

TEST(SdkV2Transport, TheProxysPortAndCredentialsMayBeOptionsOfTheirOwn) {
    Fixture fixture;
    auto configuration = fixture.throughProxy();
    configuration.proxyHost.reset();
    sdk::CurlTransportOptions transport;
    transport.proxyHost = "http://127.0.0.1";
    transport.proxyPort = fixture.wire.port();
    transport.proxyUserName = "user";
    transport.proxyPassword = "p@ss";
    EXPECT_DOWNLOADED(download(fixture, configuration, transport), fixture, "1000");
    EXPECT_EQ(fixture.firstRequest().header("Proxy-Authorization"), BASIC);
}

TEST(SdkV2Transport, TheProxysUrlHasPrecedence) {
    Fixture fixture;
    sdk::CurlTransportOptions transport;
    transport.proxyHost = withUser(fixture);
    transport.proxyPort = 1;
    transport.proxyUserName = "another";
    EXPECT_DOWNLOADED(download(fixture, fixture.throughProxy(), transport), fixture, "1000");
    EXPECT_EQ(fixture.firstRequest().header("Proxy-Authorization"), BASIC);
}

TEST(SdkV2Transport, AnHttpsProxyIsConnectedToOverTls) {
    Fixture fixture;
    auto configuration = fixture.throughProxy();
    configuration.proxyHost = "https://" + fixture.wire.host();
    configuration.retryMaxAttempts = 1;
    EXPECT_EQ(codeOf(fixture.download(configuration)).compare(0, 9, "CURLcode "), 0);
    EXPECT_TRUE(fixture.wire.requests().empty()) << "nothing is sent in plain text";
    EXPECT_EQ(fixture.wire.peers().size(), 1u);
}

TEST(SdkV2Transport, AnUnusableProxyIsRefusedWithoutItsPasswordInTheMessage) {
    Fixture fixture;
    for (const char *proxy : {"socks5://u:s3cr3t@127.0.0.1", "http://u:s3cr3t@127.0.0.1:port",
                              "http://u:s3cr3t@127.0.0.1:65536", "http://u:s3cr3t@"}) {
        auto configuration = fixture.throughProxy();
        configuration.proxyHost = proxy;
        const auto outcome = fixture.download(configuration);
        EXPECT_EQ(codeOf(outcome), "ArgumentInvalid") << proxy;
        EXPECT_NE(messageOf(outcome).find("proxy"), std::string::npos) << messageOf(outcome);
        EXPECT_EQ(messageOf(outcome).find("s3cr3t"), std::string::npos) << messageOf(outcome);
    }
    EXPECT_TRUE(fixture.wire.peers().empty());
}

TEST(SdkV2Transport, OptionsHavePrecedenceOverTheConfiguration) {
    Fixture fixture({"--fault", "stall-after=1000"});
    auto configuration = fixture.configuration();
    configuration.connectTimeout = 60000;
    configuration.readWriteTimeout = 60000;
    configuration.retryMaxAttempts = 1;
    sdk::CurlTransportOptions transport;
    transport.connectTimeout = 3000;
    transport.readWriteTimeout = 300;
    const Stopwatch watch;
    const auto outcome =
        Downloader(configuration, transport).downloadFile(Fixture::request("1MiB"), fixture.file());
    EXPECT_EQ(codeOf(outcome), "CURLcode 28") << messageOf(outcome);
    EXPECT_LT(watch.seconds(), 30);

    Encrypted server;
    transport = sdk::CurlTransportOptions();
    transport.insecureSkipVerify = true;
    EXPECT_DOWNLOADED(server.download(transport), server.fixture, "300000");
}

TEST(SdkV2Transport, ATransportOfTheConfigurationIsAcceptedWithItsOptions) {
    Fixture fixture;
    auto configuration = fixture.configuration();
    configuration.httpTransport = anyTransport();
    sdk::CurlTransportOptions transport;
    transport.enabledRedirect = true;
    transport.enableVerbose = true;
    EXPECT_DOWNLOADED(download(fixture, configuration, transport), fixture, "1000");
}

TEST(SdkV2Transport, AnInterceptorIsRefused) {
    Fixture fixture;
    sdk::CurlTransportOptions transport;
    transport.requestInterceptor = [](void *, const sdk::RequestMessage *) {};
    const auto outcome = download(fixture, fixture.configuration(), transport);
    EXPECT_EQ(codeOf(outcome), "ArgumentInvalid");
    EXPECT_NE(messageOf(outcome).find("requestInterceptor"), std::string::npos);
    EXPECT_TRUE(fixture.wire.requests().empty() && fixture.files().empty());
}

TEST(SdkV2Transport, TheConfigurationsSettingsAreIgnoredBesideATransportOfItsOwnAsInTheSdk) {
    Encrypted server;
    auto configuration = server.fixture.configuration();
    configuration.httpTransport = anyTransport();
    configuration.insecureSkipVerify = true;
    configuration.retryMaxAttempts = 1;
    EXPECT_EQ(codeOf(download(server.fixture, configuration, sdk::CurlTransportOptions())),
              "CURLcode 60");

    Fixture fixture;
    configuration = fixture.configuration();
    configuration.httpTransport = anyTransport();
    configuration.proxyHost = "http://127.0.0.1:1";
    EXPECT_DOWNLOADED(download(fixture, configuration, sdk::CurlTransportOptions()), fixture,
                      "1000");
    EXPECT_EQ(fixture.firstRequest().target(), "/examplebucket/generated/1000");
}

TEST(SdkV2Transport, TheConfigurationsTimesAreIgnoredBesideATransportOfItsOwnAsInTheSdk) {
    sdk::ClientConfiguration configuration;
    configuration.connectTimeout = 1;
    configuration.readWriteTimeout = 2;
    const auto converted = [&configuration](const sdk::CurlTransportOptions &transport) {
        oss_resumable::ClientConfiguration to;
        oss_resumable::detail::sdk2CopyTransport(configuration, &transport, to);
        return to;
    };
    sdk::CurlTransportOptions transport;
    EXPECT_EQ(converted(transport).connectTimeoutMs, 1);
    EXPECT_EQ(converted(transport).idleTimeoutMs, 2);
    configuration.httpTransport = anyTransport();
    EXPECT_EQ(converted(transport).connectTimeoutMs, 0);
    EXPECT_EQ(converted(transport).idleTimeoutMs, 0);
    transport.connectTimeout = 3;
    EXPECT_EQ(converted(transport).connectTimeoutMs, 3);
}

namespace {

// The transport's options of a version of the SDK.
struct WithoutSwitch {};
struct WithSwitch {
    std::function<bool()> isRequestDisabled;
};

} // namespace

TEST(SdkV2Transport, TheSwitchOfATransportIsOptional) {
    using oss_resumable::detail::sdk2IsDisabled;
    EXPECT_FALSE(sdk2IsDisabled(WithoutSwitch(), 0));
    EXPECT_FALSE(sdk2IsDisabled(WithSwitch(), 0));
    EXPECT_FALSE(sdk2IsDisabled(WithSwitch{[] { return false; }}, 0));
    EXPECT_TRUE(sdk2IsDisabled(WithSwitch{[] { return true; }}, 0));
}

namespace {

// Sets the switch, if this version of the SDK has it.
template <typename Options>
auto setSwitch(Options &options, std::function<bool()> function, int)
    -> decltype(options.isRequestDisabled = function, true) {
    options.isRequestDisabled = function;
    return true;
}
template <typename Options> bool setSwitch(Options &, std::function<bool()>, long) { return false; }

} // namespace

TEST(SdkV2Transport, TheSwitchOfATransportEndsRunningDownloadsAndPreventsNewOnes) {
    Fixture fixture({"--rate", "400KB"});
    std::atomic<bool> disabled{false};
    sdk::CurlTransportOptions transport;
    if (!setSwitch(
            transport, [&disabled] { return disabled.load(); }, 0)) {
        GTEST_SKIP() << "this version of the SDK has no switch";
    }
    const Downloader downloader(fixture.configuration(), transport);
    auto options = fixture.options();
    options.progress = [&disabled](const oss_resumable::Status &status) {
        disabled = status.bytes_done > 0;
        return true;
    };
    EXPECT_EQ(codeOf(downloader.downloadFile(Fixture::request("1MiB"), fixture.file(), options)),
              "RequestDisabled");
    const size_t sent = fixture.wire.requests().size();
    EXPECT_EQ(codeOf(downloader.downloadFile(Fixture::request("1MiB"), fixture.file(), options)),
              "RequestDisabled");
    EXPECT_EQ(fixture.wire.requests().size(), sent);
    disabled = false;
    options.progress = nullptr;
    EXPECT_DOWNLOADED(downloader.downloadFile(Fixture::request("1MiB"), fixture.file(), options),
                      fixture, "1MiB");
}
