// Listings through the C API.
#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdio>
#include <fstream>
#include <string>
#include <thread>
#include <vector>

#include <gtest/gtest.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../support/capi.hpp"
#include "../support/local_oss.hpp"

using namespace tests;

namespace {

// A folder that a server serves, with files as long as their names.
class Folder {
public:
    explicit Folder(const std::vector<std::string> &keys) {
        for (const std::string &key : keys) {
            for (size_t end = key.find('/'); end != std::string::npos;
                 end = key.find('/', end + 1)) {
                add(key.substr(0, end));
                mkdir(made_.back().c_str(), 0700);
            }
            add(key);
            std::ofstream(made_.back()) << key;
        }
    }
    ~Folder() {
        for (auto path = made_.rbegin(); path != made_.rend(); ++path) {
            std::remove(path->c_str());
        }
    }
    Folder(const Folder &) = delete;
    Folder &operator=(const Folder &) = delete;

    std::vector<std::string> arguments(std::vector<std::string> more = {}) const {
        more.insert(more.end(), {"--folder", directory_.path("")});
        return more;
    }

private:
    void add(const std::string &name) { made_.push_back(directory_.path(name)); }

    TemporaryDirectory directory_;
    std::vector<std::string> made_;
};

oss_resumable_list_request requestFor(const char *prefix = nullptr) {
    oss_resumable_list_request request = OSS_RESUMABLE_LIST_REQUEST_INIT;
    request.bucket = "examplebucket";
    request.prefix = prefix;
    return request;
}

ListingPtr list(const ClientPtr &client, const oss_resumable_list_request &request) {
    oss_resumable_listing *listing = nullptr;
    oss_resumable_list_objects(client.get(), &request, &listing, nullptr);
    return ListingPtr(listing);
}

struct Found {
    oss_resumable_code code;
    oss_resumable_object_entry entry;
    ErrorPtr error;
};

Found next(const ListingPtr &listing) {
    Found found{OSS_RESUMABLE_OK, OSS_RESUMABLE_OBJECT_ENTRY_INIT, nullptr};
    oss_resumable_error *error = nullptr;
    found.code = oss_resumable_listing_next(listing.get(), &found.entry, &error);
    found.error.reset(error);
    return found;
}

// The names up to the end of a listing.
std::vector<std::string> names(const ListingPtr &listing) {
    std::vector<std::string> names;
    for (;;) {
        const auto found = next(listing);
        if (found.code != OSS_RESUMABLE_OK) {
            EXPECT_EQ(found.code, OSS_RESUMABLE_END_OF_LIST);
            return names;
        }
        names.emplace_back(found.entry.key);
    }
}

using Names = std::vector<std::string>;

} // namespace

TEST(Listing, AllPagesAreListedWithTheFieldsOfEachObject) {
    const Folder folder({"a/1", "a/2 +%", "a/b/c", "d"});
    const LocalOss oss(folder.arguments());
    const auto client = newClient(Options(oss.endpoint()));
    auto request = requestFor();
    EXPECT_EQ(names(list(client, request)), (Names{"a/1", "a/2 +%", "a/b/c", "d"}));
    request.max_keys = 1;
    EXPECT_EQ(names(list(client, request)), (Names{"a/1", "a/2 +%", "a/b/c", "d"}));
    request.start_after = "a/2";
    EXPECT_EQ(names(list(client, request)), (Names{"a/2 +%", "a/b/c", "d"}));

    const auto found = next(list(client, requestFor("d")));
    ASSERT_EQ(found.code, OSS_RESUMABLE_OK);
    EXPECT_EQ(found.entry.struct_size, sizeof(oss_resumable_object_entry));
    EXPECT_EQ(found.entry.kind, OSS_RESUMABLE_ENTRY_OBJECT);
    EXPECT_EQ(found.entry.size, 1u);
    EXPECT_GT(found.entry.last_modified_ms, 1577836800000);
    EXPECT_EQ(found.entry.has_crc64, 0);
}

TEST(Listing, StringsAreValidUntilTheNextCall) {
    const Folder folder({"one", "two"});
    const LocalOss oss(folder.arguments());
    auto client = newClient(Options(oss.endpoint()));
    auto listing = list(client, requestFor());
    client.reset();
    EXPECT_EQ(next(listing).code, OSS_RESUMABLE_ERR_CANCELLED) << "its client is gone";

    client = newClient(Options(oss.endpoint()));
    listing = list(client, requestFor());
    const auto first = next(listing);
    client.reset();
    ASSERT_EQ(first.code, OSS_RESUMABLE_OK);
    EXPECT_STREQ(first.entry.key, "one");
    EXPECT_STREQ(first.entry.storage_class, "Standard");
    EXPECT_STREQ(first.entry.object_type, "Normal");
    EXPECT_EQ(std::string(first.entry.etag).size(), 32u);
    EXPECT_EQ(first.entry.restore_info, nullptr);
    EXPECT_STREQ(next(listing).entry.key, "two") << "it was received";
}

TEST(Listing, ADelimiterGivesCommonPrefixes) {
    const Folder folder({"a/1", "a/2", "b/1", "c"});
    const LocalOss oss(folder.arguments());
    const auto client = newClient(Options(oss.endpoint()));
    auto request = requestFor();
    request.delimiter = "/";
    const auto listing = list(client, request);
    std::vector<std::pair<std::string, int32_t>> entries;
    for (auto found = next(listing); found.code == OSS_RESUMABLE_OK; found = next(listing)) {
        entries.emplace_back(found.entry.key, found.entry.kind);
    }
    std::sort(entries.begin(), entries.end());
    const std::vector<std::pair<std::string, int32_t>> expected{
        {"a/", OSS_RESUMABLE_ENTRY_COMMON_PREFIX},
        {"b/", OSS_RESUMABLE_ENTRY_COMMON_PREFIX},
        {"c", OSS_RESUMABLE_ENTRY_OBJECT}};
    EXPECT_EQ(entries, expected);
}

TEST(Listing, AnErrorIsFinalAndTheEndToo) {
    const LocalOss oss;
    const auto client = newClient(Options(oss.endpoint()));
    auto request = requestFor();
    request.bucket = "anotherbucket";
    const auto failing = list(client, request);
    for (int i = 0; i < 2; ++i) {
        const auto found = next(failing);
        EXPECT_EQ(found.code, OSS_RESUMABLE_ERR_SERVICE);
        ASSERT_NE(found.error, nullptr);
        EXPECT_STREQ(oss_resumable_error_code(found.error.get()), "NoSuchBucket");
        EXPECT_EQ(found.entry.key, nullptr) << "not written on failure";
    }
    const auto empty = list(client, requestFor());
    for (int i = 0; i < 2; ++i) {
        const auto found = next(empty);
        EXPECT_EQ(found.code, OSS_RESUMABLE_END_OF_LIST);
        EXPECT_EQ(found.error, nullptr);
        EXPECT_EQ(found.entry.key, nullptr);
    }
}

TEST(Listing, AKeyWithANulIsAnErrorBehindWhichTheListingGoesOn) {
    // No file name can have it: the server sends it instead of its own listing.
    const LocalOss oss(
        {"--fault", "body=<ListBucketResult><EncodingType>url</EncodingType><Contents><Key>a%00b"
                    "</Key><Size>1</Size></Contents><Contents><Key>c</Key><Size>1</Size>"
                    "</Contents></ListBucketResult>"});
    const auto client = newClient(Options(oss.endpoint()));
    const auto listing = list(client, requestFor());
    const auto refused = next(listing);
    EXPECT_EQ(refused.code, OSS_RESUMABLE_ERR_INTEGRITY);
    ASSERT_NE(refused.error, nullptr);
    EXPECT_NE(std::string(oss_resumable_error_message(refused.error.get())).find("a\\0b"),
              std::string::npos);
    EXPECT_EQ(names(listing), Names{"c"});
}

TEST(Listing, WrongArgumentsAreRefusedAndTakeNoEntry) {
    const Folder folder({"a"});
    const LocalOss oss(folder.arguments());
    const auto client = newClient(Options(oss.endpoint()));
    const auto request = requestFor();
    oss_resumable_listing *listing = nullptr;
    EXPECT_EQ(oss_resumable_list_objects(nullptr, &request, &listing, nullptr),
              OSS_RESUMABLE_ERR_VALIDATION);
    EXPECT_EQ(oss_resumable_list_objects(client.get(), nullptr, &listing, nullptr),
              OSS_RESUMABLE_ERR_VALIDATION);
    auto wrong = request;
    wrong.max_keys = 1001;
    EXPECT_EQ(oss_resumable_list_objects(client.get(), &wrong, &listing, nullptr),
              OSS_RESUMABLE_ERR_VALIDATION);
    EXPECT_EQ(listing, nullptr);
    EXPECT_EQ(oss_resumable_list_objects(client.get(), &request, nullptr, nullptr),
              OSS_RESUMABLE_OK)
        << "it is only validated";

    const auto good = list(client, request);
    oss_resumable_object_entry entry = OSS_RESUMABLE_OBJECT_ENTRY_INIT;
    EXPECT_EQ(oss_resumable_listing_next(nullptr, &entry, nullptr), OSS_RESUMABLE_ERR_VALIDATION);
    EXPECT_EQ(oss_resumable_listing_next(good.get(), nullptr, nullptr),
              OSS_RESUMABLE_ERR_VALIDATION);
    entry.struct_size = 0;
    EXPECT_EQ(oss_resumable_listing_next(good.get(), &entry, nullptr),
              OSS_RESUMABLE_ERR_VALIDATION);
    EXPECT_EQ(oss_resumable_listing_cancel(nullptr), OSS_RESUMABLE_ERR_VALIDATION);
    oss_resumable_listing_free(nullptr);
    EXPECT_EQ(names(good), Names{"a"});
}

TEST(Listing, ACallThatWaitsIsCancelledAndNoOtherMayWait) {
    const LocalOss oss({"--fault", "no-reply"});
    Options options(oss.endpoint());
    options.idle_timeout_ms = options.first_byte_limit_ms = -1;
    const auto client = newClient(options);
    const auto listing = list(client, requestFor());
    std::atomic<bool> waits{false};
    std::thread waiting([&listing, &waits] {
        waits = true;
        EXPECT_EQ(next(listing).code, OSS_RESUMABLE_ERR_CANCELLED);
    });
    while (!waits) {
        std::this_thread::yield();
    }
    std::this_thread::sleep_for(std::chrono::milliseconds(200));
    EXPECT_EQ(next(listing).code, OSS_RESUMABLE_ERR_VALIDATION)
        << "the other call has not returned";
    EXPECT_EQ(oss_resumable_listing_cancel(listing.get()), OSS_RESUMABLE_OK);
    waiting.join();
}

TEST(Listing, MayBeFreedInACallbackOfItsOwnCall) {
    struct Freeing {
        ListingPtr listing;
        ClientPtr client;
        int calls = 0;
    };
    const LocalOss oss({"--fault", "html=502"});
    Freeing freeing;
    Options options(oss.endpoint());
    options.user_data = &freeing;
    options.retry_decision = [](const oss_resumable_failed_attempt *, void *data) -> int64_t {
        auto &freed = *static_cast<Freeing *>(data);
        ++freed.calls;
        freed.listing.reset();
        freed.client.reset();
        return OSS_RESUMABLE_RETRY_DEFAULT;
    };
    freeing.client = newClient(options);
    freeing.listing = list(freeing.client, requestFor());
    oss_resumable_object_entry entry = OSS_RESUMABLE_OBJECT_ENTRY_INIT;
    EXPECT_EQ(oss_resumable_listing_next(freeing.listing.get(), &entry, nullptr),
              OSS_RESUMABLE_ERR_CANCELLED);
    EXPECT_EQ(freeing.calls, 1);
}

TEST(Listing, InAForkedChildItIsRefused) {
    const Folder folder({"a", "b"});
    const LocalOss oss(folder.arguments());
    const auto client = newClient(Options(oss.endpoint()));
    auto listing = list(client, requestFor());
    EXPECT_STREQ(next(listing).entry.key, "a");
    const pid_t child = fork();
    if (child == 0) {
        const bool refused = next(listing).code == OSS_RESUMABLE_ERR_FORKED;
        oss_resumable_listing_free(listing.release());
        _exit(refused ? 0 : 1);
    }
    int status = -1;
    ASSERT_EQ(waitpid(child, &status, 0), child);
    EXPECT_EQ(status, 0);
    EXPECT_STREQ(next(listing).entry.key, "b");
}
