// Downloads through the C API, blocking and as a handle.
#include <gtest/gtest.h>

#include <cstring>

#include "../support/capi.hpp"
#include "../support/local_oss.hpp"

using namespace tests;

TEST(Download, GivesTheFileAndItsMetadata) {
    const LocalOss oss;
    const TemporaryDirectory directory;
    const auto file = directory.path("file");
    const auto client = newClient(Options(oss.endpoint()));

    // Too small to be shared with another connection, however slow this machine is.
    const auto ended = download(client, Request("generated/1MiB", file));

    ASSERT_EQ(ended.code, OSS_RESUMABLE_OK) << ended.message();
    EXPECT_TRUE(LocalOss::isGenerated(file, "1MiB"));
    const auto *result = ended.result.get();
    EXPECT_EQ(oss_resumable_result_file_path(result), file);
    EXPECT_EQ(oss_resumable_result_size(result), 1u << 20);
    EXPECT_EQ(oss_resumable_result_object_size(result), 1u << 20);
    EXPECT_EQ(oss_resumable_result_proof(result), OSS_RESUMABLE_PROOF_OBJECT_CRC);
    EXPECT_NE(oss_resumable_result_etag(result), nullptr);
    EXPECT_NE(oss_resumable_result_request_id(result), nullptr);
    uint64_t crc = 0;
    EXPECT_EQ(oss_resumable_result_object_crc64(result, &crc), 1);
    EXPECT_EQ(crc, oss_resumable_result_crc64(result));
    EXPECT_EQ(ended.statistics().requests, 1u);
    EXPECT_EQ(ended.statistics().bytes_from_network, 1u << 20);
}

TEST(Download, ShowsTheHeadersOfTheReply) {
    const LocalOss oss;
    const TemporaryDirectory directory;
    const auto client = newClient(Options(oss.endpoint()));
    const auto ended = download(client, Request("generated/1000", directory.path("file")));
    const auto *result = ended.result.get();
    bool found = false;
    for (size_t i = 0; i < oss_resumable_result_header_count(result); ++i) {
        found |= std::string(oss_resumable_result_header_name(result, i)) == "Content-Range";
        EXPECT_NE(oss_resumable_result_header_value(result, i), nullptr);
    }
    EXPECT_TRUE(found);
    EXPECT_STREQ(oss_resumable_result_header(result, "content-range"), "bytes 0-999/1000");
}

TEST(Download, OfARangeGivesThoseBytesOnly) {
    const LocalOss oss;
    const TemporaryDirectory directory;
    const auto client = newClient(Options(oss.endpoint()));
    const auto whole = directory.path("whole"), part = directory.path("part");
    ASSERT_EQ(download(client, Request("generated/1000", whole)).code, OSS_RESUMABLE_OK);
    Request request("generated/1000", part);
    request.has_range = OSS_RESUMABLE_ON;
    request.range_start = 10;
    request.range_end = 19;

    const auto ended = download(client, request);

    ASSERT_EQ(ended.code, OSS_RESUMABLE_OK) << ended.message();
    EXPECT_EQ(readFile(part), readFile(whole).substr(10, 10));
    EXPECT_EQ(oss_resumable_result_object_size(ended.result.get()), 1000u);
}

TEST(Download, OfAMissingObjectIsTheServicesError) {
    const LocalOss oss;
    const TemporaryDirectory directory;
    const auto client = newClient(Options(oss.endpoint()));
    const auto ended = download(client, Request("missing", directory.path("file")));
    EXPECT_EQ(ended.code, OSS_RESUMABLE_ERR_SERVICE);
    EXPECT_EQ(ended.errorCode(), "NoSuchKey");
    EXPECT_EQ(oss_resumable_error_status(ended.error.get()), 404);
    EXPECT_NE(oss_resumable_error_request_id(ended.error.get()), nullptr);
    EXPECT_NE(ended.message().find("oss://examplebucket/missing"), std::string::npos);
    EXPECT_TRUE(directory.names().empty());
}

TEST(Download, WithoutAServerIsATransportError) {
    const TemporaryDirectory directory;
    Options options("http://127.0.0.1:1");
    options.max_attempts = 1;
    const auto ended = download(newClient(options), Request("key", directory.path("file")));
    EXPECT_EQ(ended.code, OSS_RESUMABLE_ERR_TRANSPORT);
    EXPECT_EQ(oss_resumable_error_status(ended.error.get()), 200007);
    EXPECT_EQ(ended.errorCode(), "ClientError:200007");
}

TEST(Download, IntoADirectoryThatIsMissingIsNotAttempted) {
    const LocalOss oss;
    const TemporaryDirectory directory;
    const auto client = newClient(Options(oss.endpoint()));
    const auto ended = download(client, Request("generated/1000", directory.path("no/file")));
    EXPECT_NE(ended.code, OSS_RESUMABLE_OK);
    EXPECT_NE(ended.message().find(directory.path("no")), std::string::npos) << ended.message();
}

TEST(Download, CopiesItsRequestBeforeStartReturns) {
    const LocalOss oss({"--rate", "2MB"});
    const TemporaryDirectory directory;
    const auto client = newClient(Options(oss.endpoint()));
    std::string key = "generated/1MB", file = directory.path("file");
    oss_download_object_request request = OSS_DOWNLOAD_OBJECT_REQUEST_INIT;
    request.bucket = "examplebucket";
    request.key = key.c_str();
    request.file_path = file.c_str();
    const auto handle = start(client, request);
    ASSERT_TRUE(handle);
    std::memset(&key[0], 'x', key.size());
    std::memset(&file[0], 'x', file.size());
    std::memset(&request, 0xff, sizeof request);

    EXPECT_EQ(wait(handle).code, OSS_RESUMABLE_OK);
    EXPECT_TRUE(LocalOss::isGenerated(directory.path("file"), "1MB"));
}

TEST(Download, WaitTimesOutWithoutWritingOutputs) {
    const LocalOss oss({"--rate", "1MB"});
    const TemporaryDirectory directory;
    const auto client = newClient(Options(oss.endpoint()));
    const auto handle = start(client, Request("generated/64MiB", directory.path("file")));
    ASSERT_TRUE(handle);
    auto *const no_result = reinterpret_cast<oss_resumable_result *>(1);
    auto *const no_error = reinterpret_cast<oss_resumable_error *>(1);
    oss_resumable_result *result = no_result;
    oss_resumable_error *error = no_error;
    EXPECT_EQ(oss_resumable_download_wait(handle.get(), 0, &result, &error),
              OSS_RESUMABLE_WAIT_TIMEOUT);
    EXPECT_EQ(oss_resumable_download_wait(handle.get(), 20, &result, &error),
              OSS_RESUMABLE_WAIT_TIMEOUT);
    EXPECT_EQ(result, no_result);
    EXPECT_EQ(error, no_error);
}

TEST(Download, EachWaitAfterTheEndGivesAResultOfItsOwn) {
    const LocalOss oss;
    const TemporaryDirectory directory;
    const auto client = newClient(Options(oss.endpoint()));
    const auto handle = start(client, Request("generated/1000", directory.path("file")));
    const auto first = wait(handle), second = wait(handle, 0);
    ASSERT_EQ(first.code, OSS_RESUMABLE_OK) << first.message();
    ASSERT_EQ(second.code, OSS_RESUMABLE_OK);
    EXPECT_NE(first.result.get(), second.result.get());
    EXPECT_EQ(oss_resumable_result_crc64(first.result.get()),
              oss_resumable_result_crc64(second.result.get()));
}

TEST(Download, StatusFollowsItToTheEnd) {
    const LocalOss oss({"--rate", "2MB"});
    const TemporaryDirectory directory;
    const auto client = newClient(Options(oss.endpoint()));
    const auto handle = start(client, Request("generated/1MB", directory.path("file")));
    ASSERT_TRUE(handle);
    EXPECT_LT(statusOf(handle).phase, OSS_RESUMABLE_PHASE_SUCCEEDED);
    ASSERT_EQ(wait(handle).code, OSS_RESUMABLE_OK);
    const auto status = statusOf(handle);
    EXPECT_EQ(status.phase, OSS_RESUMABLE_PHASE_SUCCEEDED);
    EXPECT_EQ(status.bytes_done, 1000000u);
    EXPECT_EQ(status.bytes_total, 1000000);
    EXPECT_EQ(status.active_connections, 0u);
}

TEST(Download, AShortStatusStructGetsOnlyWhatFits) {
    const LocalOss oss;
    const TemporaryDirectory directory;
    const auto client = newClient(Options(oss.endpoint()));
    const auto handle = start(client, Request("generated/1000", directory.path("file")));
    wait(handle);
    oss_resumable_status status;
    std::memset(&status, 0x55, sizeof status);
    status.struct_size = offsetof(oss_resumable_status, bytes_total);
    ASSERT_EQ(oss_resumable_download_status(handle.get(), &status), OSS_RESUMABLE_OK);
    EXPECT_EQ(status.bytes_done, 1000u);
    EXPECT_EQ(status.bytes_total, 0x5555555555555555);
}

TEST(Download, CancelledLeavesACheckpointFromWhichTheNextOneResumes) {
    const TemporaryDirectory directory;
    const auto file = directory.path("file");
    Request request("generated/24MiB", file);
    request.checkpoint_dir = directory.path().c_str();
    request.part_size = 1 << 20;
    {
        const LocalOss slow({"--rate", "6MB"});
        const auto client = newClient(Options(slow.endpoint()));
        const auto handle = start(client, request);
        while (statusOf(handle).bytes_done < (8u << 20)) {
            ASSERT_EQ(wait(handle, 10).code, OSS_RESUMABLE_WAIT_TIMEOUT);
        }
        EXPECT_EQ(oss_resumable_download_cancel(handle.get()), OSS_RESUMABLE_OK);
        const auto ended = wait(handle);
        EXPECT_EQ(ended.code, OSS_RESUMABLE_ERR_CANCELLED) << ended.message();
        EXPECT_EQ(statusOf(handle).phase, OSS_RESUMABLE_PHASE_FAILED);
        EXPECT_EQ(access(file.c_str(), F_OK), -1);
    }
    const LocalOss oss;
    const auto ended = download(newClient(Options(oss.endpoint())), request);
    ASSERT_EQ(ended.code, OSS_RESUMABLE_OK) << ended.message();
    EXPECT_TRUE(LocalOss::isGenerated(file, "24MiB"));
    EXPECT_GE(ended.statistics().bytes_reused, 8u << 20);
    EXPECT_EQ(directory.names(), std::vector<std::string>{"file"});
}

TEST(Download, PausesAndGoesOnAtItsByte) {
    const LocalOss oss({"--rate", "6MB"});
    const TemporaryDirectory directory;
    const auto client = newClient(Options(oss.endpoint()));
    Request request("generated/12MiB", directory.path("file"));
    request.part_size = 1 << 20;
    const auto handle = start(client, request);
    const auto waitForPhase = [&handle](int32_t phase) {
        while (statusOf(handle).phase != phase) {
            ASSERT_EQ(wait(handle, 5).code, OSS_RESUMABLE_WAIT_TIMEOUT);
        }
    };
    while (statusOf(handle).bytes_done < (2u << 20)) {
        ASSERT_EQ(wait(handle, 5).code, OSS_RESUMABLE_WAIT_TIMEOUT);
    }
    EXPECT_EQ(oss_resumable_download_pause(handle.get()), OSS_RESUMABLE_OK);
    EXPECT_EQ(oss_resumable_client_pause(client.get(), nullptr), OSS_RESUMABLE_OK);
    waitForPhase(OSS_RESUMABLE_PHASE_PAUSED);
    const auto before = statusOf(handle);
    EXPECT_EQ(before.active_connections, 0u);
    EXPECT_EQ(wait(handle, 200).code, OSS_RESUMABLE_WAIT_TIMEOUT);
    EXPECT_EQ(oss_resumable_download_resume(handle.get()), OSS_RESUMABLE_OK);
    EXPECT_EQ(wait(handle, 200).code, OSS_RESUMABLE_WAIT_TIMEOUT);
    EXPECT_EQ(statusOf(handle).bytes_done, before.bytes_done) << "its client is paused";
    EXPECT_EQ(oss_resumable_client_resume(client.get(), nullptr), OSS_RESUMABLE_OK);
    const auto ended = wait(handle);
    ASSERT_EQ(ended.code, OSS_RESUMABLE_OK) << ended.message();
    EXPECT_TRUE(LocalOss::isGenerated(directory.path("file"), "12MiB"));
    const auto figures = ended.statistics();
    EXPECT_EQ(figures.bytes_from_network - figures.bytes_discarded, 12u << 20);
}

TEST(Download, IsCancelledWhileItIsPaused) {
    const LocalOss oss;
    const TemporaryDirectory directory;
    const auto client = newClient(Options(oss.endpoint()));
    EXPECT_EQ(oss_resumable_client_pause(client.get(), nullptr), OSS_RESUMABLE_OK);
    const auto cancelled = start(client, Request("generated/1MiB", directory.path("one")));
    const auto freed = start(client, Request("generated/1MiB", directory.path("two")));
    EXPECT_EQ(wait(cancelled, 100).code, OSS_RESUMABLE_WAIT_TIMEOUT);
    EXPECT_EQ(oss_resumable_download_cancel(cancelled.get()), OSS_RESUMABLE_OK);
    EXPECT_EQ(wait(cancelled).code, OSS_RESUMABLE_ERR_CANCELLED);
    EXPECT_EQ(statusOf(freed).phase, OSS_RESUMABLE_PHASE_PAUSED);
    EXPECT_TRUE(directory.names().empty());
}

TEST(Download, ASecondRunToTheSameFileIsBusy) {
    const LocalOss oss({"--rate", "1MB"});
    const TemporaryDirectory directory;
    const auto client = newClient(Options(oss.endpoint()));
    const Request request("generated/64MiB", directory.path("file"));
    const auto first = start(client, request);
    while (statusOf(first).bytes_done == 0) {
        ASSERT_EQ(wait(first, 5).code, OSS_RESUMABLE_WAIT_TIMEOUT);
    }
    const auto second = download(client, request);
    EXPECT_EQ(second.code, OSS_RESUMABLE_ERR_BUSY) << second.message();
    EXPECT_NE(oss_resumable_error_path(second.error.get()), nullptr);
    EXPECT_EQ(wait(first, 0).code, OSS_RESUMABLE_WAIT_TIMEOUT);
}

TEST(Download, WaitsForAnotherRunAndKeepsItsFile) {
    const LocalOss oss({"--rate", "2MB"});
    const TemporaryDirectory directory;
    const auto client = newClient(Options(oss.endpoint()));
    Request request("generated/1MiB", directory.path("file"));
    request.when_busy = OSS_RESUMABLE_BUSY_WAIT;
    const auto first = start(client, request);
    const auto second = start(client, request);
    EXPECT_EQ(statusOf(second).phase, OSS_RESUMABLE_PHASE_QUEUED);
    EXPECT_EQ(wait(first, -1).code, OSS_RESUMABLE_OK);
    const auto ended = wait(second, -1);
    ASSERT_EQ(ended.code, OSS_RESUMABLE_OK) << ended.message();
    EXPECT_EQ(ended.statistics().bytes_from_network, 0u);
    EXPECT_EQ(ended.statistics().bytes_reused, 1u << 20);
    EXPECT_TRUE(LocalOss::isGenerated(directory.path("file"), "1MiB"));
}

TEST(Download, FetchesNothingIfTheFileIsTheObject) {
    const LocalOss oss;
    const TemporaryDirectory directory;
    const auto client = newClient(Options(oss.endpoint()));
    Request request("generated/1MiB", directory.path("file"));
    request.overwrite = OSS_RESUMABLE_OVERWRITE_IF_DIFFERENT;
    ASSERT_EQ(download(client, request).code, OSS_RESUMABLE_OK);
    const auto again = download(client, request);
    ASSERT_EQ(again.code, OSS_RESUMABLE_OK) << again.message();
    EXPECT_EQ(again.statistics().bytes_from_network, 0u);
    EXPECT_EQ(again.statistics().bytes_reused, 1u << 20);
    EXPECT_EQ(oss_resumable_result_proof(again.result.get()), OSS_RESUMABLE_PROOF_OBJECT_CRC);
    EXPECT_TRUE(LocalOss::isGenerated(directory.path("file"), "1MiB"));
}

TEST(Download, IsSignedWithTheRegionAndCredentialsOfTheClient) {
    const LocalOss oss({"--access-key-id", "id", "--access-key-secret", "secret"});
    const TemporaryDirectory directory;
    Options options(oss.endpoint());
    options.region = "cn-beijing";
    options.anonymous = OSS_RESUMABLE_DEFAULT;
    options.access_key_id = "id";
    options.access_key_secret = "wrong";
    const auto client = newClient(options);
    const Request request("generated/1000", directory.path("file"));
    const auto refused = download(client, request);
    EXPECT_EQ(refused.code, OSS_RESUMABLE_ERR_SERVICE);
    EXPECT_EQ(refused.message().find("wrong"), std::string::npos) << "a secret in a message";

    ASSERT_EQ(oss_resumable_client_set_credentials(client.get(), "id", "secret", nullptr, nullptr),
              OSS_RESUMABLE_OK);
    ASSERT_EQ(oss_resumable_client_set_region(client.get(), "cn-hangzhou", nullptr),
              OSS_RESUMABLE_OK);
    const auto ended = download(client, request);
    EXPECT_EQ(ended.code, OSS_RESUMABLE_OK) << ended.message();
}

TEST(Checkpoint, IsInspectedAndDiscardedWithItsTemporaryFile) {
    const LocalOss oss({"--rate", "4MB"});
    const TemporaryDirectory directory;
    const auto client = newClient(Options(oss.endpoint()));
    Request request("generated/64MiB", directory.path("file"));
    request.checkpoint_dir = directory.path().c_str();
    auto handle = start(client, request);
    while (statusOf(handle).bytes_done < (4u << 20)) {
        ASSERT_EQ(wait(handle, 10).code, OSS_RESUMABLE_WAIT_TIMEOUT);
    }
    EXPECT_EQ(oss_resumable_checkpoint_discard(client.get(), &request, nullptr, nullptr),
              OSS_RESUMABLE_ERR_BUSY);
    handle.reset();

    oss_resumable_checkpoint *checkpoint = nullptr;
    ASSERT_EQ(oss_resumable_checkpoint_inspect(client.get(), &request, &checkpoint, nullptr),
              OSS_RESUMABLE_OK);
    ASSERT_NE(checkpoint, nullptr);
    EXPECT_EQ(oss_resumable_checkpoint_object_size(checkpoint), 64u << 20);
    EXPECT_EQ(oss_resumable_checkpoint_range_start(checkpoint), 0u);
    EXPECT_EQ(oss_resumable_checkpoint_size(checkpoint), 64u << 20);
    EXPECT_GE(oss_resumable_checkpoint_bytes_recorded(checkpoint), 4u << 20);
    EXPECT_NE(oss_resumable_checkpoint_etag(checkpoint), nullptr);
    EXPECT_NE(oss_resumable_checkpoint_last_modified(checkpoint), nullptr);
    EXPECT_EQ(access(oss_resumable_checkpoint_path(checkpoint), F_OK), 0);
    EXPECT_STREQ(oss_resumable_checkpoint_bucket(checkpoint), "examplebucket");
    EXPECT_STREQ(oss_resumable_checkpoint_key(checkpoint), "generated/64MiB");
    EXPECT_EQ(oss_resumable_checkpoint_version_id(checkpoint), nullptr);
    EXPECT_EQ(oss_resumable_checkpoint_url(checkpoint), nullptr);
    EXPECT_EQ(oss_resumable_checkpoint_file_path(checkpoint), directory.path("file"));
    EXPECT_EQ(oss_resumable_checkpoint_bucket(nullptr), nullptr);
    oss_resumable_checkpoint_free(checkpoint);

    int32_t discarded = -1;
    EXPECT_EQ(oss_resumable_checkpoint_discard(client.get(), &request, &discarded, nullptr),
              OSS_RESUMABLE_OK);
    EXPECT_EQ(discarded, 1);
    EXPECT_TRUE(directory.names().empty());
    EXPECT_EQ(oss_resumable_checkpoint_discard(client.get(), &request, &discarded, nullptr),
              OSS_RESUMABLE_OK);
    EXPECT_EQ(discarded, 0);
}

TEST(Checkpoint, ThatDoesNotExistIsNull) {
    const TemporaryDirectory directory;
    const auto client = newClient(Options("http://127.0.0.1:1"));
    Request request("key", directory.path("file"));
    request.checkpoint_dir = directory.path().c_str();
    auto *checkpoint = reinterpret_cast<oss_resumable_checkpoint *>(1);
    EXPECT_EQ(oss_resumable_checkpoint_inspect(client.get(), &request, &checkpoint, nullptr),
              OSS_RESUMABLE_OK);
    EXPECT_EQ(checkpoint, nullptr);
}
