// The host forks and starts other programs while a download runs.
#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <map>
#include <set>

#include <gtest/gtest.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../support/capi.hpp"
#include "../support/local_oss.hpp"

using namespace tests;

namespace {

// A running download of two seconds with a checkpoint.
struct Running {
    LocalOss oss{{"--rate", "4MB"}};
    TemporaryDirectory directory;
    ClientPtr client = newClient(Options(oss.endpoint()));
    QueuePtr queue = newQueue();
    Request request{"generated/24MB", directory.path("file")};
    DownloadPtr handle;

    Running() {
        request.checkpoint_dir = directory.path().c_str();
        request.part_size = OSS_RESUMABLE_MIN_PART_SIZE;
        request.event_queue = queue.get();
        handle = start(client, request);
        while (statusOf(handle).bytes_done == 0) {
            EXPECT_EQ(wait(handle, 5).code, OSS_RESUMABLE_WAIT_TIMEOUT);
        }
    }
    void expectAGoodEnd() {
        const auto ended = wait(handle);
        ASSERT_EQ(ended.code, OSS_RESUMABLE_OK) << ended.message();
        EXPECT_TRUE(LocalOss::isGenerated(directory.path("file"), "24MB"));
        EXPECT_EQ(directory.names(), std::vector<std::string>{"file"});
        EXPECT_EQ(ended.statistics().bytes_reused, 0u);
    }
};

// The exit status of a forked child, or -1 if a signal ended it: SIGALRM after twenty seconds.
template <typename Body> int inChild(Body body) {
    const pid_t child = fork();
    if (child == 0) {
        alarm(20);
        body();
        _exit(99);
    }
    int status = 0;
    waitpid(child, &status, 0);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

// Calls every function that takes a handle; returns how many calls were not refused in the child.
int callsThatWork(Running &parents) {
    auto *client = parents.client.get();
    auto *handle = parents.handle.get();
    const auto *request = &parents.request;
    oss_resumable_status snapshot = OSS_RESUMABLE_STATUS_INIT;
    oss_resumable_checkpoint *checkpoint = nullptr;
    oss_resumable_event event = OSS_RESUMABLE_EVENT_INIT;
    const auto own = newClient(Options(parents.oss.endpoint()));
    const oss_resumable_code codes[] = {
        oss_resumable_client_set_region(client, "cn-beijing", nullptr),
        oss_resumable_client_set_bandwidth(client, 1, nullptr),
        oss_resumable_client_pause(client, nullptr),
        oss_resumable_client_resume(client, nullptr),
        oss_resumable_client_set_max_connections(client, 1, nullptr),
        oss_resumable_client_disable_requests(client, nullptr),
        oss_resumable_client_enable_requests(client, nullptr),
        oss_resumable_client_set_credentials(client, "id", "secret", nullptr, nullptr),
        oss_resumable_download_object(client, request, nullptr, nullptr),
        oss_resumable_download_start(client, request, nullptr, nullptr),
        oss_resumable_download_wait(handle, -1, nullptr, nullptr),
        oss_resumable_download_status(handle, &snapshot),
        oss_resumable_download_cancel(handle),
        oss_resumable_download_pause(handle),
        oss_resumable_download_resume(handle),
        oss_resumable_download_set_bandwidth(handle, 1),
        oss_resumable_download_set_priority(handle, 1),
        oss_resumable_checkpoint_inspect(client, request, &checkpoint, nullptr),
        oss_resumable_checkpoint_discard(client, request, nullptr, nullptr),
        oss_resumable_event_queue_next(parents.queue.get(), -1, &event),
        oss_resumable_download_start(own.get(), request, nullptr, nullptr),
    };
    EXPECT_EQ(oss_resumable_event_queue_fd(parents.queue.get()), -1);
    return static_cast<int>(
        std::count_if(std::begin(codes), std::end(codes),
                      [](oss_resumable_code code) { return code != OSS_RESUMABLE_ERR_FORKED; }));
}

} // namespace

TEST(Fork, EveryCallInTheChildIsRefusedAndFreeingIsSafe) {
    Running parents;
    for (int i = 0; i < 20; ++i) {
        const int status = inChild([&parents, i] {
            const int worked = i % 2 ? callsThatWork(parents) : 0;
            // In both orders.
            if (i % 4 < 2) {
                parents.handle.reset();
                parents.queue.reset();
            }
            parents.client.reset();
            parents.handle.reset();
            parents.queue.reset();
            _exit(worked);
        });
        ASSERT_EQ(status, 0);
    }
    parents.expectAGoodEnd();
}

TEST(Fork, AChildThatExitsAffectsNeitherFilesNorLocks) {
    Running parents;
    for (int i = 0; i < 20; ++i) {
        // With all exit handlers, in the middle of a download of the parent.
        ASSERT_EQ(inChild([] { std::exit(7); }), 7);
    }
    // A child without handles of the parent finds the locks held.
    const int second = inChild([&parents] {
        const auto own = newClient(Options(parents.oss.endpoint()));
        parents.request.event_queue = nullptr;
        _exit(download(own, parents.request).code == OSS_RESUMABLE_ERR_BUSY ? 0 : 1);
    });
    EXPECT_EQ(second, 0);
    parents.expectAGoodEnd();
}

TEST(Fork, AChildThatOutlivesTheDownloadDoesNotHoldItsLocks) {
    Running parents;
    int ends[2];
    ASSERT_EQ(pipe(ends), 0);
    const pid_t child = fork();
    if (child == 0) {
        // Until the parent closes its end, with every descriptor of the parent.
        char byte;
        close(ends[1]);
        _exit(read(ends[0], &byte, 1) == 0 ? 0 : 1);
    }
    oss_resumable_download_cancel(parents.handle.get());
    EXPECT_EQ(wait(parents.handle).code, OSS_RESUMABLE_ERR_CANCELLED);
    parents.handle = start(parents.client, parents.request);
    const auto again = wait(parents.handle);
    EXPECT_EQ(again.code, OSS_RESUMABLE_OK) << again.message();
    EXPECT_TRUE(LocalOss::isGenerated(parents.directory.path("file"), "24MB"));
    close(ends[0]);
    close(ends[1]);
    int status = -1;
    waitpid(child, &status, 0);
    EXPECT_EQ(status, 0);
}

namespace {

// The files and sockets of this process's descriptors.
std::map<int, std::string> descriptors() {
    std::map<int, std::string> found;
    DIR *directory = opendir("/proc/self/fd");
    while (const dirent *entry = readdir(directory)) {
        char target[4096];
        const auto length = readlinkat(dirfd(directory), entry->d_name, target, sizeof target);
        const int fd = std::atoi(entry->d_name);
        if (length > 0 && fd != dirfd(directory)) {
            found[fd] = std::string(target, static_cast<size_t>(length));
        }
    }
    closedir(directory);
    return found;
}

// Those of a program that the host starts with popen().
std::multiset<std::string> descriptorsOfAProgram() {
    std::multiset<std::string> found;
    FILE *output = popen("readlink /proc/$$/fd/*; true", "r");
    char line[4096];
    while (std::fgets(line, sizeof line, output)) {
        const std::string target(line, std::strcspn(line, "\n"));
        // One of popen()'s own.
        if (target.compare(0, 5, "pipe:") != 0) {
            found.insert(target);
        }
    }
    EXPECT_EQ(pclose(output), 0);
    return found;
}

// The socket pair with which libcurl wakes a transfer thread; libcurl 7.88 does not set
// close-on-exec on it.
bool isOneOfAPair(int fd) {
    struct sockaddr_storage address;
    socklen_t length = sizeof address;
    return getsockname(fd, reinterpret_cast<sockaddr *>(&address), &length) == 0 &&
           address.ss_family == AF_UNIX;
}

} // namespace

TEST(Fork, AProgramTheHostStartsInheritsNeitherFilesNorConnections) {
    const auto before = descriptors();
    EXPECT_FALSE(descriptorsOfAProgram().empty());
    Running download;
    std::set<std::string> kept;
    for (const auto &descriptor : descriptors()) {
        const int flags = fcntl(descriptor.first, F_GETFD);
        const bool is_new = before.count(descriptor.first) == 0 && flags >= 0;
        if (is_new && !isOneOfAPair(descriptor.first)) {
            EXPECT_NE(flags & FD_CLOEXEC, 0) << descriptor.second;
            kept.insert(descriptor.second);
        }
    }
    EXPECT_EQ(kept.count(download.directory.path("file.temp")), 1u);
    EXPECT_GE(kept.size(), 3u) << "the temporary file, the checkpoint, and a connection";
    for (int i = 0; i < 10; ++i) {
        for (const auto &target : descriptorsOfAProgram()) {
            EXPECT_EQ(kept.count(target), 0u) << target;
        }
        EXPECT_EQ(std::system("exit 3"), 3 << 8);
    }
    download.expectAGoodEnd();
}
