// Callbacks of the C API: on which thread and how often they run, what they may do, and when their
// data is freed.
#include <atomic>
#include <chrono>
#include <mutex>
#include <string>
#include <thread>

#include <gtest/gtest.h>

#include "../support/capi.hpp"
#include "../support/local_oss.hpp"

using namespace tests;

namespace {

std::atomic<int> freed{0};

void countFree(void *) { ++freed; }

struct Progress {
    std::thread::id thread;
    int calls = 0;
    int cancelAt = 0;
    oss_resumable_status status;
    void (*action)(Progress &) = nullptr;
    oss_resumable_client *client = nullptr;
    oss_resumable_download *download = nullptr;

    static int32_t show(const oss_resumable_status *status, void *data) {
        auto &self = *static_cast<Progress *>(data);
        self.thread = std::this_thread::get_id();
        self.status = *status;
        ++self.calls;
        if (self.action) {
            self.action(self);
        }
        return self.calls == self.cancelAt ? 1 : 0;
    }
    void into(oss_download_object_request &request) {
        request.progress = show;
        request.user_data = this;
    }
};

} // namespace

TEST(Callbacks, ProgressRunsOnTheCallingThreadAndEndsWithEverythingDone) {
    const LocalOss oss({"--rate", "3MB"});
    const TemporaryDirectory directory;
    const auto client = newClient(Options(oss.endpoint()));
    Request request("generated/2MB", directory.path("file"));
    Progress progress;
    progress.into(request);
    const auto ended = download(client, request);
    ASSERT_EQ(ended.code, OSS_RESUMABLE_OK) << ended.message();
    EXPECT_EQ(progress.thread, std::this_thread::get_id());
    EXPECT_GE(progress.calls, 3);
    EXPECT_EQ(progress.status.struct_size, sizeof progress.status);
    EXPECT_EQ(progress.status.bytes_done, 2000000u);
    EXPECT_EQ(progress.status.bytes_total, 2000000);
}

TEST(Callbacks, ProgressContinuesWithoutNewBytes) {
    const LocalOss oss({"--fault", "stall-after=1000"});
    const TemporaryDirectory directory;
    const auto client = newClient(Options(oss.endpoint()));
    Request request("generated/2MB", directory.path("file"));
    Progress progress;
    progress.into(request);
    progress.cancelAt = 10;
    const auto start = std::chrono::steady_clock::now();
    EXPECT_EQ(download(client, request).code, OSS_RESUMABLE_ERR_CANCELLED);
    EXPECT_LE(progress.status.bytes_done, 1000u * OSS_RESUMABLE_DEFAULT_THREAD_NUM);
    const auto elapsed = std::chrono::steady_clock::now() - start;
    EXPECT_LT(elapsed, std::chrono::milliseconds(10 * 200));
}

TEST(Callbacks, ProgressOfAHandleRunsInsideWaitOnly) {
    const LocalOss oss;
    const TemporaryDirectory directory;
    const auto client = newClient(Options(oss.endpoint()));
    Request request("generated/1000", directory.path("file"));
    Progress progress;
    progress.into(request);
    const auto handle = start(client, request);
    while (statusOf(handle).phase < OSS_RESUMABLE_PHASE_SUCCEEDED) {
        std::this_thread::yield();
    }
    EXPECT_EQ(progress.calls, 0);
    EXPECT_EQ(wait(handle).code, OSS_RESUMABLE_OK);
    EXPECT_GE(progress.calls, 1);
}

TEST(Callbacks, UserDataIsFreedOnceWhateverTheOutcome) {
    const LocalOss oss;
    const TemporaryDirectory directory;
    const auto client = newClient(Options(oss.endpoint()));
    Request request("generated/1000", directory.path("file"));
    request.user_data_free = countFree;
    freed = 0;
    EXPECT_EQ(download(client, request).code, OSS_RESUMABLE_OK);
    EXPECT_EQ(freed, 1);
    request.key = "missing";
    EXPECT_EQ(download(client, request).code, OSS_RESUMABLE_ERR_SERVICE);
    EXPECT_EQ(freed, 2);
    request.key = "/refused";
    EXPECT_EQ(download(client, request).code, OSS_RESUMABLE_ERR_VALIDATION);
    EXPECT_EQ(freed, 3);
    request.reserved = 1;
    EXPECT_EQ(download(client, request).code, OSS_RESUMABLE_ERR_VALIDATION);
    EXPECT_EQ(freed, 4);
    request.reserved = 0;
    EXPECT_EQ(download(nullptr, request).code, OSS_RESUMABLE_ERR_VALIDATION);
    EXPECT_EQ(freed, 5);
}

TEST(Callbacks, UserDataOfAHandleIsFreedWithIt) {
    const LocalOss oss;
    const TemporaryDirectory directory;
    const auto client = newClient(Options(oss.endpoint()));
    Request request("generated/1000", directory.path("file"));
    request.user_data_free = countFree;
    freed = 0;
    auto handle = start(client, request);
    wait(handle);
    EXPECT_EQ(freed, 0);
    handle.reset();
    EXPECT_EQ(freed, 1);
}

TEST(Callbacks, UserDataOfAClientIsFreedWhenItAndItsDownloadsAreGone) {
    const LocalOss oss;
    const TemporaryDirectory directory;
    Options options(oss.endpoint());
    options.user_data_free = countFree;
    options.log = [](int32_t, const char *, void *) {};
    freed = 0;
    auto client = newClient(options);
    auto handle = start(client, Request("generated/1000", directory.path("file")));
    wait(handle);
    handle.reset();
    EXPECT_EQ(freed, 0);
    client.reset();
    EXPECT_EQ(freed, 1);
    options.endpoint = "";
    EXPECT_FALSE(newClient(options));
    EXPECT_EQ(freed, 2);
}

TEST(Callbacks, ADownloadFreedInsideItsProgressEndsAfterTheCallback) {
    const LocalOss oss({"--rate", "1MB"});
    const TemporaryDirectory directory;
    const auto client = newClient(Options(oss.endpoint()));
    Request request("generated/64MiB", directory.path("file"));
    Progress progress;
    progress.into(request);
    request.user_data_free = countFree;
    progress.action = [](Progress &self) {
        oss_resumable_download_free(self.download);
        self.download = nullptr;
    };
    freed = 0;
    progress.download = start(client, request).release();
    EXPECT_EQ(oss_resumable_download_wait(progress.download, -1, nullptr, nullptr),
              OSS_RESUMABLE_ERR_CANCELLED);
    EXPECT_EQ(freed, 1);
}

TEST(Callbacks, AClientFreedInsideProgressEndsItsDownloadAfterTheCallback) {
    const LocalOss oss({"--rate", "1MB"});
    const TemporaryDirectory directory;
    auto client = newClient(Options(oss.endpoint()));
    Request request("generated/64MiB", directory.path("file"));
    Progress progress;
    progress.into(request);
    progress.client = client.release();
    progress.action = [](Progress &self) {
        oss_resumable_client_free(self.client);
        self.client = nullptr;
    };
    EXPECT_EQ(oss_resumable_download_object(progress.client, &request, nullptr, nullptr),
              OSS_RESUMABLE_ERR_CANCELLED);
}

namespace {

// Frees a client and a download in a log callback, on a thread that freeing must join.
struct FreeingLog {
    std::atomic<oss_resumable_client *> client{nullptr};
    std::atomic<oss_resumable_download *> download{nullptr};
    std::atomic<oss_resumable_code> waited{OSS_RESUMABLE_OK};

    static void write(int32_t, const char *, void *data) {
        auto &self = *static_cast<FreeingLog *>(data);
        if (auto *download = self.download.exchange(nullptr)) {
            self.waited = oss_resumable_download_wait(download, -1, nullptr, nullptr);
            oss_resumable_download_free(download);
            oss_resumable_client_free(self.client.exchange(nullptr));
        }
    }
};

} // namespace

TEST(Callbacks, OnALibraryThreadFreeingWorksAndWaitingIsRefused) {
    const LocalOss oss({"--rate", "4MB"});
    const TemporaryDirectory directory;
    FreeingLog log;
    Options options(oss.endpoint());
    options.log = FreeingLog::write;
    options.log_level = OSS_RESUMABLE_LOG_DEBUG;
    options.user_data = &log;
    options.user_data_free = countFree;
    freed = 0;
    auto client = newClient(options);
    Request request("generated/2MB", directory.path("file"));
    request.part_size = OSS_RESUMABLE_MIN_PART_SIZE;
    auto handle = start(client, request);
    log.client = client.release();
    log.download = handle.release();
    for (int i = 0; i < 1000 && freed == 0; ++i) {
        std::this_thread::sleep_for(std::chrono::milliseconds(10));
    }
    EXPECT_EQ(freed, 1) << "no log line arrived, or the freeing did not end";
    EXPECT_EQ(log.waited, OSS_RESUMABLE_ERR_VALIDATION);
}

namespace {

struct Provider {
    std::thread::id thread;
    std::atomic<int> calls{0};
    const char *token = "token";

    static void provide(oss_resumable_credentials_sink *sink, void *data) {
        auto &self = *static_cast<Provider *>(data);
        self.thread = std::this_thread::get_id();
        ++self.calls;
        if (self.token == nullptr) {
            oss_resumable_credentials_fail(sink, "the vault is sealed");
        } else {
            oss_resumable_credentials_set(sink, "id", "secret", self.token, 0);
        }
    }
};

Ended downloadWith(Provider &provider, const LocalOss &oss, const TemporaryDirectory &directory) {
    Options options(oss.endpoint());
    options.anonymous = OSS_RESUMABLE_OFF;
    options.credentials_provider = Provider::provide;
    options.user_data = &provider;
    return download(newClient(options), Request("generated/1000", directory.path("file")));
}

} // namespace

TEST(Callbacks, CredentialsComeFromTheProviderOnAnotherThread) {
    const LocalOss oss(
        {"--access-key-id", "id", "--access-key-secret", "secret", "--token", "token"});
    const TemporaryDirectory directory;
    Provider provider;
    const auto ended = downloadWith(provider, oss, directory);
    EXPECT_EQ(ended.code, OSS_RESUMABLE_OK) << ended.message();
    EXPECT_EQ(provider.calls, 1);
    EXPECT_NE(provider.thread, std::this_thread::get_id());
}

TEST(Callbacks, AProviderThatFailsIsQuotedInTheError) {
    const LocalOss oss({"--access-key-id", "id", "--access-key-secret", "secret"});
    const TemporaryDirectory directory;
    Provider provider;
    provider.token = nullptr;
    const auto ended = downloadWith(provider, oss, directory);
    EXPECT_NE(ended.code, OSS_RESUMABLE_OK);
    EXPECT_NE(ended.message().find("the vault is sealed"), std::string::npos) << ended.message();
}

TEST(Callbacks, TheLogDescribesTheDownloadWithoutSecrets) {
    struct Log {
        std::mutex mutex;
        std::string text;
        static void write(int32_t level, const char *line, void *data) {
            auto &self = *static_cast<Log *>(data);
            const std::lock_guard<std::mutex> lock(self.mutex);
            self.text += std::to_string(level) + " " + line + "\n";
        }
    } log;
    const LocalOss oss({"--access-key-id", "id", "--access-key-secret", "hush-secret"});
    const TemporaryDirectory directory;
    Options options(oss.endpoint());
    options.anonymous = OSS_RESUMABLE_OFF;
    options.access_key_id = "id";
    options.access_key_secret = "hush-secret";
    options.security_token = "hush-token";
    options.log = Log::write;
    options.log_level = OSS_RESUMABLE_LOG_DEBUG;
    options.user_data = &log;
    auto client = newClient(options);
    download(client, Request("generated/1000", directory.path("file")));
    client.reset();
    EXPECT_NE(log.text.find("generated/1000"), std::string::npos) << log.text;
    EXPECT_EQ(log.text.find("hush"), std::string::npos) << log.text;
}

TEST(Callbacks, TheRetryDecisionOverridesThePolicy) {
    struct Decision {
        std::atomic<int> calls{0};
        std::atomic<int64_t> status{0};
        static int64_t stop(const oss_resumable_failed_attempt *attempt, void *data) {
            auto &self = *static_cast<Decision *>(data);
            ++self.calls;
            self.status = attempt->status;
            return OSS_RESUMABLE_RETRY_STOP;
        }
    } decision;
    const LocalOss oss({"--fault", "status=503"});
    const TemporaryDirectory directory;
    Options options(oss.endpoint());
    options.retry_decision = Decision::stop;
    options.user_data = &decision;
    const auto ended =
        download(newClient(options), Request("generated/1000", directory.path("file")));
    EXPECT_EQ(ended.code, OSS_RESUMABLE_ERR_SERVICE);
    EXPECT_EQ(oss_resumable_error_status(ended.error.get()), 503);
    EXPECT_EQ(decision.calls, 1);
    EXPECT_EQ(decision.status, 503);
}
