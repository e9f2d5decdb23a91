// Event queues: one thread learns of the starts, the progress and the ends of many downloads.
#include <algorithm>
#include <array>
#include <atomic>
#include <map>
#include <string>
#include <vector>

#include <fcntl.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "../support/capi.hpp"
#include "../support/local_oss.hpp"

using namespace tests;

namespace {

using Kinds = std::vector<int32_t>;

const Kinds startAndEnd{OSS_RESUMABLE_EVENT_STARTED, OSS_RESUMABLE_EVENT_ENDED};

struct Next {
    oss_resumable_code code;
    oss_resumable_event event;
};

Next next(const QueuePtr &queue, int64_t timeout_ms) {
    Next next{OSS_RESUMABLE_OK, OSS_RESUMABLE_EVENT_INIT};
    next.code = oss_resumable_event_queue_next(queue.get(), timeout_ms, &next.event);
    return next;
}

// The events of each download, without progress, and the code of its end.
struct Seen {
    std::map<uint64_t, Kinds> kinds;
    std::map<uint64_t, oss_resumable_code> codes;
    size_t ended = 0;

    void add(const oss_resumable_event &event) {
        if (event.kind == OSS_RESUMABLE_EVENT_PROGRESS) {
            EXPECT_EQ(kinds[event.tag], Kinds{OSS_RESUMABLE_EVENT_STARTED}) << event.tag;
            return;
        }
        kinds[event.tag].push_back(event.kind);
        if (event.kind == OSS_RESUMABLE_EVENT_ENDED) {
            codes[event.tag] = event.code;
            ++ended;
        }
    }
    // Reads until this many downloads have ended.
    void read(const QueuePtr &queue, size_t ends) {
        while (ended < ends) {
            const auto found = next(queue, 60000);
            ASSERT_EQ(found.code, OSS_RESUMABLE_OK);
            add(found.event);
        }
    }
};

bool isReadable(int fd, int timeout_ms) {
    pollfd watched{fd, POLLIN, 0};
    return poll(&watched, 1, timeout_ms) == 1 && watched.revents == POLLIN;
}

// A request that reports to a queue.
class Reporting : public Request {
public:
    Reporting(const char *from, const std::string &to, const QueuePtr &queue, uint64_t number)
        : Request(from, to) {
        event_queue = queue.get();
        tag = number;
    }
};

} // namespace

TEST(EventQueue, OneThreadServesSixtyDownloadsOfTwoClientsWithEpoll) {
    constexpr size_t count = 60;
    const LocalOss oss({"--rate", "1MB"});
    const TemporaryDirectory directory;
    const ClientPtr clients[] = {newClient(Options(oss.endpoint())),
                                 newClient(Options(oss.endpoint()))};
    const QueuePtr queue = newQueue();
    const int epoll = epoll_create1(EPOLL_CLOEXEC);
    epoll_event watched = {};
    watched.events = EPOLLIN;
    ASSERT_EQ(epoll_ctl(epoll, EPOLL_CTL_ADD, oss_resumable_event_queue_fd(queue.get()), &watched),
              0);
    std::vector<DownloadPtr> downloads;
    const auto file = [&](size_t i) { return directory.path(std::to_string(i)); };
    // Every third object does not exist, and of the others every tenth download is cancelled.
    const auto isMissing = [](size_t i) { return i % 3 == 2; };
    const auto isCancelled = [&](size_t i) { return !isMissing(i) && i % 10 == 0; };
    for (size_t i = 0; i < count; ++i) {
        const char *key = isMissing(i)     ? "missing"
                          : isCancelled(i) ? "generated/64MiB"
                                           : "generated/400KB";
        downloads.push_back(start(clients[i % 2], Reporting(key, file(i), queue, i)));
        ASSERT_TRUE(downloads.back());
    }
    Seen seen;
    size_t progress = 0;
    while (seen.ended < count) {
        epoll_event ready;
        ASSERT_EQ(epoll_wait(epoll, &ready, 1, 60000), 1);
        for (auto found = next(queue, 0); found.code == OSS_RESUMABLE_OK; found = next(queue, 0)) {
            const auto tag = found.event.tag;
            seen.add(found.event);
            progress += found.event.kind == OSS_RESUMABLE_EVENT_PROGRESS;
            if (found.event.kind == OSS_RESUMABLE_EVENT_STARTED && isCancelled(tag)) {
                oss_resumable_download_cancel(downloads[tag].get());
            }
            if (found.event.kind == OSS_RESUMABLE_EVENT_ENDED) {
                EXPECT_EQ(wait(downloads[tag], 0).code, found.event.code) << tag;
            }
        }
    }
    EXPECT_GE(progress, count / 3);
    for (size_t i = 0; i < count; ++i) {
        EXPECT_EQ(seen.kinds[i], startAndEnd) << i;
        if (isCancelled(i)) {
            EXPECT_EQ(seen.codes[i], OSS_RESUMABLE_ERR_CANCELLED) << i;
        } else if (isMissing(i)) {
            EXPECT_EQ(seen.codes[i], OSS_RESUMABLE_ERR_SERVICE) << i;
        } else {
            EXPECT_EQ(seen.codes[i], OSS_RESUMABLE_OK) << i;
            EXPECT_TRUE(LocalOss::isGenerated(file(i), "400KB")) << i;
        }
    }
    epoll_event ready;
    EXPECT_EQ(epoll_wait(epoll, &ready, 1, 300), 0) << "nothing waits and nothing runs";
    close(epoll);
}

TEST(EventQueue, TheDescriptorIsReadableUntilTheLastEventHasBeenRead) {
    const LocalOss oss;
    const TemporaryDirectory directory;
    const auto client = newClient(Options(oss.endpoint()));
    const QueuePtr queue = newQueue();
    const int fd = oss_resumable_event_queue_fd(queue.get());
    EXPECT_EQ(oss_resumable_event_queue_fd(queue.get()), fd);
    EXPECT_NE(fcntl(fd, F_GETFD) & FD_CLOEXEC, 0);
    EXPECT_FALSE(isReadable(fd, 0));
    for (int i = 0; i < 3; ++i) {
        const Reporting request("generated/1000", directory.path("file"), queue, 1);
        ASSERT_EQ(download(client, request).code, OSS_RESUMABLE_OK);
        EXPECT_TRUE(isReadable(fd, 5000));
        EXPECT_EQ(next(queue, 0).event.kind, OSS_RESUMABLE_EVENT_STARTED);
        EXPECT_TRUE(isReadable(fd, 0)) << "one event is left";
        EXPECT_TRUE(isReadable(fd, 0)) << "it stays readable";
        EXPECT_EQ(next(queue, 0).event.kind, OSS_RESUMABLE_EVENT_ENDED);
        EXPECT_FALSE(isReadable(fd, 200));
        EXPECT_EQ(next(queue, 0).code, OSS_RESUMABLE_WAIT_TIMEOUT);
    }
}

TEST(EventQueue, TheDescriptorIsReadableForProgressIfOnlyOneEventIsReadForEachWakeUp) {
    const LocalOss oss({"--rate", "1MB"});
    const TemporaryDirectory directory;
    const auto client = newClient(Options(oss.endpoint()));
    const QueuePtr queue = newQueue();
    const int fd = oss_resumable_event_queue_fd(queue.get());
    const auto handle = start(client, Reporting("generated/1MB", directory.path("file"), queue, 1));
    Kinds kinds;
    while (kinds.empty() || kinds.back() != OSS_RESUMABLE_EVENT_ENDED) {
        ASSERT_TRUE(isReadable(fd, 60000));
        const auto found = next(queue, 0);
        if (found.code == OSS_RESUMABLE_OK) {
            kinds.push_back(found.event.kind);
        }
    }
    EXPECT_GE(std::count(kinds.begin(), kinds.end(), OSS_RESUMABLE_EVENT_PROGRESS), 2);
    EXPECT_FALSE(isReadable(fd, 0));
}

TEST(EventQueue, AnEndIsReportedAlsoWhenTheHandleIsGone) {
    const LocalOss oss({"--rate", "1MB"});
    const TemporaryDirectory directory;
    auto client = newClient(Options(oss.endpoint()));
    const QueuePtr queue = newQueue();
    start(client, Reporting("generated/64MiB", directory.path("1"), queue, 1)).reset();
    // Without a handle the download is cancelled immediately.
    const Reporting without("generated/64MiB", directory.path("2"), queue, 2);
    EXPECT_EQ(oss_resumable_download_start(client.get(), &without, nullptr, nullptr),
              OSS_RESUMABLE_OK);
    auto outlived = start(client, Reporting("generated/64MiB", directory.path("3"), queue, 3));
    client.reset();
    Seen seen;
    seen.read(queue, 3);
    for (uint64_t tag = 1; tag <= 3; ++tag) {
        EXPECT_EQ(seen.kinds[tag], startAndEnd) << tag;
        EXPECT_EQ(seen.codes[tag], OSS_RESUMABLE_ERR_CANCELLED) << tag;
    }
    outlived.reset();
    EXPECT_EQ(next(queue, 0).code, OSS_RESUMABLE_WAIT_TIMEOUT);
}

TEST(EventQueue, IsFreedInAnyOrderWithEventsLeftAndDownloadsRunning) {
    const LocalOss oss({"--rate", "1MB"});
    std::array<int, 4> order{{0, 1, 2, 3}};
    do {
        const TemporaryDirectory directory;
        auto client = newClient(Options(oss.endpoint()));
        auto queue = newQueue();
        const int fd = oss_resumable_event_queue_fd(queue.get());
        auto running =
            start(client, Reporting("generated/64MiB", directory.path("slow"), queue, 1));
        auto ended = start(client, Reporting("generated/1000", directory.path("small"), queue, 2));
        ASSERT_EQ(wait(ended).code, OSS_RESUMABLE_OK);
        for (const int which : order) {
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
                queue.reset();
                EXPECT_EQ(fcntl(fd, F_GETFD), -1) << "the descriptor is closed at once";
                break;
            }
            if (queue && !running) {
                // Nothing of it is lost, whatever else has been freed.
                EXPECT_TRUE(isReadable(fd, 5000));
            }
            if (running && client) {
                EXPECT_EQ(wait(running, 0).code, OSS_RESUMABLE_WAIT_TIMEOUT);
            }
        }
        EXPECT_EQ(directory.names(), std::vector<std::string>{"small"});
    } while (std::next_permutation(order.begin(), order.end()));
}

TEST(EventQueue, RefusesWrongArgumentsAndKeepsTheEvent) {
    const LocalOss oss;
    const TemporaryDirectory directory;
    const auto client = newClient(Options(oss.endpoint()));
    const QueuePtr queue = newQueue();
    ASSERT_EQ(download(client, Reporting("generated/1000", directory.path("file"), queue, 5)).code,
              OSS_RESUMABLE_OK);
    oss_resumable_event event = OSS_RESUMABLE_EVENT_INIT;
    EXPECT_EQ(oss_resumable_event_queue_next(nullptr, 0, &event), OSS_RESUMABLE_ERR_VALIDATION);
    EXPECT_EQ(oss_resumable_event_queue_next(queue.get(), 0, nullptr),
              OSS_RESUMABLE_ERR_VALIDATION);
    event.struct_size = 0;
    EXPECT_EQ(oss_resumable_event_queue_next(queue.get(), 0, &event), OSS_RESUMABLE_ERR_VALIDATION);
    EXPECT_EQ(oss_resumable_event_queue_fd(nullptr), -1);
    EXPECT_EQ(oss_resumable_event_queue_new(nullptr, nullptr), OSS_RESUMABLE_OK);
    oss_resumable_event_queue_free(nullptr);
    // An older program's struct, up to the tag.
    event = OSS_RESUMABLE_EVENT_INIT;
    event.struct_size = offsetof(oss_resumable_event, kind);
    event.kind = 77;
    EXPECT_EQ(oss_resumable_event_queue_next(queue.get(), 0, &event), OSS_RESUMABLE_OK);
    EXPECT_EQ(event.tag, 5u);
    EXPECT_EQ(event.kind, 77) << "beyond the caller's struct";
    EXPECT_EQ(next(queue, 0).event.kind, OSS_RESUMABLE_EVENT_ENDED);
}

namespace {

// What a callback on a thread of the library may do with a queue.
struct Callback {
    oss_resumable_event_queue *queue;
    std::atomic<int> calls{0};
    std::atomic<int> waits{0};

    static void log(int32_t, const char *, void *data) {
        auto &self = *static_cast<Callback *>(data);
        oss_resumable_event event = OSS_RESUMABLE_EVENT_INIT;
        ++self.calls;
        const auto code = oss_resumable_event_queue_next(self.queue, -1, &event);
        self.waits += code != OSS_RESUMABLE_ERR_VALIDATION;
    }
};

} // namespace

TEST(EventQueue, IsNotWaitedForInACallbackOnAThreadOfTheLibrary) {
    const LocalOss oss;
    const TemporaryDirectory directory;
    const QueuePtr queue = newQueue();
    Callback callback{queue.get()};
    Options options(oss.endpoint());
    options.log = Callback::log;
    options.log_level = OSS_RESUMABLE_LOG_DEBUG;
    options.user_data = &callback;
    const auto client = newClient(options);
    const auto handle =
        start(client, Reporting("generated/1000", directory.path("file"), queue, 1));
    EXPECT_EQ(wait(handle).code, OSS_RESUMABLE_OK);
    Seen seen;
    seen.read(queue, 1);
    EXPECT_GT(callback.calls, 0);
    EXPECT_EQ(callback.waits, 0);
}

TEST(EventQueue, AStatusHasTheRetriesByCause) {
    const LocalOss oss({"--fault", "status=503@times:2"});
    const TemporaryDirectory directory;
    const auto client = newClient(Options(oss.endpoint()));
    const auto handle = start(client, Request("generated/1000", directory.path("file")));
    const auto ended = wait(handle);
    ASSERT_EQ(ended.code, OSS_RESUMABLE_OK) << ended.message();
    const auto status = statusOf(handle);
    EXPECT_EQ(status.retries_service, 2u);
    EXPECT_EQ(status.retries, 2u);
    EXPECT_EQ(status.retries_connect + status.retries_broken + status.retries_timeout +
                  status.retries_auth + status.retries_reply,
              0u);
    EXPECT_EQ(status.bytes_per_second, 0u);
    EXPECT_EQ(status.eta_ms, 0);
}
