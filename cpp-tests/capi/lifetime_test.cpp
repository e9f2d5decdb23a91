// Handles may be freed in any order and at any time; forks and exits cause no damage.
#include <cstdlib>

#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../support/capi.hpp"
#include "../support/local_oss.hpp"

using namespace tests;

namespace {

// The exit status of a forked child, or -1 if it had to be killed after ten seconds.
template <typename Body> int inChild(Body body) {
    const pid_t child = fork();
    if (child == 0) {
        alarm(10);
        body();
        _exit(0);
    }
    int status = 0;
    waitpid(child, &status, 0);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

} // namespace

TEST(Lifetime, ADownloadOutlivesItsClientsHandle) {
    const LocalOss oss({"--rate", "1MB"});
    const TemporaryDirectory directory;
    auto client = newClient(Options(oss.endpoint()));
    const auto handle = start(client, Request("generated/64MiB", directory.path("file")));
    client.reset();
    const auto ended = wait(handle);
    EXPECT_EQ(ended.code, OSS_RESUMABLE_ERR_CANCELLED) << ended.message();
    EXPECT_EQ(statusOf(handle).phase, OSS_RESUMABLE_PHASE_FAILED);
}

TEST(Lifetime, ResultsAndErrorsOutliveEverything) {
    const TemporaryDirectory directory;
    Ended good, bad;
    {
        const LocalOss oss;
        const auto client = newClient(Options(oss.endpoint()));
        good = download(client, Request("generated/1000", directory.path("file")));
        bad = download(client, Request("missing", directory.path("file")));
    }
    EXPECT_EQ(oss_resumable_result_size(good.result.get()), 1000u);
    EXPECT_EQ(bad.errorCode(), "NoSuchKey");
}

TEST(Lifetime, FreeingARunningDownloadCancelsItAndKeepsTheCheckpoint) {
    const LocalOss oss({"--rate", "4MB"});
    const TemporaryDirectory directory;
    const auto client = newClient(Options(oss.endpoint()));
    Request request("generated/64MiB", directory.path("file"));
    request.checkpoint_dir = directory.path().c_str();
    auto handle = start(client, request);
    while (statusOf(handle).bytes_done == 0) {
        ASSERT_EQ(wait(handle, 5).code, OSS_RESUMABLE_WAIT_TIMEOUT);
    }
    handle.reset();
    EXPECT_EQ(directory.names().size(), 2u) << "the temp file and the checkpoint";
    // The locks are released: the same download can start again.
    const auto again = start(client, request);
    EXPECT_EQ(wait(again, 100).code, OSS_RESUMABLE_WAIT_TIMEOUT);
}

TEST(Lifetime, AStartWithoutAHandleIsCancelled) {
    const LocalOss oss({"--rate", "1MB"});
    const TemporaryDirectory directory;
    const auto client = newClient(Options(oss.endpoint()));
    const Request request("generated/64MiB", directory.path("file"));
    EXPECT_EQ(oss_resumable_download_start(client.get(), &request, nullptr, nullptr),
              OSS_RESUMABLE_OK);
    EXPECT_TRUE(directory.names().empty());
}

TEST(Lifetime, AForkedChildGetsAnErrorAndCanFreeWithoutHanging) {
    const LocalOss oss({"--rate", "1MB"});
    const TemporaryDirectory directory;
    auto client = newClient(Options(oss.endpoint()));
    auto handle = start(client, Request("generated/64MiB", directory.path("file")));
    const int status = inChild([&client, &handle, &directory] {
        const Request request("generated/1000", directory.path("other"));
        oss_resumable_status snapshot = OSS_RESUMABLE_STATUS_INIT;
        const bool forked =
            wait(handle).code == OSS_RESUMABLE_ERR_FORKED &&
            download(client, request).code == OSS_RESUMABLE_ERR_FORKED &&
            oss_resumable_download_cancel(handle.get()) == OSS_RESUMABLE_ERR_FORKED &&
            oss_resumable_download_status(handle.get(), &snapshot) == OSS_RESUMABLE_ERR_FORKED;
        handle.reset();
        client.reset();
        _exit(forked ? 0 : 1);
    });
    EXPECT_EQ(status, 0);
    // The parent's download is not affected.
    EXPECT_EQ(wait(handle, 0).code, OSS_RESUMABLE_WAIT_TIMEOUT);
}

TEST(Lifetime, AForkedChildCanCreateItsOwnClient) {
    const LocalOss oss;
    const TemporaryDirectory directory;
    const auto parents = newClient(Options(oss.endpoint()));
    download(parents, Request("generated/1000", directory.path("one")));
    const int status = inChild([&oss, &directory] {
        const auto client = newClient(Options(oss.endpoint()));
        _exit(download(client, Request("generated/1000", directory.path("two"))).code == 0 ? 0 : 1);
    });
    EXPECT_EQ(status, 0);
    EXPECT_TRUE(LocalOss::isGenerated(directory.path("two"), "1000"));
}

TEST(Lifetime, TheProcessMayExitDuringADownload) {
    const LocalOss oss({"--rate", "1MB"});
    const TemporaryDirectory directory;
    const int status = inChild([&oss, &directory] {
        auto client = newClient(Options(oss.endpoint()));
        auto handle = start(client, Request("generated/64MiB", directory.path("file")));
        wait(handle, 100);
        client.release();
        handle.release();
        std::exit(7);
    });
    EXPECT_EQ(status, 7);
}
