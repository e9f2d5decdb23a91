// The client that replaces the SDK's: constructors, credentials, switches, copies and forks.
#include <atomic>
#include <type_traits>

#include "fixture.hpp"

using namespace tests;

namespace {

// Returns one key after another, and then the last one again.
class Keys : public sdk::CredentialsProvider {
public:
    explicit Keys(std::vector<sdk::Credentials> keys) : keys_(std::move(keys)) {}
    sdk::Credentials getCredentials() override {
        const size_t now = asked++;
        return keys_[std::min(now, keys_.size() - 1)];
    }
    std::atomic<size_t> asked{0};

private:
    std::vector<sdk::Credentials> keys_;
};

sdk::GetObjectOutcome downloadAs(sdk::SignatureVersionType version, Fixture &fixture,
                                 const char *region) {
    sdk::ClientConfiguration configuration;
    configuration.signatureVersion = version;
    Client client = fixture.client(configuration);
    if (region) {
        client.SetRegion(region);
    }
    return client.ResumableDownloadObject(fixture.request("1000"));
}

} // namespace

static_assert(std::is_base_of<sdk::OssClient, Client>::value, "it is the SDK's client");
static_assert(std::is_convertible<Client *, sdk::OssClient *>::value, "publicly");
static_assert(std::is_copy_constructible<Client>::value, "as the SDK's");
static_assert(!std::is_default_constructible<Client>::value, "as the SDK's");

TEST(SdkClient, EveryConstructorOfTheSdksClientIsThere) {
    Fixture fixture({"--token", "token"});
    const sdk::ClientConfiguration configuration;
    const std::string at = fixture.wire.endpoint();
    const auto provider = std::make_shared<sdk::SimpleCredentialsProvider>("id", "secret", "token");
    const Client withToken(at, "id", "secret", "token", configuration);
    const Client withCredentials(at, sdk::Credentials("id", "secret", "token"), configuration);
    const Client withProvider(at, provider, configuration);
    for (const Client *client : {&withToken, &withCredentials, &withProvider}) {
        EXPECT_DOWNLOADED(client->ResumableDownloadObject(fixture.request("1000")), fixture,
                          "1000");
    }
    Fixture without;
    const Client withKey(without.wire.endpoint(), "id", "secret", configuration);
    EXPECT_DOWNLOADED(withKey.ResumableDownloadObject(without.request("1000")), without, "1000");
}

TEST(SdkClient, CredentialsOfTheEnvironmentAreRead) {
    Fixture fixture;
    setenv("OSS_ACCESS_KEY_ID", "id", 1);
    setenv("OSS_ACCESS_KEY_SECRET", "secret", 1);
    unsetenv("OSS_SESSION_TOKEN");
    const Client client(fixture.wire.endpoint(),
                        std::make_shared<sdk::EnvironmentVariableCredentialsProvider>(),
                        sdk::ClientConfiguration());
    EXPECT_DOWNLOADED(client.ResumableDownloadObject(fixture.request("1000")), fixture, "1000");
    unsetenv("OSS_ACCESS_KEY_ID");
    unsetenv("OSS_ACCESS_KEY_SECRET");
}

TEST(SdkClient, AProviderIsCalledAgainWhenItsKeyHasExpired) {
    Fixture fixture({"--token", "new"});
    const auto keys = std::make_shared<Keys>(std::vector<sdk::Credentials>{
        sdk::Credentials("id", "secret", "old"), sdk::Credentials("id", "secret", "new")});
    const Client client(fixture.wire.endpoint(), keys, sdk::ClientConfiguration());
    EXPECT_DOWNLOADED(client.ResumableDownloadObject(fixture.request("300000")), fixture, "300000");
    EXPECT_EQ(keys->asked, 2u);
}

TEST(SdkClient, AProviderWithoutAKeyIsAnErrorThatSaysSo) {
    Fixture fixture;
    const auto keys =
        std::make_shared<Keys>(std::vector<sdk::Credentials>{sdk::Credentials("", "")});
    sdk::ClientConfiguration configuration;
    configuration.retryStrategy = nullptr;
    const Client client(fixture.wire.endpoint(), keys, configuration);
    const auto outcome = client.ResumableDownloadObject(fixture.request("1000"));
    EXPECT_EQ(outcome.error().Code(), "CredentialsError");
    EXPECT_TRUE(fixture.wire.requests().empty());
}

TEST(SdkClient, NoProviderAtAllIsRefused) {
    Fixture fixture;
    const Client client(fixture.wire.endpoint(), std::shared_ptr<sdk::CredentialsProvider>(),
                        sdk::ClientConfiguration());
    EXPECT_EQ(client.ResumableDownloadObject(fixture.request("1000")).error().Code(),
              "ValidateError");
}

TEST(SdkClient, V4SignaturesNeedARegionAndV1SignaturesDoNot) {
    using Version = sdk::SignatureVersionType;
    Fixture fixture;
    EXPECT_TRUE(downloadAs(Version::V4, fixture, "cn-hangzhou").isSuccess());
    EXPECT_TRUE(downloadAs(Version::V1, fixture, nullptr).isSuccess());
    EXPECT_TRUE(downloadAs(Version::V1, fixture, "no region").isSuccess());
    EXPECT_EQ(downloadAs(Version::V4, fixture, nullptr).error().Code(), "ValidateError");
    EXPECT_EQ(downloadAs(Version::V4, fixture, "").error().Code(), "ValidateError");
    EXPECT_EQ(downloadAs(Version::V4, fixture, "no region").error().Code(), "ValidateError");
    const auto other = downloadAs(Version::V4, fixture, "cn-beijing");
    EXPECT_NE(other.error().Message().find("cn-hangzhou"), std::string::npos)
        << other.error().Message();
}

TEST(SdkClient, TheRegionCanBeSetAgain) {
    Fixture fixture;
    sdk::ClientConfiguration configuration;
    configuration.signatureVersion = sdk::SignatureVersionType::V4;
    Client client = fixture.client(configuration);
    for (const char *region : {"no region", "", "cn-beijing"}) {
        client.SetRegion(region);
        EXPECT_FALSE(client.ResumableDownloadObject(fixture.request("1000")).isSuccess()) << region;
        client.SetRegion("cn-hangzhou");
        EXPECT_DOWNLOADED(client.ResumableDownloadObject(fixture.request("1000")), fixture, "1000");
    }
}

TEST(SdkClient, DownloadsForACloudBoxAreRefused) {
    Fixture fixture;
    Client client = fixture.client();
    client.SetCloudBoxId("box");
    const auto outcome = client.ResumableDownloadObject(fixture.request("1000"));
    EXPECT_EQ(outcome.error().Code(), "ValidateError");
    EXPECT_NE(outcome.error().Message().find("cloud box"), std::string::npos);
    EXPECT_TRUE(fixture.wire.requests().empty());
}

TEST(SdkClient, DisabledRequestsAreRefusedUntilTheyAreEnabled) {
    Fixture fixture;
    Client client = fixture.client();
    client.DisableRequest();
    const auto outcome = client.ResumableDownloadObject(fixture.request("1000"));
    EXPECT_EQ(outcome.error().Code(), "ClientError:100002");
    EXPECT_TRUE(fixture.wire.requests().empty());
    client.EnableRequest();
    EXPECT_DOWNLOADED(client.ResumableDownloadObject(fixture.request("1000")), fixture, "1000");
}

TEST(SdkClient, DisablingEndsARunningDownloadWhoseNextRunResumes) {
    Fixture fixture({"--rate", "1MB"});
    Client client = fixture.client();
    auto request = fixture.request("4MiB");
    request.setTransferProgress(
        sdk::TransferProgress{[](size_t, int64_t transferred, int64_t, void *data) {
                                  if (transferred > 300000) {
                                      static_cast<Client *>(data)->DisableRequest();
                                  }
                              },
                              &client});
    EXPECT_EQ(client.ResumableDownloadObject(request).error().Code(), "ClientError:100002");
    client.EnableRequest();
    const size_t before = fixture.wire.requests().size();
    request.setTransferProgress(sdk::TransferProgress());
    EXPECT_DOWNLOADED(client.ResumableDownloadObject(request), fixture, "4MiB");
    EXPECT_NE(fixture.wire.requests().at(before).header("Range").compare(0, 8, "bytes=0-"), 0)
        << "it resumes where it was";
}

TEST(SdkClient, CopiesShareOneClientAsInTheSdk) {
    Fixture fixture;
    Client client = fixture.client();
    const Client copy = client;
    client.DisableRequest();
    EXPECT_EQ(copy.ResumableDownloadObject(fixture.request("1000")).error().Code(),
              "ClientError:100002");
    client.EnableRequest();
    EXPECT_DOWNLOADED(copy.ResumableDownloadObject(fixture.request("1000")), fixture, "1000");
}

TEST(SdkClient, TheSdkMayBeInitializedAndShutDownInAnyOrder) {
    Fixture fixture;
    const Client before = fixture.client();
    EXPECT_DOWNLOADED(before.ResumableDownloadObject(fixture.request("1000")), fixture, "1000");
    for (int round = 0; round < 3; ++round) {
        sdk::InitializeSdk();
        const Client between = fixture.client();
        EXPECT_DOWNLOADED(between.ResumableDownloadObject(fixture.request("1000")), fixture,
                          "1000");
        EXPECT_DOWNLOADED(before.ResumableDownloadObject(fixture.request("1000")), fixture, "1000");
        sdk::ShutdownSdk();
        EXPECT_DOWNLOADED(between.ResumableDownloadObject(fixture.request("1000")), fixture,
                          "1000");
    }
    const Client after = fixture.client();
    EXPECT_DOWNLOADED(after.ResumableDownloadObject(fixture.request("1000")), fixture, "1000");
}

TEST(SdkClient, AClientMadeBeforeAForkWorksInBothProcesses) {
    Fixture fixture;
    const Client unused = fixture.client(), used = fixture.client();
    EXPECT_DOWNLOADED(used.ResumableDownloadObject(fixture.request("1000")), fixture, "1000");
    const pid_t child = fork();
    if (child == 0) {
        auto request = sdk::DownloadObjectRequest("examplebucket", "generated/1000",
                                                  fixture.directory.path("child"));
        const bool good = unused.ResumableDownloadObject(request).isSuccess() &&
                          used.ResumableDownloadObject(request).isSuccess();
        _exit(good ? 0 : 1);
    }
    int status = -1;
    waitpid(child, &status, 0);
    EXPECT_TRUE(WIFEXITED(status) && WEXITSTATUS(status) == 0);
    EXPECT_TRUE(LocalOss::isGenerated(fixture.directory.path("child"), "1000"));
    EXPECT_TRUE(used.ResumableDownloadObject(fixture.request("1000")).isSuccess());
}

TEST(SdkClient, SeveralThreadsMayDownloadAtOnce) {
    Fixture fixture;
    const Client client = fixture.client();
    std::vector<std::thread> threads;
    std::atomic<int> good{0};
    for (int i = 0; i < 4; ++i) {
        threads.emplace_back([&fixture, &client, &good, i] {
            const std::string file = fixture.directory.path("file" + std::to_string(i));
            good += client
                        .ResumableDownloadObject(
                            sdk::DownloadObjectRequest("examplebucket", "generated/300000", file))
                        .isSuccess();
        });
    }
    for (std::thread &thread : threads) {
        thread.join();
    }
    EXPECT_EQ(good, 4);
}
