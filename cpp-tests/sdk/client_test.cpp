// The client that takes the place of the SDK's: constructors, credentials, switches, copies and
// forks.
#include <atomic>
#include <type_traits>

#include "lab.hpp"

using namespace tests;

namespace {

// Hands out one key after another; the last one stays.
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

sdk::GetObjectOutcome downloadAs(sdk::SignatureVersionType version, Lab &lab, const char *region) {
    sdk::ClientConfiguration configuration;
    configuration.signatureVersion = version;
    Client client = lab.client(configuration);
    if (region) {
        client.SetRegion(region);
    }
    return client.ResumableDownloadObject(lab.request("1000"));
}

} // namespace

static_assert(std::is_base_of<sdk::OssClient, Client>::value, "it is the SDK's client");
static_assert(std::is_convertible<Client *, sdk::OssClient *>::value, "publicly");
static_assert(std::is_copy_constructible<Client>::value, "as the SDK's");
static_assert(!std::is_default_constructible<Client>::value, "as the SDK's");

TEST(SdkClient, EveryConstructorOfTheSdksClientIsThere) {
    Lab lab({"--token", "token"});
    const sdk::ClientConfiguration configuration;
    const std::string at = lab.wire.endpoint();
    const auto provider = std::make_shared<sdk::SimpleCredentialsProvider>("id", "secret", "token");
    const Client withToken(at, "id", "secret", "token", configuration);
    const Client withCredentials(at, sdk::Credentials("id", "secret", "token"), configuration);
    const Client withProvider(at, provider, configuration);
    for (const Client *client : {&withToken, &withCredentials, &withProvider}) {
        EXPECT_DOWNLOADED(client->ResumableDownloadObject(lab.request("1000")), lab, "1000");
    }
    Lab without;
    const Client withKey(without.wire.endpoint(), "id", "secret", configuration);
    EXPECT_DOWNLOADED(withKey.ResumableDownloadObject(without.request("1000")), without, "1000");
}

TEST(SdkClient, CredentialsOfTheEnvironmentAreRead) {
    Lab lab;
    setenv("OSS_ACCESS_KEY_ID", "id", 1);
    setenv("OSS_ACCESS_KEY_SECRET", "secret", 1);
    unsetenv("OSS_SESSION_TOKEN");
    const Client client(lab.wire.endpoint(),
                        std::make_shared<sdk::EnvironmentVariableCredentialsProvider>(),
                        sdk::ClientConfiguration());
    EXPECT_DOWNLOADED(client.ResumableDownloadObject(lab.request("1000")), lab, "1000");
    unsetenv("OSS_ACCESS_KEY_ID");
    unsetenv("OSS_ACCESS_KEY_SECRET");
}

TEST(SdkClient, AProviderIsAskedAgainWhenItsKeyHasExpired) {
    Lab lab({"--token", "new"});
    const auto keys = std::make_shared<Keys>(std::vector<sdk::Credentials>{
        sdk::Credentials("id", "secret", "old"), sdk::Credentials("id", "secret", "new")});
    const Client client(lab.wire.endpoint(), keys, sdk::ClientConfiguration());
    EXPECT_DOWNLOADED(client.ResumableDownloadObject(lab.request("300000")), lab, "300000");
    EXPECT_EQ(keys->asked, 2u);
}

TEST(SdkClient, AProviderWithoutAKeyIsAnErrorThatSaysSo) {
    Lab lab;
    const auto keys =
        std::make_shared<Keys>(std::vector<sdk::Credentials>{sdk::Credentials("", "")});
    sdk::ClientConfiguration configuration;
    configuration.retryStrategy = nullptr;
    const Client client(lab.wire.endpoint(), keys, configuration);
    const auto outcome = client.ResumableDownloadObject(lab.request("1000"));
    EXPECT_EQ(outcome.error().Code(), "CredentialsError");
    EXPECT_TRUE(lab.wire.requests().empty());
}

TEST(SdkClient, NoProviderAtAllIsRefused) {
    Lab lab;
    const Client client(lab.wire.endpoint(), std::shared_ptr<sdk::CredentialsProvider>(),
                        sdk::ClientConfiguration());
    EXPECT_EQ(client.ResumableDownloadObject(lab.request("1000")).error().Code(), "ValidateError");
}

TEST(SdkClient, V4SignaturesNeedARegionAndV1SignaturesDoNot) {
    using Version = sdk::SignatureVersionType;
    Lab lab;
    EXPECT_TRUE(downloadAs(Version::V4, lab, "cn-hangzhou").isSuccess());
    EXPECT_TRUE(downloadAs(Version::V1, lab, nullptr).isSuccess());
    EXPECT_TRUE(downloadAs(Version::V1, lab, "no region").isSuccess());
    EXPECT_EQ(downloadAs(Version::V4, lab, nullptr).error().Code(), "ValidateError");
    EXPECT_EQ(downloadAs(Version::V4, lab, "").error().Code(), "ValidateError");
    EXPECT_EQ(downloadAs(Version::V4, lab, "no region").error().Code(), "ValidateError");
    const auto other = downloadAs(Version::V4, lab, "cn-beijing");
    EXPECT_NE(other.error().Message().find("cn-hangzhou"), std::string::npos)
        << other.error().Message();
}

TEST(SdkClient, TheRegionCanBeSetAgain) {
    Lab lab;
    sdk::ClientConfiguration configuration;
    configuration.signatureVersion = sdk::SignatureVersionType::V4;
    Client client = lab.client(configuration);
    for (const char *region : {"no region", "", "cn-beijing"}) {
        client.SetRegion(region);
        EXPECT_FALSE(client.ResumableDownloadObject(lab.request("1000")).isSuccess()) << region;
        client.SetRegion("cn-hangzhou");
        EXPECT_DOWNLOADED(client.ResumableDownloadObject(lab.request("1000")), lab, "1000");
    }
}

TEST(SdkClient, DownloadsForACloudBoxAreRefused) {
    Lab lab;
    Client client = lab.client();
    client.SetCloudBoxId("box");
    const auto outcome = client.ResumableDownloadObject(lab.request("1000"));
    EXPECT_EQ(outcome.error().Code(), "ValidateError");
    EXPECT_NE(outcome.error().Message().find("cloud box"), std::string::npos);
    EXPECT_TRUE(lab.wire.requests().empty());
}

TEST(SdkClient, DisabledRequestsAreRefusedUntilTheyAreEnabled) {
    Lab lab;
    Client client = lab.client();
    client.DisableRequest();
    const auto outcome = client.ResumableDownloadObject(lab.request("1000"));
    EXPECT_EQ(outcome.error().Code(), "ClientError:100002");
    EXPECT_TRUE(lab.wire.requests().empty());
    client.EnableRequest();
    EXPECT_DOWNLOADED(client.ResumableDownloadObject(lab.request("1000")), lab, "1000");
}

TEST(SdkClient, DisablingEndsARunningDownloadWhoseNextRunGoesOn) {
    Lab lab({"--rate", "1MB"});
    Client client = lab.client();
    auto request = lab.request("4MiB");
    request.setTransferProgress(
        sdk::TransferProgress{[](size_t, int64_t transferred, int64_t, void *data) {
                                  if (transferred > 300000) {
                                      static_cast<Client *>(data)->DisableRequest();
                                  }
                              },
                              &client});
    EXPECT_EQ(client.ResumableDownloadObject(request).error().Code(), "ClientError:100002");
    client.EnableRequest();
    const size_t before = lab.wire.requests().size();
    request.setTransferProgress(sdk::TransferProgress());
    EXPECT_DOWNLOADED(client.ResumableDownloadObject(request), lab, "4MiB");
    EXPECT_NE(lab.wire.requests().at(before).header("Range").compare(0, 8, "bytes=0-"), 0)
        << "it goes on where it was";
}

TEST(SdkClient, CopiesAreOneClientAsTheSdksAre) {
    Lab lab;
    Client client = lab.client();
    const Client copy = client;
    client.DisableRequest();
    EXPECT_EQ(copy.ResumableDownloadObject(lab.request("1000")).error().Code(),
              "ClientError:100002");
    client.EnableRequest();
    EXPECT_DOWNLOADED(copy.ResumableDownloadObject(lab.request("1000")), lab, "1000");
}

TEST(SdkClient, TheSdkMayBeInitializedAndShutDownInAnyOrder) {
    Lab lab;
    const Client before = lab.client();
    EXPECT_DOWNLOADED(before.ResumableDownloadObject(lab.request("1000")), lab, "1000");
    for (int round = 0; round < 3; ++round) {
        sdk::InitializeSdk();
        const Client between = lab.client();
        EXPECT_DOWNLOADED(between.ResumableDownloadObject(lab.request("1000")), lab, "1000");
        EXPECT_DOWNLOADED(before.ResumableDownloadObject(lab.request("1000")), lab, "1000");
        sdk::ShutdownSdk();
        EXPECT_DOWNLOADED(between.ResumableDownloadObject(lab.request("1000")), lab, "1000");
    }
    const Client after = lab.client();
    EXPECT_DOWNLOADED(after.ResumableDownloadObject(lab.request("1000")), lab, "1000");
}

TEST(SdkClient, AClientMadeBeforeAForkWorksInBothProcesses) {
    Lab lab;
    const Client unused = lab.client(), used = lab.client();
    EXPECT_DOWNLOADED(used.ResumableDownloadObject(lab.request("1000")), lab, "1000");
    const pid_t child = fork();
    if (child == 0) {
        auto request = sdk::DownloadObjectRequest("examplebucket", "generated/1000",
                                                  lab.directory.path("child"));
        const bool good = unused.ResumableDownloadObject(request).isSuccess() &&
                          used.ResumableDownloadObject(request).isSuccess();
        _exit(good ? 0 : 1);
    }
    int status = -1;
    waitpid(child, &status, 0);
    EXPECT_TRUE(WIFEXITED(status) && WEXITSTATUS(status) == 0);
    EXPECT_TRUE(LocalOss::isGenerated(lab.directory.path("child"), "1000"));
    EXPECT_TRUE(used.ResumableDownloadObject(lab.request("1000")).isSuccess());
}

TEST(SdkClient, SeveralThreadsMayDownloadAtOnce) {
    Lab lab;
    const Client client = lab.client();
    std::vector<std::thread> threads;
    std::atomic<int> good{0};
    for (int i = 0; i < 4; ++i) {
        threads.emplace_back([&lab, &client, &good, i] {
            const std::string file = lab.directory.path("file" + std::to_string(i));
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
