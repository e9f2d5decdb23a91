// Wrong arguments of the C API: a code and an error, never a crash.
#include <gtest/gtest.h>

#include <cstring>

#include "../support/capi.hpp"

using namespace tests;

namespace {

const char *const endpoint = "http://127.0.0.1:1";

oss_resumable_code newClientCode(const oss_resumable_client_options &options,
                                 std::string *message) {
    oss_resumable_client *client = nullptr;
    oss_resumable_error *error = nullptr;
    const auto code = oss_resumable_client_new(&options, &client, &error);
    const ErrorPtr owned(error);
    if (message && error) {
        *message = oss_resumable_error_message(error);
    }
    EXPECT_EQ(code != OSS_RESUMABLE_OK, client == nullptr);
    oss_resumable_client_free(client);
    return code;
}

} // namespace

TEST(Arguments, FreeingNullDoesNothing) {
    oss_resumable_client_free(nullptr);
    oss_resumable_download_free(nullptr);
    oss_resumable_result_free(nullptr);
    oss_resumable_error_free(nullptr);
    oss_resumable_checkpoint_free(nullptr);
}

TEST(Arguments, NullObjectsAreValidationErrors) {
    oss_resumable_status status = OSS_RESUMABLE_STATUS_INIT;
    oss_resumable_statistics statistics = OSS_RESUMABLE_STATISTICS_INIT;
    Request request("key", "file");
    const auto refused = OSS_RESUMABLE_ERR_VALIDATION;
    EXPECT_EQ(oss_resumable_client_new(nullptr, nullptr, nullptr), refused);
    EXPECT_EQ(oss_resumable_client_set_region(nullptr, "r", nullptr), refused);
    EXPECT_EQ(oss_resumable_client_set_credentials(nullptr, "i", "s", nullptr, nullptr), refused);
    EXPECT_EQ(oss_resumable_download_object(nullptr, &request, nullptr, nullptr), refused);
    EXPECT_EQ(oss_resumable_download_start(nullptr, &request, nullptr, nullptr), refused);
    EXPECT_EQ(oss_resumable_download_wait(nullptr, 0, nullptr, nullptr), refused);
    EXPECT_EQ(oss_resumable_download_status(nullptr, &status), refused);
    EXPECT_EQ(oss_resumable_download_cancel(nullptr), refused);
    EXPECT_EQ(oss_resumable_download_pause(nullptr), refused);
    EXPECT_EQ(oss_resumable_download_resume(nullptr), refused);
    EXPECT_EQ(oss_resumable_client_pause(nullptr, nullptr), refused);
    EXPECT_EQ(oss_resumable_client_resume(nullptr, nullptr), refused);
    EXPECT_EQ(oss_resumable_download_set_bandwidth(nullptr, 1), refused);
    EXPECT_EQ(oss_resumable_client_set_bandwidth(nullptr, 1, nullptr), refused);
    EXPECT_EQ(oss_resumable_download_set_priority(nullptr, 1), refused);
    EXPECT_EQ(oss_resumable_client_set_max_connections(nullptr, 1, nullptr), refused);
    EXPECT_EQ(oss_resumable_client_disable_requests(nullptr, nullptr), refused);
    EXPECT_EQ(oss_resumable_client_enable_requests(nullptr, nullptr), refused);
    EXPECT_EQ(oss_resumable_result_stats(nullptr, &statistics), refused);
    EXPECT_EQ(oss_resumable_checkpoint_inspect(nullptr, &request, nullptr, nullptr), refused);
    EXPECT_EQ(oss_resumable_checkpoint_discard(nullptr, &request, nullptr, nullptr), refused);
    EXPECT_EQ(oss_resumable_credentials_set(nullptr, "i", "s", nullptr, 0), refused);
    EXPECT_EQ(oss_resumable_credentials_fail(nullptr, nullptr), refused);
}

TEST(Arguments, NullParametersOfALiveClientAreValidationErrors) {
    const auto client = newClient(Options(endpoint));
    ASSERT_TRUE(client);
    const auto refused = OSS_RESUMABLE_ERR_VALIDATION;
    EXPECT_EQ(oss_resumable_download_object(client.get(), nullptr, nullptr, nullptr), refused);
    EXPECT_EQ(oss_resumable_client_set_region(client.get(), nullptr, nullptr), refused);
    EXPECT_EQ(oss_resumable_client_set_credentials(client.get(), "i", nullptr, nullptr, nullptr),
              refused);
}

TEST(Arguments, GettersOfNullGiveNothing) {
    uint64_t crc = 7;
    EXPECT_EQ(oss_resumable_error_kind(nullptr), OSS_RESUMABLE_OK);
    EXPECT_EQ(oss_resumable_error_code(nullptr), nullptr);
    EXPECT_EQ(oss_resumable_error_message(nullptr), nullptr);
    EXPECT_EQ(oss_resumable_error_request_id(nullptr), nullptr);
    EXPECT_EQ(oss_resumable_error_host_id(nullptr), nullptr);
    EXPECT_EQ(oss_resumable_error_ec(nullptr), nullptr);
    EXPECT_EQ(oss_resumable_error_path(nullptr), nullptr);
    EXPECT_EQ(oss_resumable_error_status(nullptr), 0);
    EXPECT_EQ(oss_resumable_error_errno(nullptr), 0);
    EXPECT_EQ(oss_resumable_result_file_path(nullptr), nullptr);
    EXPECT_EQ(oss_resumable_result_etag(nullptr), nullptr);
    EXPECT_EQ(oss_resumable_result_version_id(nullptr), nullptr);
    EXPECT_EQ(oss_resumable_result_last_modified(nullptr), nullptr);
    EXPECT_EQ(oss_resumable_result_request_id(nullptr), nullptr);
    EXPECT_EQ(oss_resumable_result_size(nullptr), 0u);
    EXPECT_EQ(oss_resumable_result_object_size(nullptr), 0u);
    EXPECT_EQ(oss_resumable_result_crc64(nullptr), 0u);
    EXPECT_EQ(oss_resumable_result_object_crc64(nullptr, &crc), 0);
    EXPECT_EQ(crc, 7u);
    EXPECT_EQ(oss_resumable_result_proof(nullptr), 0);
    EXPECT_EQ(oss_resumable_result_header_count(nullptr), 0u);
    EXPECT_EQ(oss_resumable_result_header_name(nullptr, 0), nullptr);
    EXPECT_EQ(oss_resumable_result_header_value(nullptr, 0), nullptr);
    EXPECT_EQ(oss_resumable_result_header(nullptr, "ETag"), nullptr);
    EXPECT_EQ(oss_resumable_checkpoint_path(nullptr), nullptr);
    EXPECT_EQ(oss_resumable_checkpoint_etag(nullptr), nullptr);
    EXPECT_EQ(oss_resumable_checkpoint_last_modified(nullptr), nullptr);
    EXPECT_EQ(oss_resumable_checkpoint_object_size(nullptr), 0u);
    EXPECT_EQ(oss_resumable_checkpoint_range_start(nullptr), 0u);
    EXPECT_EQ(oss_resumable_checkpoint_size(nullptr), 0u);
    EXPECT_EQ(oss_resumable_checkpoint_bytes_recorded(nullptr), 0u);
}

TEST(Arguments, AStructWithoutItsSizeIsRefusedAndTheErrorSaysWhatToSet) {
    Options options(endpoint);
    options.struct_size = 0;
    std::string message;
    EXPECT_EQ(newClientCode(options, &message), OSS_RESUMABLE_ERR_VALIDATION);
    EXPECT_NE(message.find("struct_size"), std::string::npos) << message;
}

TEST(Arguments, AnOlderProgramsShorterOptionsAreAccepted) {
    Options options(endpoint);
    options.struct_size = offsetof(oss_resumable_client_options, access_key_id);
    EXPECT_EQ(newClientCode(options, nullptr), OSS_RESUMABLE_OK);
}

TEST(Arguments, ANewerProgramsLongerOptionsAreAcceptedOnlyWhileTheirTailIsZero) {
    struct {
        oss_resumable_client_options known;
        uint64_t unknown;
    } newer;
    std::memset(&newer, 0, sizeof newer);
    const Options options(endpoint);
    newer.known = options;
    newer.known.struct_size = sizeof newer;
    EXPECT_EQ(newClientCode(newer.known, nullptr), OSS_RESUMABLE_OK);
    newer.unknown = 1;
    EXPECT_EQ(newClientCode(newer.known, nullptr), OSS_RESUMABLE_ERR_VALIDATION);
}

TEST(Arguments, OutputsAreWrittenOnlyWhenThereIsSomething) {
    auto *const untouched = reinterpret_cast<oss_resumable_error *>(1);
    oss_resumable_error *error = untouched;
    const Options options(endpoint);
    oss_resumable_client *client = nullptr;
    ASSERT_EQ(oss_resumable_client_new(&options, &client, &error), OSS_RESUMABLE_OK);
    EXPECT_EQ(error, untouched);

    auto *const no_result = reinterpret_cast<oss_resumable_result *>(1);
    oss_resumable_result *result = no_result;
    error = nullptr;
    const Request request("/bad", "file");
    EXPECT_EQ(oss_resumable_download_object(client, &request, &result, &error),
              OSS_RESUMABLE_ERR_VALIDATION);
    EXPECT_EQ(result, no_result);
    EXPECT_STREQ(oss_resumable_error_code(error), "ValidateError");
    EXPECT_EQ(oss_resumable_error_kind(error), OSS_RESUMABLE_ERR_VALIDATION);
    oss_resumable_error_free(error);
    oss_resumable_client_free(client);
}

TEST(Arguments, WrongRequestsAreRefusedBeforeAnythingHappens) {
    const auto client = newClient(Options(endpoint));
    const auto refused = [&client](void (*change)(oss_download_object_request &)) {
        Request request("key", "/nowhere/file");
        change(request);
        const auto ended = download(client, request);
        return ended.code == OSS_RESUMABLE_ERR_VALIDATION && ended.errorCode() == "ValidateError";
    };
    EXPECT_TRUE(refused([](oss_download_object_request &r) { r.bucket = nullptr; }));
    EXPECT_TRUE(refused([](oss_download_object_request &r) { r.bucket = "No_Bucket"; }));
    EXPECT_TRUE(refused([](oss_download_object_request &r) { r.key = ""; }));
    EXPECT_TRUE(refused([](oss_download_object_request &r) { r.key = "\\key"; }));
    EXPECT_TRUE(refused([](oss_download_object_request &r) { r.key = "\xff"; }));
    EXPECT_TRUE(refused([](oss_download_object_request &r) { r.part_size = 102399; }));
    EXPECT_TRUE(refused(
        [](oss_download_object_request &r) { r.part_size = OSS_RESUMABLE_MAX_PART_SIZE + 1; }));
    EXPECT_TRUE(refused([](oss_download_object_request &r) { r.thread_num = 1025; }));
    EXPECT_TRUE(refused([](oss_download_object_request &r) { r.flush = 3; }));
    EXPECT_TRUE(refused([](oss_download_object_request &r) { r.if_match_count = 1; }));
    EXPECT_TRUE(
        refused([](oss_download_object_request &r) { r.checkpoint_dir = "/does/not/exist"; }));
    EXPECT_TRUE(refused([](oss_download_object_request &r) {
        r.has_range = OSS_RESUMABLE_ON;
        r.range_start = 5;
        r.range_end = 4;
    }));
}

TEST(Arguments, EveryCodeHasAName) {
    EXPECT_STREQ(oss_resumable_code_name(OSS_RESUMABLE_OK), "OSS_RESUMABLE_OK");
    EXPECT_STREQ(oss_resumable_code_name(OSS_RESUMABLE_ERR_BUSY), "OSS_RESUMABLE_ERR_BUSY");
    EXPECT_STREQ(oss_resumable_code_name(OSS_RESUMABLE_ERR_OUT_OF_MEMORY),
                 "OSS_RESUMABLE_ERR_OUT_OF_MEMORY");
    EXPECT_STREQ(oss_resumable_code_name(-1), "unknown");
}

TEST(Arguments, TheLibrarysVersionIsTheHeaders) {
    const std::string header = std::to_string(OSS_RESUMABLE_VERSION_MAJOR) + "." +
                               std::to_string(OSS_RESUMABLE_VERSION_MINOR) + "." +
                               std::to_string(OSS_RESUMABLE_VERSION_PATCH) + " libcurl/";
    EXPECT_EQ(std::string(oss_resumable_version()).compare(0, header.size(), header), 0);
}
