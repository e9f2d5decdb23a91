// Every field of every input struct with invalid values: a code and a message, or a correct file.
#include <gtest/gtest.h>

#include <algorithm>
#include <climits>
#include <cstdint>
#include <cstring>
#include <numeric>

#include "../support/capi.hpp"
#include "../support/fields.hpp"
#include "../support/local_oss.hpp"

using namespace tests;

namespace {

const char *const object = "generated/1000";

const std::vector<std::string> &wrongTexts() {
    static const std::vector<std::string> texts{
        "",
        " ",
        "\xff\xfe",
        "\xc3",
        "\x01",
        "a\x7f",
        "a\r\nX-Injected: 1",
        "a\nX-Injected: 1",
        "%s%n",
        "\"';--<>&|",
        std::string(1 << 20, 'x'),
    };
    return texts;
}

bool hasControls(const std::string &text) {
    for (const unsigned char byte : text) {
        if (byte < 0x20 || byte == 0x7f) {
            return true;
        }
    }
    return false;
}

const int64_t numbers[] = {0,         1,         2,         3,         -1,
                           -2,        INT8_MAX,  INT32_MAX, INT32_MIN, UINT32_MAX,
                           INT64_MAX, INT64_MIN, 102399,    102400,    int64_t(5368709121)};

size_t sizeOf(const std::vector<Field> &fields) {
    return std::accumulate(fields.begin(), fields.end(), sizeof(size_t),
                           [](size_t total, const Field &field) { return total + field.size; });
}

template <typename T> bool isZeroButForItsSize(const T &object) {
    T expected;
    std::memset(&expected, 0, sizeof expected);
    expected.struct_size = sizeof expected;
    return std::memcmp(&object, &expected, sizeof expected) == 0;
}

// A server with a log, a client of it, and a directory.
struct Place {
    TemporaryDirectory directory;
    std::string log = directory.path("log");
    LocalOss oss{{"--log"}, log};

    std::string file() const { return directory.path("file"); }
    std::string seen() const { return readFile(log); }

    // Success means a correct file; a failure has a message and leaves no file.
    void check(const Ended &ended, const std::string &what, bool whole = true) const {
        if (ended.code == OSS_RESUMABLE_OK) {
            EXPECT_TRUE(!whole || LocalOss::isGenerated(file(), "1000")) << what;
        } else {
            EXPECT_FALSE(ended.errorCode().empty()) << what;
            EXPECT_FALSE(ended.message().empty()) << what;
            EXPECT_NE(ended.code, OSS_RESUMABLE_ERR_INTERNAL) << what << ": " << ended.message();
            EXPECT_NE(access(file().c_str(), F_OK), 0) << what << " left a file";
        }
        unlink(file().c_str());
    }
};

} // namespace

TEST(Fields, AreAllListed) {
    EXPECT_EQ(sizeOf(requestFields()), sizeof(oss_download_object_request));
    EXPECT_EQ(sizeOf(optionFields()), sizeof(oss_resumable_client_options));
}

TEST(Fields, AnInitialiserSetsTheSizeOfItsStructAndNothingElse) {
    static const oss_resumable_client_options options = OSS_RESUMABLE_CLIENT_OPTIONS_INIT;
    static const oss_download_object_request request = OSS_DOWNLOAD_OBJECT_REQUEST_INIT;
    static const oss_resumable_status status = OSS_RESUMABLE_STATUS_INIT;
    static const oss_resumable_statistics statistics = OSS_RESUMABLE_STATISTICS_INIT;
    static const oss_resumable_failed_attempt attempt = OSS_RESUMABLE_FAILED_ATTEMPT_INIT;
    static const oss_resumable_event event = OSS_RESUMABLE_EVENT_INIT;
    EXPECT_TRUE(isZeroButForItsSize(options));
    EXPECT_TRUE(isZeroButForItsSize(request));
    EXPECT_TRUE(isZeroButForItsSize(status));
    EXPECT_TRUE(isZeroButForItsSize(statistics));
    EXPECT_TRUE(isZeroButForItsSize(attempt));
    EXPECT_TRUE(isZeroButForItsSize(event));
}

TEST(Fields, ATextOfARequestIsAcceptedOrRefusedAndControlCharactersAreNeverSent) {
    const Place place;
    const auto client = newClient(Options(place.oss.endpoint()));
    for (const Field &field : requestFields()) {
        if (field.holds != Holds::text && field.holds != Holds::path) {
            continue;
        }
        for (const std::string &text : wrongTexts()) {
            const std::string what = std::string(field.name) + " " + text.substr(0, 30);
            const std::string before = place.seen();
            Request request(object, place.file());
            field.set(&request, text.c_str());
            const auto ended = download(client, request);
            // A key is escaped when it is sent, and a path is never sent.
            const bool escaped = field.name == std::string("key") || field.holds == Holds::path;
            if (hasControls(text) && !escaped) {
                EXPECT_EQ(ended.code, OSS_RESUMABLE_ERR_VALIDATION) << what;
                EXPECT_EQ(place.seen(), before) << what;
            }
            if (field.holds == Holds::path && ended.code == OSS_RESUMABLE_OK) {
                unlink(text.c_str());
                continue;
            }
            place.check(ended, what);
        }
        Request request(object, place.file());
        field.set(&request, static_cast<const char *>(nullptr));
        const auto ended = download(client, request);
        const std::string name = field.name;
        const bool required = name == "bucket" || name == "key";
        EXPECT_EQ(ended.code, required ? OSS_RESUMABLE_ERR_VALIDATION : OSS_RESUMABLE_OK) << name;
        if (name == "file_path") {
            unlink("1000");
        } else {
            place.check(ended, name);
        }
    }
    EXPECT_EQ(place.seen().find("X-Injected: 1"), std::string::npos);
}

TEST(Fields, ANumberOfARequestIsAcceptedOrRefusedWithTheFieldsName) {
    const Place place;
    const auto client = newClient(Options(place.oss.endpoint()));
    for (const Field &field : requestFields()) {
        for (const int64_t number : numbers) {
            if (field.holds != Holds::number) {
                continue;
            }
            const std::string what = std::string(field.name) + " " + std::to_string(number);
            Request request(object, place.file());
            request.has_range = OSS_RESUMABLE_OFF;
            field.set(&request, number);
            const auto ended = download(client, request);
            if (ended.code == OSS_RESUMABLE_ERR_VALIDATION) {
                const std::string name = field.name;
                const std::string list = name.substr(0, name.find("_count"));
                EXPECT_NE(ended.message().find(list), std::string::npos)
                    << what << ": " << ended.message();
            }
            const bool is_range = field.name == std::string("has_range");
            place.check(ended, what, !is_range);
        }
    }
}

TEST(Fields, AnOptionIsAcceptedOrRefusedAndControlCharactersAreNeverSent) {
    const Place place;
    for (const Field &field : optionFields()) {
        std::vector<Ended> ends;
        const auto tryOne = [&](const Options &options, const std::string &what) {
            oss_resumable_client *made = nullptr;
            oss_resumable_error *error = nullptr;
            const auto code = oss_resumable_client_new(&options, &made, &error);
            const ClientPtr client(made);
            const ErrorPtr owned(error);
            if (code != OSS_RESUMABLE_OK) {
                EXPECT_EQ(code, OSS_RESUMABLE_ERR_VALIDATION) << what;
                EXPECT_STRNE(oss_resumable_error_message(error), "") << what;
                return code;
            }
            Request request(object, place.file());
            request.deadline_ms = 5000;
            place.check(download(client, request), what);
            return code;
        };
        if (field.holds == Holds::text || field.holds == Holds::path) {
            for (const std::string &text : wrongTexts()) {
                const std::string what = std::string(field.name) + " " + text.substr(0, 30);
                const std::string before = place.seen();
                Options options(place.oss.endpoint());
                options.anonymous = OSS_RESUMABLE_OFF;
                options.access_key_id = "id";
                options.access_key_secret = "secret";
                field.set(&options, text.c_str());
                const auto code = tryOne(options, what);
                if (hasControls(text) && field.holds == Holds::text) {
                    EXPECT_EQ(code, OSS_RESUMABLE_ERR_VALIDATION) << what;
                    EXPECT_EQ(place.seen(), before) << what;
                }
            }
        }
        if (field.holds == Holds::number) {
            for (const int64_t number : numbers) {
                Options options(place.oss.endpoint());
                field.set(&options, number);
                tryOne(options, std::string(field.name) + " " + std::to_string(number));
            }
        }
    }
}

TEST(Fields, AStructOfAnySizeIsReadUpToItOrRefused) {
    const Place place;
    // Exactly as long as its size, so that valgrind and sanitizers detect a read beyond it.
    for (size_t size = 0; size <= sizeof(oss_download_object_request) + 64; size++) {
        Request whole(object, place.file());
        whole.struct_size = size;
        std::vector<uint64_t> copy((size < sizeof(size_t) ? sizeof(size_t) : size + 7) / 8);
        std::memcpy(copy.data(), static_cast<oss_download_object_request *>(&whole),
                    std::min(copy.size() * 8, sizeof(oss_download_object_request)));
        const auto *request = reinterpret_cast<const oss_download_object_request *>(copy.data());
        const auto client = newClient(Options(place.oss.endpoint()));
        const auto ended = download(client, *request);
        const bool has_what_is_required =
            size % 8 == 0 && size >= offsetof(oss_download_object_request, file_path);
        EXPECT_EQ(ended.code == OSS_RESUMABLE_OK, has_what_is_required)
            << size << ": " << ended.message();
        unlink("1000");
        unlink(place.file().c_str());
    }
}
