// Traces of requests through the C API.
#include <atomic>
#include <mutex>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "../support/capi.hpp"
#include "../support/local_oss.hpp"

using namespace tests;

namespace {

struct Traces {
    std::mutex mutex;
    std::vector<oss_resumable_trace_record> records;
    std::vector<std::string> peers, requestIds;
    std::atomic<int> freed{0};

    static void note(const oss_resumable_trace_record *record, void *data) {
        auto &self = *static_cast<Traces *>(data);
        const std::lock_guard<std::mutex> lock(self.mutex);
        self.records.push_back(*record);
        self.peers.push_back(record->peer ? record->peer : "");
        self.requestIds.push_back(record->request_id ? record->request_id : "");
    }
    static void free(void *data) { ++static_cast<Traces *>(data)->freed; }

    void into(oss_resumable_client_options &options) {
        options.trace = note;
        options.trace_user_data = this;
        options.trace_user_data_free = free;
    }
};

} // namespace

TEST(Trace, EachRequestHasOneRecord) {
    const LocalOss oss;
    const TemporaryDirectory directory;
    Traces traces;
    Options options(oss.endpoint());
    traces.into(options);
    auto client = newClient(options);
    Request request("generated/5MB", directory.path("file"));
    request.tag = 7;
    request.thread_num = 3;
    const auto ended = download(client, request);
    ASSERT_EQ(ended.code, OSS_RESUMABLE_OK) << ended.message();
    ASSERT_EQ(traces.records.size(), ended.statistics().requests);
    uint64_t bytes = 0;
    for (size_t i = 0; i < traces.records.size(); ++i) {
        const oss_resumable_trace_record &record = traces.records[i];
        EXPECT_EQ(record.struct_size, sizeof record);
        EXPECT_EQ(record.tag, 7u);
        EXPECT_LT(record.slot, 3u);
        EXPECT_EQ(record.status, 206);
        EXPECT_LE(0, record.start_us);
        EXPECT_LE(record.start_us, record.first_byte_us);
        EXPECT_LE(record.first_byte_us, record.end_us);
        EXPECT_EQ(record.connected_us < 0, record.is_reused != 0);
        EXPECT_EQ(oss.endpoint(), "http://" + traces.peers[i]);
        EXPECT_FALSE(traces.requestIds[i].empty());
        bytes += record.bytes;
    }
    EXPECT_EQ(bytes, 5000000u);
    EXPECT_EQ(traces.freed, 0);
    client.reset();
    EXPECT_EQ(traces.freed, 1);
}

TEST(Trace, ARefusedRequestHasItsStatus) {
    const LocalOss oss;
    const TemporaryDirectory directory;
    Traces traces;
    Options options(oss.endpoint());
    traces.into(options);
    const auto client = newClient(options);
    const auto ended = download(client, Request("missing", directory.path("file")));
    EXPECT_EQ(ended.errorCode(), "NoSuchKey");
    ASSERT_EQ(traces.records.size(), 1u);
    EXPECT_EQ(traces.records[0].end, OSS_RESUMABLE_END_REFUSED);
    EXPECT_EQ(traces.records[0].status, 404);
    EXPECT_EQ(traces.requestIds[0], oss_resumable_error_request_id(ended.error.get()));
}

TEST(Trace, DataIsFreedWhenTheClientCannotBeCreated) {
    Traces traces;
    oss_resumable_client_options options = OSS_RESUMABLE_CLIENT_OPTIONS_INIT;
    options.endpoint = "ftp://127.0.0.1";
    traces.into(options);
    EXPECT_EQ(oss_resumable_client_new(&options, nullptr, nullptr), OSS_RESUMABLE_ERR_VALIDATION);
    EXPECT_EQ(traces.freed, 1);
}
