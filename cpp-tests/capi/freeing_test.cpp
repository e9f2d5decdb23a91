// Every handle may be freed in any order and in any callback.
#include <algorithm>
#include <array>
#include <atomic>
#include <chrono>
#include <thread>

#include <gtest/gtest.h>

#include "../support/capi.hpp"
#include "../support/local_oss.hpp"

using namespace tests;

namespace {

std::atomic<int> freed{0};

void countFree(void *) { ++freed; }

bool waitForFreed(int count) {
    for (int i = 0; i < 2000 && freed < count; ++i) {
        std::this_thread::sleep_for(std::chrono::milliseconds(5));
    }
    return freed == count;
}

// One handle of each kind, and what the remaining ones must still do.
struct Handles {
    static constexpr size_t count = 5;

    ClientPtr client;
    DownloadPtr running, ended;
    ResultPtr result;
    ErrorPtr error;

    Handles(const LocalOss &oss, const TemporaryDirectory &directory) {
        Options options(oss.endpoint());
        options.user_data_free = countFree;
        client = newClient(options);
        Request slow("generated/64MiB", directory.path("slow"));
        slow.user_data_free = countFree;
        running = start(client, slow);
        Request small("generated/1000", directory.path("small"));
        small.user_data_free = countFree;
        ended = start(client, small);
        result = wait(ended).result;
        error = download(client, Request("missing", directory.path("missing"))).error;
    }
    void free(size_t which) {
        switch (which) {
        case 0:
            client.reset();
            break;
        case 1:
            running.reset();
            break;
        case 2:
            ended.reset();
            break;
        case 3:
            result.reset();
            break;
        case 4:
            error.reset();
            break;
        }
    }
    void expectTheRestToWork() const {
        if (running) {
            const auto code = wait(running, client ? 0 : -1).code;
            EXPECT_EQ(code, client ? OSS_RESUMABLE_WAIT_TIMEOUT : OSS_RESUMABLE_ERR_CANCELLED);
        }
        if (ended) {
            EXPECT_EQ(wait(ended).code, OSS_RESUMABLE_OK);
            EXPECT_EQ(statusOf(ended).phase, OSS_RESUMABLE_PHASE_SUCCEEDED);
        }
        if (result) {
            EXPECT_EQ(oss_resumable_result_size(result.get()), 1000u);
        }
        if (error) {
            EXPECT_STREQ(oss_resumable_error_code(error.get()), "NoSuchKey");
        }
    }
};

} // namespace

TEST(Freeing, WorksInEachOfThe120OrdersOfFiveHandles) {
    const LocalOss oss({"--rate", "1MB"});
    std::array<size_t, Handles::count> order{{0, 1, 2, 3, 4}};
    int orders = 0;
    do {
        const TemporaryDirectory directory;
        freed = 0;
        Handles handles(oss, directory);
        for (const size_t which : order) {
            handles.expectTheRestToWork();
            handles.free(which);
        }
        EXPECT_EQ(freed, 3) << "the data of the client and of two downloads, each once";
        EXPECT_EQ(directory.names(), std::vector<std::string>{"small"});
        ++orders;
    } while (std::next_permutation(order.begin(), order.end()));
    EXPECT_EQ(orders, 120);
}

namespace {

// Frees its client and its download once, in the first callback that runs.
struct Freeing {
    std::atomic<oss_resumable_client *> client{nullptr};
    std::atomic<oss_resumable_download *> download{nullptr};
    std::atomic<bool> armed{false};
    std::atomic<int> calls{0};

    void act() {
        // The callback may run before the test has the handles.
        while (!armed) {
            std::this_thread::yield();
        }
        if (calls++ == 0) {
            oss_resumable_download_free(download.exchange(nullptr));
            oss_resumable_client_free(client.exchange(nullptr));
        }
    }
    static void of(void *data) { static_cast<Freeing *>(data)->act(); }
    static void log(int32_t, const char *, void *data) { of(data); }
    static void provide(oss_resumable_credentials_sink *sink, void *data) {
        of(data);
        oss_resumable_credentials_set(sink, "id", "secret", nullptr, 0);
    }
    static int64_t decide(const oss_resumable_failed_attempt *, void *data) {
        of(data);
        return 0;
    }

    // Starts a download whose callbacks free everything, and waits until nothing is left.
    void run(Options &options, const TemporaryDirectory &directory) {
        options.user_data = this;
        options.user_data_free = countFree;
        Request request("generated/64MiB", directory.path("file"));
        request.user_data_free = countFree;
        freed = 0;
        auto made = newClient(options);
        ASSERT_TRUE(made);
        download = start(made, request).release();
        client = made.release();
        ASSERT_NE(download, nullptr);
        armed = true;
        EXPECT_TRUE(waitForFreed(2)) << freed << " of 2 freed after " << calls << " calls";
        EXPECT_GE(calls, 1);
        EXPECT_TRUE(directory.names().empty());
    }
};

} // namespace

TEST(Freeing, WorksInsideTheLog) {
    const LocalOss oss({"--rate", "1MB"});
    const TemporaryDirectory directory;
    Options options(oss.endpoint());
    options.log = Freeing::log;
    options.log_level = OSS_RESUMABLE_LOG_DEBUG;
    Freeing freeing;
    freeing.run(options, directory);
}

TEST(Freeing, WorksInsideTheCredentialsProvider) {
    const LocalOss oss({"--access-key-id", "id", "--access-key-secret", "secret"});
    const TemporaryDirectory directory;
    Options options(oss.endpoint());
    options.anonymous = OSS_RESUMABLE_OFF;
    options.credentials_provider = Freeing::provide;
    Freeing freeing;
    freeing.run(options, directory);
}

TEST(Freeing, WorksInsideTheRetryDecision) {
    const LocalOss oss({"--fault", "status=503"});
    const TemporaryDirectory directory;
    Options options(oss.endpoint());
    options.retry_decision = Freeing::decide;
    Freeing freeing;
    freeing.run(options, directory);
}

namespace {

// User data whose free function frees a client.
struct Chain {
    oss_resumable_client *client;
    oss_resumable_download *download;

    static void freeBoth(void *data) {
        auto *self = static_cast<Chain *>(data);
        oss_resumable_client_free(self->client);
        oss_resumable_download_free(self->download);
        ++freed;
    }
};

} // namespace

TEST(Freeing, WorksInsideTheFreeingOfADownloadsData) {
    const LocalOss oss({"--rate", "1MB"});
    const TemporaryDirectory directory;
    Options options(oss.endpoint());
    options.user_data_free = countFree;
    auto client = newClient(options);
    auto other = start(client, Request("generated/64MiB", directory.path("other")));
    Chain chain{client.get(), other.get()};
    Request request("generated/64MiB", directory.path("file"));
    request.user_data = &chain;
    request.user_data_free = Chain::freeBoth;
    auto handle = start(client, request);
    ASSERT_TRUE(handle);
    other.release();
    client.release();
    freed = 0;
    handle.reset();
    EXPECT_TRUE(waitForFreed(2));
    EXPECT_TRUE(directory.names().empty());
}

TEST(Freeing, WorksInsideTheFreeingOfAClientsData) {
    const LocalOss oss({"--rate", "1MB"});
    const TemporaryDirectory directory;
    Options others(oss.endpoint());
    others.user_data_free = countFree;
    auto other = newClient(others);
    auto running = start(other, Request("generated/64MiB", directory.path("other")));
    Chain chain{other.release(), running.release()};
    Options options(oss.endpoint());
    options.user_data = &chain;
    options.user_data_free = Chain::freeBoth;
    auto client = newClient(options);
    EXPECT_EQ(download(client, Request("generated/1000", directory.path("file"))).code,
              OSS_RESUMABLE_OK);
    freed = 0;
    client.reset();
    EXPECT_TRUE(waitForFreed(2));
    EXPECT_EQ(directory.names(), std::vector<std::string>{"file"});
}
