// The host exits while a download runs: programs/exits.c, repeatedly.
#include <random>

#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../support/capi.hpp"
#include "../support/local_oss.hpp"

using namespace tests;

namespace {

// The exit status of `exits`, or the negated number of the signal that ended it: SIGALRM after
// thirty seconds.
int endOf(const std::string &endpoint, const std::string &file, const char *how, int microseconds) {
    const std::string delay = std::to_string(microseconds);
    const pid_t child = fork();
    if (child == 0) {
        alarm(30);
        execl(EXITS, EXITS, endpoint.c_str(), file.c_str(), how, delay.c_str(), nullptr);
        _exit(98);
    }
    int status = 0;
    waitpid(child, &status, 0);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
}

// Exits at 30 random moments, always with the host's status; the next run succeeds.
void expectExits(const char *how) {
    const LocalOss oss({"--access-key-id", "id", "--access-key-secret", "secret", "--rate", "1MB"});
    const TemporaryDirectory directory;
    const auto file = directory.path("file");
    std::mt19937 chance(std::random_device{}());
    for (int i = 0; i < 30; ++i) {
        const int microseconds = static_cast<int>(chance() % 60000);
        ASSERT_EQ(endOf(oss.endpoint(), file, how, microseconds), 7)
            << "after " << microseconds << " microseconds";
        ASSERT_EQ(access(file.c_str(), F_OK), -1);
    }
    const LocalOss fast;
    Request request("generated/64MiB", file);
    request.enable_checkpoint = OSS_RESUMABLE_ON;
    const auto ended = download(newClient(Options(fast.endpoint())), request);
    ASSERT_EQ(ended.code, OSS_RESUMABLE_OK) << ended.message();
    EXPECT_TRUE(LocalOss::isGenerated(file, "64MiB"));
    EXPECT_EQ(directory.names(), std::vector<std::string>{"file"});
}

} // namespace

TEST(Exit, ByReturningFromMain) { expectExits("return"); }

TEST(Exit, OnTheMainThread) { expectExits("exit"); }

TEST(Exit, OnAnotherThread) { expectExits("thread"); }

TEST(Exit, InsideProgress) { expectExits("progress"); }

TEST(Exit, InsideTheLog) { expectExits("log"); }

TEST(Exit, BeforeAnExitHandlerReadsTheEventQueue) { expectExits("queue"); }
