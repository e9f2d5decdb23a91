// A program reads the temporary file of a download through the C API.
#include <fstream>
#include <iterator>
#include <string>

#include <gtest/gtest.h>

#include "../support/capi.hpp"
#include "../support/local_oss.hpp"

using namespace tests;

namespace {

std::string firstBytes(const std::string &path, uint64_t count) {
    std::string bytes(count, '\0');
    std::ifstream file(path, std::ios::binary);
    file.read(&bytes[0], static_cast<std::streamsize>(count));
    return file ? bytes : "";
}

// What is seen of a download while it runs.
struct Followed {
    std::string path;
    std::string bytes;
    uint64_t last = 0;
    bool isMonotonic = true;

    static int32_t show(const oss_resumable_status *status, void *data) {
        auto &self = *static_cast<Followed *>(data);
        self.isMonotonic = self.isMonotonic && status->contiguous_bytes >= self.last;
        self.last = status->contiguous_bytes;
        if (status->temp_path && status->contiguous_bytes > 0) {
            self.path = status->temp_path;
            self.bytes = firstBytes(status->temp_path, status->contiguous_bytes);
        }
        return 0;
    }
};

} // namespace

TEST(Follow, ReadableBytesAreInTheTemporaryFileThatTheStatusNames) {
    const LocalOss oss({"--rate", "1MB"});
    const TemporaryDirectory directory;
    const auto client = newClient(Options(oss.endpoint()));
    Request request("generated/2MB", directory.path("file"));
    request.order = OSS_RESUMABLE_ORDER_SEQUENTIAL;
    request.part_size = OSS_RESUMABLE_MIN_PART_SIZE;
    request.thread_num = 2;
    const auto download = start(client, request);
    oss_resumable_status status = statusOf(download);
    EXPECT_EQ(status.contiguous_resets, 0u);
    std::string read;
    while (wait(download, 10).code == OSS_RESUMABLE_WAIT_TIMEOUT) {
        status = statusOf(download);
        if (status.temp_path && status.contiguous_bytes > 0 && read.size() < 1000000) {
            EXPECT_EQ(status.temp_path, directory.path("file") + ".temp");
            const std::string found = firstBytes(status.temp_path, status.contiguous_bytes);
            if (!found.empty()) {
                read = found;
            }
        }
    }
    ASSERT_EQ(wait(download).code, OSS_RESUMABLE_OK);
    EXPECT_GT(read.size(), 0u);
    EXPECT_EQ(read, firstBytes(directory.path("file"), read.size()));
    status = statusOf(download);
    EXPECT_EQ(status.contiguous_bytes, 2000000u);
    EXPECT_EQ(status.temp_path, nullptr) << "it has been renamed";
}

TEST(Follow, AProgressCallbackMayReadTheFileOfABlockingDownload) {
    const LocalOss oss({"--rate", "2MB"});
    const TemporaryDirectory directory;
    const auto client = newClient(Options(oss.endpoint()));
    Request request("generated/2MB", directory.path("file"));
    request.order = OSS_RESUMABLE_ORDER_SEQUENTIAL;
    request.part_size = OSS_RESUMABLE_MIN_PART_SIZE;
    request.thread_num = 1;
    Followed followed;
    request.progress = Followed::show;
    request.user_data = &followed;
    ASSERT_EQ(download(client, request).code, OSS_RESUMABLE_OK);
    EXPECT_EQ(followed.path, directory.path("file") + ".temp");
    EXPECT_TRUE(followed.isMonotonic);
    EXPECT_EQ(followed.last, 2000000u);
    EXPECT_EQ(followed.bytes, firstBytes(directory.path("file"), followed.bytes.size()));
}

TEST(Follow, EventsTellHowManyBytesAreReadable) {
    const LocalOss oss;
    const TemporaryDirectory directory;
    const auto client = newClient(Options(oss.endpoint()));
    const auto queue = newQueue();
    Request request("generated/2MB", directory.path("file"));
    request.event_queue = queue.get();
    const auto download = start(client, request);
    oss_resumable_event event = OSS_RESUMABLE_EVENT_INIT;
    do {
        ASSERT_EQ(oss_resumable_event_queue_next(queue.get(), 60000, &event), OSS_RESUMABLE_OK);
    } while (event.kind != OSS_RESUMABLE_EVENT_ENDED);
    EXPECT_EQ(event.contiguous_bytes, 2000000u);
    EXPECT_EQ(event.contiguous_resets, 0u);
}
