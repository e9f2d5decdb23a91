// Event queues and JSON results in the C++ header.
#include <memory>
#include <string>
#include <vector>

#include <gtest/gtest.h>
#include <oss_resumable/oss_resumable.hpp>
#include <poll.h>

#include "../support/anonymous_client.hpp"
#include "../support/local_oss.hpp"

using namespace oss_resumable;
using tests::anonymousClient;
using tests::LocalOss;
using tests::TemporaryDirectory;

TEST(CppEventQueue, OneThreadServesSeveralDownloads) {
    const LocalOss oss({"--rate", "1MB"});
    const TemporaryDirectory directory;
    auto client = anonymousClient(oss);
    const EventQueue queue;
    ASSERT_TRUE(queue.isValid());
    std::vector<Download> downloads;
    for (uint64_t tag = 0; tag < 8; ++tag) {
        DownloadObjectRequest request("examplebucket", "generated/300KB",
                                      directory.path(std::to_string(tag)));
        request.setEventQueue(queue, tag);
        auto started = client.StartDownload(request);
        ASSERT_TRUE(started.isSuccess()) << started.error().Message();
        downloads.push_back(std::move(started.result()));
    }
    pollfd watched{queue.Fd(), POLLIN, 0};
    EXPECT_EQ(poll(&watched, 1, 60000), 1);
    Event event = OSS_RESUMABLE_EVENT_INIT;
    std::vector<int> ends(downloads.size());
    for (size_t left = downloads.size(); left > 0;) {
        ASSERT_TRUE(queue.Next(event));
        if (event.kind == OSS_RESUMABLE_EVENT_ENDED) {
            EXPECT_EQ(event.code, OSS_RESUMABLE_OK);
            EXPECT_EQ(event.bytes_done, 300000u);
            EXPECT_TRUE(downloads[event.tag].Wait().isSuccess());
            ++ends[event.tag];
            --left;
        }
    }
    EXPECT_EQ(ends, std::vector<int>(downloads.size(), 1));
    event.tag = 77;
    EXPECT_FALSE(queue.Next(std::chrono::milliseconds(10), event));
    EXPECT_EQ(event.tag, 77u) << "not written on time-out";
}

TEST(CppEventQueue, MayBeDestroyedBeforeRequestsAndDownloads) {
    const LocalOss oss({"--rate", "4MB"});
    const TemporaryDirectory directory;
    auto client = anonymousClient(oss);
    std::unique_ptr<EventQueue> queue(new EventQueue);
    const EventQueue copy = *queue;
    EXPECT_EQ(copy.Fd(), queue->Fd());
    DownloadObjectRequest request("examplebucket", "generated/1MB", directory.path("file"));
    request.setEventQueue(*queue, 5);
    queue.reset();
    // The copy and the request are the same queue.
    auto download = client.StartDownload(request);
    Event event = OSS_RESUMABLE_EVENT_INIT;
    ASSERT_TRUE(copy.Next(event));
    EXPECT_EQ(event.tag, 5u);
    EXPECT_TRUE(download.result().Wait().isSuccess());
}

TEST(CppEventQueue, AResultAsJsonHasItsFields) {
    const LocalOss oss;
    const TemporaryDirectory directory;
    auto client = anonymousClient(oss);
    const auto outcome = client.ResumableDownloadObject(
        DownloadObjectRequest("examplebucket", "generated/1000", directory.path("file")));
    ASSERT_TRUE(outcome.isSuccess());
    const std::string json = outcome.result().Json();
    EXPECT_EQ(json.front(), '{');
    EXPECT_EQ(json.back(), '}');
    for (const std::string &expected :
         {"\"file_path\":\"" + directory.path("file") + "\"", std::string("\"file_size\":1000"),
          "\"crc64\":\"" + std::to_string(outcome.result().Crc64()) + "\"",
          std::string("\"proof\":\"object_crc\""), std::string("\"requests\":1")}) {
        EXPECT_NE(json.find(expected), std::string::npos) << expected << " in " << json;
    }
    EXPECT_EQ(Result().Json(), "");
}

TEST(CppEventQueue, AnErrorAsJsonIsThatOfC) {
    const LocalOss oss;
    const TemporaryDirectory directory;
    auto client = anonymousClient(oss);
    const auto outcome = client.ResumableDownloadObject(
        DownloadObjectRequest("examplebucket", "missing", directory.path("file")));
    const std::string json = outcome.error().Json();
    for (const std::string &expected :
         {std::string("{\"kind\":\"service\",\"kind_number\":200,\"code\":\"NoSuchKey\","),
          std::string("\"status\":404,"),
          "\"request_id\":\"" + outcome.error().RequestId() + "\","}) {
        EXPECT_NE(json.find(expected), std::string::npos) << expected << " in " << json;
    }
    EXPECT_EQ(Error().Json(), "");

    // One that the header makes is like one that the library makes.
    oss_resumable_error *refused = nullptr;
    oss_resumable_client_new(nullptr, nullptr, &refused);
    const Error library(refused);
    EXPECT_EQ(Error::validation(library.Message()).Json(), library.Json());
    const std::string control = Error::validation("\"\\\n").Json();
    EXPECT_NE(control.find("\"message\":\"\\\"\\\\\\u000a\","), std::string::npos) << control;
}
