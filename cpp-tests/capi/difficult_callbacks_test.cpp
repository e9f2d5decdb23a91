// Callbacks that take long, that cancel, and that throw.
#include <atomic>
#include <chrono>
#include <csignal>
#include <stdexcept>
#include <thread>

#include <gtest/gtest.h>

#include "../support/capi.hpp"
#include "../support/local_oss.hpp"

using namespace tests;

namespace {

void sleepMs(int ms) { std::this_thread::sleep_for(std::chrono::milliseconds(ms)); }

// A slow progress callback that observes how far its own download and another one progress
// meanwhile.
struct Slow {
    oss_resumable_download *own = nullptr, *other = nullptr;
    uint64_t ownBefore = 0, ownAfter = 0, otherBefore = 0, otherAfter = 0;
    int calls = 0;

    static uint64_t bytesDone(oss_resumable_download *download) {
        oss_resumable_status status = OSS_RESUMABLE_STATUS_INIT;
        oss_resumable_download_status(download, &status);
        return status.bytes_done;
    }
    static int32_t show(const oss_resumable_status *, void *data) {
        auto &self = *static_cast<Slow *>(data);
        if (self.calls++ == 0) {
            self.ownBefore = bytesDone(self.own);
            self.otherBefore = bytesDone(self.other);
            sleepMs(1500);
            self.ownAfter = bytesDone(self.own);
            self.otherAfter = bytesDone(self.other);
        }
        return 0;
    }
};

} // namespace

TEST(SlowCallbacks, ProgressDelaysNeitherItsOwnDownloadNorAnother) {
    const LocalOss oss({"--rate", "1MB"});
    const TemporaryDirectory directory;
    const auto client = newClient(Options(oss.endpoint()));
    const auto other = start(client, Request("generated/9MB-seed1", directory.path("other")));
    Slow slow;
    Request request("generated/6MB", directory.path("shown"));
    request.progress = Slow::show;
    request.user_data = &slow;
    const auto shown = start(client, request);
    slow.own = shown.get();
    slow.other = other.get();
    const auto ended = wait(shown);
    ASSERT_EQ(ended.code, OSS_RESUMABLE_OK) << ended.message();
    EXPECT_GE(slow.calls, 1);
    EXPECT_GT(slow.ownAfter, slow.ownBefore) << "its own download stood still";
    EXPECT_GT(slow.otherAfter, slow.otherBefore) << "another download stood still";
    EXPECT_TRUE(LocalOss::isGenerated(directory.path("shown"), "6MB"));
}

TEST(SlowCallbacks, ACredentialsProviderDelaysNeitherACancelNorTheFreeing) {
    struct Vault {
        std::atomic<bool> asked{false}, open{false};
        static void provide(oss_resumable_credentials_sink *sink, void *data) {
            auto &self = *static_cast<Vault *>(data);
            self.asked = true;
            while (!self.open) {
                sleepMs(5);
            }
            oss_resumable_credentials_set(sink, "id", "secret", nullptr, 0);
        }
    } vault;
    const TemporaryDirectory directory;
    Options options("http://127.0.0.1:1");
    options.anonymous = OSS_RESUMABLE_OFF;
    options.credentials_provider = Vault::provide;
    options.user_data = &vault;
    auto client = newClient(options);
    const auto handle = start(client, Request("key", directory.path("file")));
    while (!vault.asked) {
        sleepMs(1);
    }
    oss_resumable_download_cancel(handle.get());
    EXPECT_EQ(wait(handle, 10000).code, OSS_RESUMABLE_ERR_CANCELLED);
    EXPECT_FALSE(vault.open);
    // Only the client waits for it.
    vault.open = true;
    client.reset();
}

TEST(SlowCallbacks, LogAndRetryDecisionOnlyCostTime) {
    const LocalOss oss({"--fault", "reset-after=200KB@nth:2", "--fault", "status=503@nth:3"});
    const TemporaryDirectory directory;
    Options options(oss.endpoint());
    options.log = [](int32_t, const char *, void *) { sleepMs(100); };
    options.log_level = OSS_RESUMABLE_LOG_DEBUG;
    options.retry_decision = [](const oss_resumable_failed_attempt *, void *) {
        sleepMs(300);
        return static_cast<int64_t>(OSS_RESUMABLE_RETRY_DEFAULT);
    };
    Request request("generated/3MB", directory.path("file"));
    request.part_size = OSS_RESUMABLE_MIN_PART_SIZE;
    const auto ended = download(newClient(options), request);
    ASSERT_EQ(ended.code, OSS_RESUMABLE_OK) << ended.message();
    EXPECT_TRUE(LocalOss::isGenerated(directory.path("file"), "3MB"));
}

namespace {

// Cancels its download in the first callback that runs.
struct Cancelling {
    std::atomic<oss_resumable_download *> download{nullptr};
    std::atomic<int> calls{0};

    void act() {
        while (download == nullptr) {
            std::this_thread::yield();
        }
        ++calls;
        EXPECT_EQ(oss_resumable_download_cancel(download), OSS_RESUMABLE_OK);
    }
    static void log(int32_t, const char *, void *data) { static_cast<Cancelling *>(data)->act(); }
    static void provide(oss_resumable_credentials_sink *sink, void *data) {
        static_cast<Cancelling *>(data)->act();
        oss_resumable_credentials_set(sink, "id", "secret", nullptr, 0);
    }
    static int64_t decide(const oss_resumable_failed_attempt *, void *data) {
        static_cast<Cancelling *>(data)->act();
        return 0;
    }
    static int32_t show(const oss_resumable_status *, void *data) {
        static_cast<Cancelling *>(data)->act();
        return 0;
    }

    void expectCancelled(Options &options, oss_resumable_progress progress = nullptr) {
        const TemporaryDirectory directory;
        options.user_data = this;
        auto client = newClient(options);
        Request request("generated/64MiB", directory.path("file"));
        request.progress = progress;
        request.user_data = this;
        auto handle = start(client, request);
        ASSERT_TRUE(handle);
        download = handle.get();
        EXPECT_EQ(wait(handle, 10000).code, OSS_RESUMABLE_ERR_CANCELLED);
        EXPECT_GE(calls, 1);
        // No callback runs after the client has been freed.
        client.reset();
        handle.reset();
        EXPECT_TRUE(directory.names().empty());
    }
};

} // namespace

TEST(CancellingCallbacks, TheLogCancels) {
    const LocalOss oss({"--rate", "1MB"});
    Options options(oss.endpoint());
    options.log = Cancelling::log;
    options.log_level = OSS_RESUMABLE_LOG_DEBUG;
    Cancelling().expectCancelled(options);
}

TEST(CancellingCallbacks, TheCredentialsProviderCancels) {
    const LocalOss oss({"--access-key-id", "id", "--access-key-secret", "secret"});
    Options options(oss.endpoint());
    options.anonymous = OSS_RESUMABLE_OFF;
    options.credentials_provider = Cancelling::provide;
    Cancelling().expectCancelled(options);
}

TEST(CancellingCallbacks, TheRetryDecisionCancels) {
    const LocalOss oss({"--fault", "status=503"});
    Options options(oss.endpoint());
    options.retry_decision = Cancelling::decide;
    Cancelling().expectCancelled(options);
}

TEST(CancellingCallbacks, ProgressCancelsByTheHandle) {
    const LocalOss oss({"--rate", "1MB"});
    Options options(oss.endpoint());
    Cancelling().expectCancelled(options, Cancelling::show);
}

namespace {

[[noreturn]] void throwing() { throw std::runtime_error("thrown by a callback"); }

// Runs a download whose callbacks throw. Does not return.
void downloadThatThrows(const std::string &endpoint, const std::string &file,
                        void (*set)(Options &, Request &)) {
    Options options(endpoint);
    Request request("generated/64MiB", file);
    set(options, request);
    auto client = newClient(options);
    auto handle = start(client, request);
    wait(handle);
    handle.reset();
    client.reset();
}

void expectTheEndOfTheProgram(const std::vector<std::string> &server,
                              void (*set)(Options &, Request &)) {
    const LocalOss oss(server);
    const TemporaryDirectory directory;
    EXPECT_EXIT(downloadThatThrows(oss.endpoint(), directory.path("file"), set),
                testing::KilledBySignal(SIGABRT), "");
}

} // namespace

TEST(ThrowingCallbacksDeathTest, EndTheProgram) {
    testing::GTEST_FLAG(death_test_style) = "fast";
    expectTheEndOfTheProgram({"--rate", "1MB"}, [](Options &, Request &request) {
        request.progress = [](const oss_resumable_status *, void *) -> int32_t { throwing(); };
    });
    expectTheEndOfTheProgram({"--rate", "1MB"}, [](Options &options, Request &) {
        options.log = [](int32_t, const char *, void *) { throwing(); };
    });
    expectTheEndOfTheProgram({"--fault", "status=503"}, [](Options &options, Request &) {
        options.retry_decision = [](const oss_resumable_failed_attempt *, void *) -> int64_t {
            throwing();
        };
    });
    expectTheEndOfTheProgram({}, [](Options &options, Request &) {
        options.anonymous = OSS_RESUMABLE_OFF;
        options.credentials_provider = [](oss_resumable_credentials_sink *, void *) { throwing(); };
    });
    expectTheEndOfTheProgram({"--fault", "status=404"}, [](Options &, Request &request) {
        request.user_data_free = [](void *) { throwing(); };
    });
}
