// A program that knows the SDK alone, and whose downloads are the library's: linked with
// OssResumable::sdk, or with liboss_resumable_sdk.so loaded before it.
#include <atomic>
#include <chrono>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include <alibabacloud/oss/OssEncryptionClient.h>

#include "../sdk/server_fixture.hpp"

using namespace tests;

namespace {

const char *const VERSION = "oss-resumable/" OSS_RESUMABLE_VERSION;

bool isTheLibrarys(const WireRequest &request) {
    return request.header("User-Agent").find(VERSION) != std::string::npos;
}

// As most programs call it: through a reference to the SDK's class.
sdk::GetObjectOutcome download(const sdk::OssClient &client,
                               const sdk::DownloadObjectRequest &request) {
    return client.ResumableDownloadObject(request);
}

std::shared_ptr<sdk::OssClient> newClient(const ServerFixture &fixture) {
    return std::make_shared<sdk::OssClient>(fixture.wire.endpoint(), "id", "secret",
                                            sdk::ClientConfiguration());
}

// Downloads, and every request of the fixture is the library's.
void expectLinked(const sdk::OssClient &client, ServerFixture &fixture) {
    const size_t before = fixture.wire.requests().size();
    EXPECT_DOWNLOADED(download(client, fixture.request("300000")), fixture, "300000");
    const auto requests = fixture.wire.requests();
    EXPECT_GT(requests.size(), before);
    for (const WireRequest &request : requests) {
        EXPECT_TRUE(isTheLibrarys(request)) << request.head;
    }
}

class Derived : public sdk::OssClient {
public:
    explicit Derived(const ServerFixture &fixture)
        : OssClient(fixture.wire.endpoint(), sdk::Credentials("id", "secret"),
                    sdk::ClientConfiguration()) {}
};

// Takes another client with it when it ends.
class OwningProvider : public sdk::SimpleCredentialsProvider {
public:
    explicit OwningProvider(std::shared_ptr<sdk::OssClient> owned)
        : SimpleCredentialsProvider("id", "secret"), owned_(std::move(owned)) {}

private:
    std::shared_ptr<sdk::OssClient> owned_;
};

template <typename Condition> bool becomesTrue(Condition condition) {
    for (int tries = 0; tries < 1000; ++tries) {
        if (condition()) {
            return true;
        }
        std::this_thread::sleep_for(std::chrono::milliseconds(10));
    }
    return false;
}

// The program's own HTTP.
class OwnHttp : public sdk::HttpClient {
public:
    std::shared_ptr<sdk::HttpResponse>
    makeRequest(const std::shared_ptr<sdk::HttpRequest> &request) override {
        (void)request;
#ifdef TESTS_REAL_SDK
        const auto response = std::make_shared<sdk::HttpResponse>(request);
        response->setStatusCode(404);
        return response;
#else
        return nullptr;
#endif
    }
};

class Interceptor : public sdk::HttpInterceptor {
public:
    void preSendRequest(void *, const std::shared_ptr<sdk::HttpRequest> &) override {}
};

// Configurations with which the program sends or changes requests itself.
std::vector<sdk::ClientConfiguration> ownTransports() {
    std::vector<sdk::ClientConfiguration> configurations(2);
    configurations[0].httpClient = std::make_shared<OwnHttp>();
    configurations[1].httpInterceptor = std::make_shared<Interceptor>();
    return configurations;
}

std::mutex logMutex;
std::string logged;
void keepLog(sdk::LogLevel, const std::string &line) {
    std::lock_guard<std::mutex> lock(logMutex);
    logged += line;
}

struct LogOfTheSdk {
    explicit LogOfTheSdk(sdk::LogLevel level) {
        sdk::InitializeSdk();
        sdk::SetLogLevel(level);
        sdk::SetLogCallback(keepLog);
    }
    ~LogOfTheSdk() {
        sdk::ShutdownSdk();
        logged.clear();
    }
    bool tells(const std::string &text) const { return times(text) > 0; }
    int times(const std::string &text) const {
        std::lock_guard<std::mutex> lock(logMutex);
        int found = 0;
        for (size_t at = logged.find(text); at != std::string::npos;
             at = logged.find(text, at + text.size())) {
            ++found;
        }
        return found;
    }
};

} // namespace

TEST(Linked, EveryConstructorsClientDownloadsByTheLibrary) {
    ServerFixture fixture({"--token", "token"});
    const sdk::ClientConfiguration configuration;
    const std::string at = fixture.wire.endpoint();
    const auto provider = std::make_shared<sdk::SimpleCredentialsProvider>("id", "secret", "token");
    expectLinked(sdk::OssClient(at, "id", "secret", "token", configuration), fixture);
    expectLinked(sdk::OssClient(at, sdk::Credentials("id", "secret", "token"), configuration),
                 fixture);
    expectLinked(sdk::OssClient(at, provider, configuration), fixture);
    ServerFixture without;
    expectLinked(
        sdk::OssClient(without.wire.endpoint(), "id", "secret", sdk::ClientConfiguration()),
        without);
}

TEST(Linked, TheVersionFollowsTheUserAgentOfTheProgram) {
    ServerFixture fixture;
    sdk::ClientConfiguration configuration;
    configuration.userAgent = "program/1";
    expectLinked(sdk::OssClient(fixture.wire.endpoint(), "id", "secret", configuration), fixture);
    EXPECT_EQ(fixture.firstRequest().header("User-Agent"), std::string("program/1 ") + VERSION);
}

TEST(Linked, ALineInTheSdksLogTellsWhoseDownloadsAClientHas) {
    ServerFixture fixture;
    {
        const LogOfTheSdk log(sdk::LogLevel::LogInfo);
        newClient(fixture);
        EXPECT_TRUE(log.tells("downloads by oss_resumable " OSS_RESUMABLE_VERSION)) << logged;
    }
    newClient(fixture);
    EXPECT_TRUE(logged.empty()) << "after ShutdownSdk: " << logged;
    const LogOfTheSdk log(sdk::LogLevel::LogError);
    newClient(fixture);
    EXPECT_FALSE(log.tells("oss_resumable")) << logged;
}

TEST(Linked, AClientWithItsOwnTransportKeepsTheSdksDownloadsAndOneLineOfTheLogSaysWhy) {
    ServerFixture fixture;
    for (const sdk::ClientConfiguration &configuration : ownTransports()) {
        const LogOfTheSdk log(sdk::LogLevel::LogWarn);
        sdk::OssClient client(fixture.wire.endpoint(), "id", "secret", configuration);
        const sdk::OssClient copy = client;
        client.SetRegion("cn-hangzhou");
        for (const sdk::OssClient *used : {&client, &copy}) {
            const auto outcome = download(*used, fixture.request("1000"));
            EXPECT_TRUE(outcome.isSuccess() || outcome.error().Code() != "ValidateError")
                << outcome.error().Message();
        }
        client.DisableRequest();
        EXPECT_EQ(download(copy, fixture.request("1000")).error().Code(), "ClientError:100002");
        const char *const field = configuration.httpClient ? "httpClient" : "httpInterceptor";
        EXPECT_EQ(log.times("oss_resumable"), 1) << logged;
        EXPECT_EQ(log.times("downloads by the SDK: the configuration has an " + std::string(field)),
                  1)
            << logged;
        expectLinked(*newClient(fixture), fixture);
        EXPECT_EQ(log.times("oss_resumable"), 1) << logged;
    }
}

TEST(Linked, CopiesShareTheDownloadsAndOutliveTheirOriginal) {
    ServerFixture fixture;
    auto original = newClient(fixture);
    sdk::OssClient copy = *original, moved = std::move(*original);
    original.reset();
    moved.DisableRequest();
    EXPECT_EQ(download(copy, fixture.request("1000")).error().Code(), "ClientError:100002");
    copy.EnableRequest();
    expectLinked(moved, fixture);
    expectLinked(copy, fixture);
}

TEST(Linked, AssigningAClientGivesItTheOthersDownloads) {
    ServerFixture first, second;
    sdk::OssClient client = *newClient(first);
    client = *newClient(second);
    expectLinked(client, second);
    EXPECT_TRUE(first.wire.requests().empty());
}

TEST(Linked, RegionCloudBoxAndSwitchesReachTheDownloads) {
    ServerFixture fixture;
    sdk::ClientConfiguration configuration;
    configuration.signatureVersion = sdk::SignatureVersionType::V4;
    sdk::OssClient client(fixture.wire.endpoint(), "id", "secret", configuration);
    EXPECT_EQ(download(client, fixture.request("1000")).error().Code(), "ValidateError");
    client.SetRegion("cn-hangzhou");
    expectLinked(client, fixture);
    client.DisableRequest();
    EXPECT_EQ(download(client, fixture.request("1000")).error().Code(), "ClientError:100002");
    client.EnableRequest();
    client.SetCloudBoxId("box");
    EXPECT_EQ(download(client, fixture.request("1000")).error().Code(), "ValidateError");
}

TEST(Linked, AnInterruptedDownloadLeavesTheLibrarysCheckpointAndGoesOnFromIt) {
    ServerFixture fixture({"--rate", "1MB"});
    const auto client = newClient(fixture);
    auto request = fixture.request("4MiB");
    request.setTransferProgress(
        sdk::TransferProgress{[](size_t, int64_t transferred, int64_t, void *data) {
                                  if (transferred > 300000) {
                                      static_cast<sdk::OssClient *>(data)->DisableRequest();
                                  }
                              },
                              client.get()});
    EXPECT_EQ(download(*client, request).error().Code(), "ClientError:100002");
    bool hasCheckpoint = false;
    for (const std::string &name : fixture.files()) {
        hasCheckpoint = hasCheckpoint || name.find(".oss-resumable") != std::string::npos;
    }
    EXPECT_TRUE(hasCheckpoint);
    client->EnableRequest();
    const size_t before = fixture.wire.requests().size();
    EXPECT_DOWNLOADED(download(*client, fixture.request("4MiB")), fixture, "4MiB");
    EXPECT_NE(fixture.wire.requests().at(before).header("Range").compare(0, 8, "bytes=0-"), 0);
}

TEST(Linked, TheDownloadsEndWithTheLastCopyOfAClient) {
    ServerFixture fixture;
    auto provider = std::make_shared<sdk::SimpleCredentialsProvider>("id", "secret");
    const std::weak_ptr<sdk::CredentialsProvider> watched = provider;
    auto copy = std::make_shared<sdk::OssClient>(
        sdk::OssClient(fixture.wire.endpoint(), provider, sdk::ClientConfiguration()));
    provider.reset();
    expectLinked(*copy, fixture);
    EXPECT_FALSE(watched.expired());
    copy.reset();
    EXPECT_TRUE(becomesTrue([&watched] { return watched.expired(); }));
}

TEST(Linked, AProviderMayEndAnotherClientWhenItEnds) {
    ServerFixture fixture;
    {
        const sdk::OssClient client(fixture.wire.endpoint(),
                                    std::make_shared<OwningProvider>(newClient(fixture)),
                                    sdk::ClientConfiguration());
        expectLinked(client, fixture);
    }
    expectLinked(*newClient(fixture), fixture);
}

TEST(Linked, ClientsThatComeAndGoOnManyThreadsKeepTheirOwnDownloads) {
    ServerFixture fixture;
    std::atomic<int> wrong{0};
    const auto work = [&fixture, &wrong](int number) {
        for (int round = 0; round < 20; ++round) {
            const bool isRight = (number + round) % 2 == 0;
            const sdk::OssClient client(fixture.wire.endpoint(), "id",
                                        isRight ? "secret" : "another", sdk::ClientConfiguration());
            const sdk::OssClient copy = client;
            const auto outcome =
                download(copy, sdk::DownloadObjectRequest(
                                   "examplebucket", "generated/1000",
                                   fixture.directory.path("file" + std::to_string(number))));
            const std::string code = outcome.isSuccess() ? "" : outcome.error().Code();
            wrong += code == (isRight ? "" : "SignatureDoesNotMatch") ? 0 : 1;
        }
    };
    std::vector<std::thread> threads;
    for (int number = 0; number < 8; ++number) {
        threads.emplace_back(work, number);
    }
    for (std::thread &thread : threads) {
        thread.join();
    }
    EXPECT_EQ(wrong, 0);
}

TEST(Linked, AClassDerivedFromTheClientDownloadsByTheLibrary) {
    ServerFixture fixture;
    expectLinked(Derived(fixture), fixture);
}

TEST(Linked, AnEncryptionClientsOwnDownloadsStayTheSdks) {
    ServerFixture fixture;
    const sdk::OssEncryptionClient client(fixture.wire.endpoint(), "id", "secret",
                                          sdk::ClientConfiguration(), nullptr,
                                          sdk::CryptoConfiguration());
    expectLinked(client, fixture);
    const size_t before = fixture.wire.requests().size();
    client.ResumableDownloadObject(fixture.request("1000"));
    const auto requests = fixture.wire.requests();
    for (size_t i = before; i < requests.size(); ++i) {
        EXPECT_FALSE(isTheLibrarys(requests[i])) << requests[i].head;
    }
}

TEST(Linked, AnExceptionOfAProgressHandlerReachesTheCaller) {
    ServerFixture fixture;
    const auto client = newClient(fixture);
    auto request = fixture.request("4MiB");
    request.setTransferProgress(sdk::TransferProgress{
        [](size_t, int64_t, int64_t, void *) { throw std::runtime_error("enough"); }, nullptr});
    EXPECT_THROW(download(*client, request), std::runtime_error);
    EXPECT_DOWNLOADED(download(*client, fixture.request("4MiB")), fixture, "4MiB");
}

TEST(Linked, TheSdkMayBeInitializedAndShutDownInAnyOrder) {
    ServerFixture fixture;
    const auto before = newClient(fixture);
    expectLinked(*before, fixture);
    for (int round = 0; round < 2; ++round) {
        sdk::InitializeSdk();
        const auto between = newClient(fixture);
        expectLinked(*between, fixture);
        expectLinked(*before, fixture);
        sdk::ShutdownSdk();
        expectLinked(*between, fixture);
    }
    expectLinked(*newClient(fixture), fixture);
}

TEST(Linked, AClientMadeBeforeAForkWorksInBothProcesses) {
    ServerFixture fixture;
    const auto unused = newClient(fixture), used = newClient(fixture);
    expectLinked(*used, fixture);
    const pid_t child = fork();
    if (child == 0) {
        const auto request = sdk::DownloadObjectRequest("examplebucket", "generated/1000",
                                                        fixture.directory.path("child"));
        const bool good = download(*unused, request).isSuccess() &&
                          download(*used, request).isSuccess() &&
                          download(*newClient(fixture), request).isSuccess();
        _exit(good ? 0 : 1);
    }
    int status = -1;
    waitpid(child, &status, 0);
    EXPECT_TRUE(WIFEXITED(status) && WEXITSTATUS(status) == 0);
    for (const WireRequest &request : fixture.wire.requests()) {
        EXPECT_TRUE(isTheLibrarys(request)) << request.head;
    }
}
