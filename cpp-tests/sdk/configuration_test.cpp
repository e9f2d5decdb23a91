// Each field of the SDK's ClientConfiguration that affects a download, by its effect on the
// requests.
#include <atomic>

#include "fixture.hpp"

using namespace tests;

namespace {

// Returns one rate after another, and then the last one again.
class Rates : public sdk::RateLimiter {
public:
    explicit Rates(int rate) : rate_(rate) {}
    void setRate(int rate) override { rate_ = rate; }
    int Rate() const override {
        asked += 1;
        return rate_;
    }
    mutable std::atomic<int> asked{0};

private:
    std::atomic<int> rate_;
};

// Records the errors that it gets, and retries a number of times.
class Notes : public sdk::RetryStrategy {
public:
    explicit Notes(long most) : most_(most) {}
    bool shouldRetry(const sdk::Error &error, long attemptedRetries) const override {
        status = error.Status();
        code = error.Code();
        message = error.Message();
        asked += 1;
        return attemptedRetries < most_;
    }
    long calcDelayTimeMs(const sdk::Error &, long) const override { return 1; }

    mutable std::atomic<long> status{0}, asked{0};
    mutable std::string code, message;

private:
    long most_;
};

class Refusing : public sdk::HttpClient {
public:
    std::shared_ptr<sdk::HttpResponse>
    makeRequest(const std::shared_ptr<sdk::HttpRequest> &) override {
        return nullptr;
    }
};

class Interceptor : public sdk::HttpInterceptor {
public:
    void preSendRequest(void *, const std::shared_ptr<sdk::HttpRequest> &) override {}
};

class Idle : public sdk::Executor {
public:
    void execute(sdk::Runnable *) override { ran = true; }
    bool ran = false;
};

const char *const SERVICE = "http://oss-cn-hangzhou.aliyuncs.com";

// A configuration that reaches the service through the tap, used as a proxy.
sdk::ClientConfiguration throughProxy(const Fixture &fixture) {
    sdk::ClientConfiguration configuration;
    configuration.proxyHost = "127.0.0.1";
    configuration.proxyPort = fixture.wire.port();
    return configuration;
}

} // namespace

TEST(SdkConfiguration, UserAgentIsSent) {
    Fixture fixture;
    sdk::ClientConfiguration configuration;
    configuration.userAgent = "program/1";
    EXPECT_DOWNLOADED(
        fixture.client(configuration).ResumableDownloadObject(fixture.request("1MiB")), fixture,
        "1MiB");
    for (const WireRequest &request : fixture.wire.requests()) {
        EXPECT_EQ(request.header("User-Agent"), "program/1");
    }
}

TEST(SdkConfiguration, TheSdksOwnUserAgentIsKept) {
    Fixture fixture;
    EXPECT_DOWNLOADED(fixture.client().ResumableDownloadObject(fixture.request("1000")), fixture,
                      "1000");
    EXPECT_EQ(fixture.firstRequest().header("User-Agent"), sdk::ClientConfiguration().userAgent);
}

TEST(SdkConfiguration, AnEndpointWithoutASchemeHasThatOfTheConfiguration) {
    Fixture plain;
    const Client overHttp(plain.wire.host(), "id", "secret", sdk::ClientConfiguration());
    EXPECT_DOWNLOADED(overHttp.ResumableDownloadObject(plain.request("1000")), plain, "1000");

    TemporaryDirectory keys;
    Fixture encrypted({"--tls", "--ca-file", keys.path("ca.pem")});
    sdk::ClientConfiguration configuration;
    configuration.scheme = sdk::Http::HTTPS;
    configuration.caFile = keys.path("ca.pem");
    const Client overHttps(encrypted.wire.host(), "id", "secret", configuration);
    EXPECT_DOWNLOADED(overHttps.ResumableDownloadObject(encrypted.request("1000")), encrypted,
                      "1000");
}

TEST(SdkConfiguration, OnlyTheHostOfAnEndpointIsUsed) {
    Fixture fixture;
    const Client client(fixture.wire.endpoint() + "/path?query", "id", "secret",
                        sdk::ClientConfiguration());
    EXPECT_DOWNLOADED(client.ResumableDownloadObject(fixture.request("1000")), fixture, "1000");
}

TEST(SdkConfiguration, MaxConnectionsIsTheMostOfADownload) {
    Fixture fixture({"--rate", "400KB"});
    sdk::ClientConfiguration configuration;
    configuration.maxConnections = 1;
    auto request = fixture.request("400000");
    request.setThreadNum(8);
    EXPECT_DOWNLOADED(fixture.client(configuration).ResumableDownloadObject(request), fixture,
                      "400000");
    EXPECT_EQ(fixture.wire.mostConnections(), 1);
}

TEST(SdkConfiguration, RequestTimeoutIsTheIdleTimeout) {
    Fixture fixture({"--fault", "stall-after=1000"});
    sdk::ClientConfiguration configuration;
    configuration.requestTimeoutMs = 300;
    configuration.retryStrategy = nullptr;
    const Stopwatch watch;
    const auto outcome =
        fixture.client(configuration).ResumableDownloadObject(fixture.request("1MiB"));
    EXPECT_EQ(outcome.error().Code(), "ClientError:200028") << outcome.error().Message();
    // The default is ten seconds.
    EXPECT_LT(watch.seconds(), 8);
}

TEST(SdkConfiguration, ConnectTimeoutIsTheLongestTimeToConnect) {
    // Accepts nobody: a full backlog drops new connections.
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
    sdk::ClientConfiguration configuration;
    configuration.connectTimeoutMs = 300;
    configuration.retryStrategy = nullptr;
    const Client client("127.0.0.1:" + std::to_string(ntohs(address.sin_port)), "id", "secret",
                        configuration);
    TemporaryDirectory directory;
    const Stopwatch watch;
    const auto outcome = client.ResumableDownloadObject(
        sdk::DownloadObjectRequest("examplebucket", "key", directory.path("file")));
    EXPECT_EQ(outcome.error().Code(), "ClientError:200028") << outcome.error().Message();
    // The default is five seconds.
    EXPECT_LT(watch.seconds(), 4.5);
    for (const int filler : fillers) {
        close(filler);
    }
    close(listener);
}

TEST(SdkConfiguration, TheStandardStrategyLeavesTheDecisionToTheLibrary) {
    Fixture fixture({"--fault", "status=503:ServiceUnavailable@times:2"});
    EXPECT_DOWNLOADED(fixture.client().ResumableDownloadObject(fixture.request("1000")), fixture,
                      "1000");
    EXPECT_EQ(fixture.wire.requests().size(), 3u);
}

TEST(SdkConfiguration, NoStrategyIsNoRetry) {
    Fixture fixture({"--fault", "status=503:ServiceUnavailable@times:2"});
    sdk::ClientConfiguration configuration;
    configuration.retryStrategy = nullptr;
    const auto outcome =
        fixture.client(configuration).ResumableDownloadObject(fixture.request("1000"));
    EXPECT_EQ(outcome.error().Code(), "ServiceUnavailable");
    EXPECT_EQ(fixture.wire.requests().size(), 1u);
}

TEST(SdkConfiguration, AStrategyOfTheProgramGetsTheSdksErrors) {
    Fixture fixture({"--fault", "status=403:Strange"});
    const auto notes = std::make_shared<Notes>(2);
    sdk::ClientConfiguration configuration;
    configuration.retryStrategy = notes;
    const auto outcome =
        fixture.client(configuration).ResumableDownloadObject(fixture.request("1000"));
    EXPECT_EQ(outcome.error().Code(), "Strange");
    EXPECT_EQ(fixture.wire.requests().size(), 3u);
    EXPECT_EQ(notes->asked, 3);
    EXPECT_EQ(notes->status, 403);
    EXPECT_EQ(notes->code, "ServerError:403");
    EXPECT_NE(notes->message.find("Strange"), std::string::npos) << notes->message;
}

TEST(SdkConfiguration, AStrategyGetsCurlsNumbersToo) {
    Fixture fixture({"--fault", "close-before-headers"});
    const auto notes = std::make_shared<Notes>(0);
    sdk::ClientConfiguration configuration;
    configuration.retryStrategy = notes;
    fixture.client(configuration).ResumableDownloadObject(fixture.request("1000"));
    EXPECT_EQ(notes->status, 200052);
    EXPECT_EQ(notes->code, "ClientError:200052");
}

TEST(SdkConfiguration, RequestsGoThroughTheProxyWithItsCredentials) {
    Fixture fixture;
    auto configuration = throughProxy(fixture);
    configuration.proxyUserName = "user";
    configuration.proxyPassword = "password";
    const Client client(SERVICE, "id", "secret", configuration);
    EXPECT_DOWNLOADED(client.ResumableDownloadObject(fixture.request("1000")), fixture, "1000");
    const WireRequest first = fixture.firstRequest();
    EXPECT_EQ(first.target(), "http://examplebucket.oss-cn-hangzhou.aliyuncs.com/generated/1000");
    // user:password
    EXPECT_EQ(first.header("Proxy-Authorization"), "Basic dXNlcjpwYXNzd29yZA==");
}

TEST(SdkConfiguration, AnHttpsProxyIsConnectedToOverTls) {
    Fixture fixture;
    auto configuration = throughProxy(fixture);
    configuration.proxyScheme = sdk::Http::HTTPS;
    configuration.retryStrategy = nullptr;
    const Client client(SERVICE, "id", "secret", configuration);
    const auto outcome = client.ResumableDownloadObject(fixture.request("1000"));
    EXPECT_EQ(outcome.error().Code().compare(0, 12, "ClientError:"), 0) << outcome.error().Code();
    EXPECT_TRUE(fixture.wire.requests().empty()) << "nothing is sent in the clear";
    EXPECT_EQ(fixture.wire.peers().size(), 1u);
}

TEST(SdkConfiguration, PathStylePutsTheBucketIntoThePath) {
    Fixture fixture;
    auto configuration = throughProxy(fixture);
    configuration.isPathStyle = true;
    configuration.isCname = true; // the SDK lets path style win
    const Client client(SERVICE, "id", "secret", configuration);
    EXPECT_DOWNLOADED(client.ResumableDownloadObject(fixture.request("1000")), fixture, "1000");
    EXPECT_EQ(fixture.firstRequest().target(),
              std::string(SERVICE) + "/examplebucket/generated/1000");
}

TEST(SdkConfiguration, CnameLeavesTheBucketOut) {
    Fixture fixture;
    auto configuration = throughProxy(fixture);
    configuration.isCname = true;
    const Client client("http://download.example.com", "id", "secret", configuration);
    client.ResumableDownloadObject(fixture.request("1000"));
    EXPECT_EQ(fixture.firstRequest().target(), "http://download.example.com/generated/1000");
    EXPECT_EQ(fixture.firstRequest().header("Host"), "download.example.com");
}

TEST(SdkConfiguration, CnameOfAnAddressIsPathStyleAsInTheSdk) {
    Fixture fixture;
    sdk::ClientConfiguration configuration;
    configuration.isCname = true;
    EXPECT_DOWNLOADED(
        fixture.client(configuration).ResumableDownloadObject(fixture.request("1000")), fixture,
        "1000");
}

TEST(SdkConfiguration, EnableCrc64SwitchesTheComparison) {
    for (const bool on : {true, false}) {
        Fixture fixture({"--fault", "wrong-crc"});
        sdk::ClientConfiguration configuration;
        configuration.enableCrc64 = on;
        const auto outcome =
            fixture.client(configuration).ResumableDownloadObject(fixture.request("300000"));
        EXPECT_EQ(outcome.isSuccess(), !on) << outcome.error().Message();
        EXPECT_EQ(outcome.error().Code(), on ? "CrcCheckError" : "");
    }
}

TEST(SdkConfiguration, EnableDateSkewAdjustmentSwitchesTheCorrection) {
    for (const bool on : {true, false}) {
        Fixture fixture({"--clock-offset", "3600"});
        sdk::ClientConfiguration configuration;
        configuration.enableDateSkewAdjustment = on;
        const auto outcome =
            fixture.client(configuration).ResumableDownloadObject(fixture.request("1000"));
        EXPECT_EQ(outcome.isSuccess(), on) << outcome.error().Message();
        EXPECT_EQ(outcome.error().Code(), on ? "" : "RequestTimeTooSkewed");
    }
}

TEST(SdkConfiguration, TheReceivingRateIsTheTotalInKibibytesASecond) {
    Fixture fixture;
    const auto rates = std::make_shared<Rates>(1024);
    sdk::ClientConfiguration configuration;
    configuration.recvRateLimiter = rates;
    auto request = fixture.request("2MiB");
    request.setThreadNum(4);
    const Stopwatch watch;
    EXPECT_DOWNLOADED(fixture.client(configuration).ResumableDownloadObject(request), fixture,
                      "2MiB");
    // A burst of a twentieth of a second may be added.
    EXPECT_GE(watch.seconds(), 1.9);
    EXPECT_GE(rates->asked, 3) << "it is called repeatedly";
}

TEST(SdkConfiguration, TheReceivingRateMayChangeWhileADownloadRuns) {
    Fixture fixture;
    const auto rates = std::make_shared<Rates>(100);
    sdk::ClientConfiguration configuration;
    configuration.recvRateLimiter = rates;
    auto request = fixture.request("8MiB");
    request.setTransferProgress(
        sdk::TransferProgress{[](size_t, int64_t transferred, int64_t, void *limiter) {
                                  if (transferred > 0) {
                                      static_cast<sdk::RateLimiter *>(limiter)->setRate(0);
                                  }
                              },
                              rates.get()});
    const Stopwatch watch;
    EXPECT_DOWNLOADED(fixture.client(configuration).ResumableDownloadObject(request), fixture,
                      "8MiB");
    EXPECT_LT(watch.seconds(), 60) << "at 100 KiB a second it takes 80 seconds";
}

TEST(SdkConfiguration, ConnectionsUseTheNetworkInterface) {
    Fixture fixture;
    sdk::ClientConfiguration configuration;
    configuration.networkInterface = "127.0.0.9";
    EXPECT_DOWNLOADED(
        fixture.client(configuration).ResumableDownloadObject(fixture.request("1MiB")), fixture,
        "1MiB");
    for (const std::string &peer : fixture.wire.peers()) {
        EXPECT_EQ(peer, "127.0.0.9");
    }
}

TEST(SdkConfiguration, TheSignatureHasTheConfiguredVersion) {
    Fixture fixture;
    sdk::ClientConfiguration configuration;
    configuration.signatureVersion = sdk::SignatureVersionType::V1;
    EXPECT_DOWNLOADED(
        fixture.client(configuration).ResumableDownloadObject(fixture.request("1000")), fixture,
        "1000");
    EXPECT_EQ(fixture.firstRequest().header("Authorization").compare(0, 7, "OSS id:"), 0);

    Fixture other;
    configuration.signatureVersion = sdk::SignatureVersionType::V4;
    Client client = other.client(configuration);
    client.SetRegion("cn-hangzhou");
    EXPECT_DOWNLOADED(client.ResumableDownloadObject(other.request("1000")), other, "1000");
    const std::string signature = other.firstRequest().header("Authorization");
    EXPECT_EQ(signature.compare(0, 16, "OSS4-HMAC-SHA256"), 0) << signature;
    EXPECT_NE(signature.find("/cn-hangzhou/oss/"), std::string::npos) << signature;
}

TEST(SdkConfiguration, SettingsThatDoNotAffectDownloadsAreIgnored) {
    Fixture fixture;
    const auto sending = std::make_shared<Rates>(1);
    const auto executor = std::make_shared<Idle>();
    sdk::ClientConfiguration configuration;
    configuration.sendRateLimiter = sending;
    configuration.executor = executor;
    configuration.isVerifyObjectStrict = false;
    EXPECT_DOWNLOADED(
        fixture.client(configuration).ResumableDownloadObject(fixture.request("1000")), fixture,
        "1000");
    EXPECT_EQ(sending->asked, 0);
    EXPECT_FALSE(executor->ran);
}

TEST(SdkConfiguration, UnsupportedSettingsAreRefused) {
    const auto refused = [](const sdk::ClientConfiguration &configuration) {
        Fixture fixture;
        const auto outcome =
            fixture.client(configuration).ResumableDownloadObject(fixture.request("1000"));
        EXPECT_EQ(outcome.error().Code(), "ValidateError");
        EXPECT_TRUE(fixture.wire.requests().empty() && fixture.files().empty());
        return outcome.error().Message();
    };
    sdk::ClientConfiguration configuration;
    configuration.httpClient = std::make_shared<Refusing>();
    EXPECT_NE(refused(configuration).find("httpClient"), std::string::npos);
    configuration = sdk::ClientConfiguration();
    configuration.httpInterceptor = std::make_shared<Interceptor>();
    EXPECT_NE(refused(configuration).find("httpInterceptor"), std::string::npos);
    configuration = sdk::ClientConfiguration();
    configuration.maxConnections = 0;
    EXPECT_NE(refused(configuration).find("maxConnections"), std::string::npos);
}
