// Following a download and tracing its requests through the C++ layer.
#include <mutex>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include <oss_resumable/oss_resumable.hpp>

#include "../support/local_oss.hpp"

using namespace oss_resumable;
using tests::LocalOss;
using tests::TemporaryDirectory;

TEST(CppFollow, TheOrderOfARequestAndTheTracesOfItsPartsAreThoseThatWereAskedFor) {
    const LocalOss oss;
    const TemporaryDirectory directory;
    std::mutex mutex;
    std::vector<oss_resumable_trace_record> records;
    ClientConfiguration configuration;
    configuration.anonymous = true;
    configuration.region = "cn-hangzhou";
    configuration.trace = [&](const oss_resumable_trace_record &record) {
        const std::lock_guard<std::mutex> lock(mutex);
        records.push_back(record);
    };
    Client client(oss.endpoint(), configuration);
    DownloadObjectRequest request("examplebucket", "generated/1MB", directory.path("file"));
    request.setOrder(FetchOrder::Sequential);
    request.setTag(5);
    request.setPartSize(OSS_RESUMABLE_MIN_PART_SIZE);
    EXPECT_EQ(request.Order(), FetchOrder::Sequential);
    EXPECT_EQ(request.Tag(), 5u);
    auto started = client.StartDownload(request);
    ASSERT_TRUE(started.isSuccess());
    const auto outcome = started.result().Wait();
    ASSERT_TRUE(outcome.isSuccess()) << outcome.error().Message();
    EXPECT_EQ(started.result().GetStatus().contiguous_bytes, 1000000u);
    EXPECT_GE(records.size(), 8u);
    for (const oss_resumable_trace_record &record : records) {
        EXPECT_EQ(record.tag, 5u);
        EXPECT_LT(record.range_end - record.range_start,
                  static_cast<int64_t>(OSS_RESUMABLE_MIN_PART_SIZE / 4 * 5));
    }
}

#if defined(__cpp_exceptions) || defined(__EXCEPTIONS)
TEST(CppFollow, AnExceptionOfATraceIsContained) {
    const LocalOss oss;
    const TemporaryDirectory directory;
    ClientConfiguration configuration;
    configuration.anonymous = true;
    configuration.region = "cn-hangzhou";
    configuration.trace = [](const oss_resumable_trace_record &) { throw 1; };
    Client client(oss.endpoint(), configuration);
    const auto outcome = client.ResumableDownloadObject(
        DownloadObjectRequest("examplebucket", "generated/1000", directory.path("file")));
    EXPECT_TRUE(outcome.isSuccess()) << outcome.error().Message();
}
#endif
