// Prefix downloads through the C API.
#include <fstream>
#include <string>
#include <vector>

#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../support/capi.hpp"
#include "../support/local_oss.hpp"

using namespace tests;

namespace {

// A folder that a server serves, and a directory to download into, where the manifest is too.
struct Scene {
    explicit Scene(const std::vector<std::string> &keys, std::vector<std::string> arguments = {}) {
        for (const std::string &key : keys) {
            std::ofstream(folder.path(key)) << "content of " << key;
        }
        arguments.insert(arguments.end(), {"--folder", folder.path("")});
        oss.reset(new LocalOss(arguments));
        client = newClient(Options(oss->endpoint()));
    }

    oss_resumable_prefix_request request() const {
        oss_resumable_prefix_request request = OSS_RESUMABLE_PREFIX_REQUEST_INIT;
        request.bucket = "examplebucket";
        request.directory = request.manifest_dir = directory.path().c_str();
        return request;
    }

    std::string file(const std::string &name) const {
        std::ifstream file(directory.path(name));
        return std::string(std::istreambuf_iterator<char>(file), {});
    }

    TemporaryDirectory folder, directory;
    std::unique_ptr<LocalOss> oss;
    ClientPtr client;
};

struct PrefixEnd {
    oss_resumable_code code;
    PrefixResultPtr result;
    ErrorPtr error;

    oss_resumable_prefix_counts counts() const {
        oss_resumable_prefix_counts counts = OSS_RESUMABLE_PREFIX_COUNTS_INIT;
        EXPECT_EQ(oss_resumable_prefix_result_counts(result.get(), &counts), OSS_RESUMABLE_OK);
        return counts;
    }
};

PrefixEnd download(const Scene &scene, const oss_resumable_prefix_request &request) {
    oss_resumable_prefix_result *result = nullptr;
    oss_resumable_error *error = nullptr;
    const auto code = oss_resumable_download_prefix(scene.client.get(), &request, &result, &error);
    return PrefixEnd{code, PrefixResultPtr(result), ErrorPtr(error)};
}

PrefixPtr startPrefix(const Scene &scene, const oss_resumable_prefix_request &request) {
    oss_resumable_prefix_download *handle = nullptr;
    EXPECT_EQ(oss_resumable_prefix_download_start(scene.client.get(), &request, &handle, nullptr),
              OSS_RESUMABLE_OK);
    return PrefixPtr(handle);
}

} // namespace

TEST(Prefix, EveryObjectIsDownloadedAndASecondCallFetchesNothing) {
    const Scene scene({"a-1", "a-2", "b"});
    auto request = scene.request();
    request.prefix = "a";
    auto end = download(scene, request);
    ASSERT_EQ(end.code, OSS_RESUMABLE_OK);
    EXPECT_EQ(end.error, nullptr);
    EXPECT_EQ(scene.file("a-1"), "content of a-1");
    EXPECT_EQ(end.counts().objects, 2u);
    EXPECT_EQ(end.counts().fetched, 2u);
    EXPECT_EQ(end.counts().bytes_done, 28u);

    end = download(scene, request);
    EXPECT_EQ(end.code, OSS_RESUMABLE_OK);
    EXPECT_EQ(end.counts().unchanged, 2u);
    EXPECT_EQ(end.counts().bytes_from_network, 0u);
    EXPECT_EQ(scene.directory.path(), oss_resumable_prefix_result_directory(end.result.get()));
}

TEST(Prefix, TheResultTellsWhatBecameOfEachObject) {
    const Scene scene({"a\\b", "b", "b.temp"});
    const auto end = download(scene, scene.request());
    ASSERT_EQ(end.code, OSS_RESUMABLE_OBJECTS_FAILED);
    ASSERT_NE(end.result, nullptr);
    EXPECT_EQ(end.error, nullptr) << "the download as a whole has not failed";
    EXPECT_EQ(end.counts().failed, 2u);
    oss_resumable_prefix_object object = OSS_RESUMABLE_PREFIX_OBJECT_INIT;
    ASSERT_EQ(oss_resumable_prefix_result_object(end.result.get(), 0, &object), OSS_RESUMABLE_OK);
    EXPECT_STREQ(object.key, "a\\b");
    EXPECT_EQ(object.path, nullptr);
    EXPECT_EQ(object.result, OSS_RESUMABLE_OBJECT_FAILED);
    EXPECT_STREQ(oss_resumable_error_code(object.error), "UnsafeKey");
    ASSERT_EQ(oss_resumable_prefix_result_object(end.result.get(), 1, &object), OSS_RESUMABLE_OK);
    EXPECT_EQ(object.path, scene.directory.path("b"));
    EXPECT_EQ(object.result, OSS_RESUMABLE_OBJECT_FETCHED);
    EXPECT_EQ(object.error, nullptr);
    EXPECT_EQ(object.size, 12u);
    ASSERT_EQ(oss_resumable_prefix_result_object(end.result.get(), 2, &object), OSS_RESUMABLE_OK);
    EXPECT_STREQ(oss_resumable_error_code(object.error), "KeyCollision");
    EXPECT_EQ(oss_resumable_prefix_result_object(end.result.get(), 3, &object),
              OSS_RESUMABLE_END_OF_LIST);
    EXPECT_STREQ(object.key, "b.temp") << "not written behind the last one";
}

TEST(Prefix, AHandleIsWaitedForQueriedPausedAndFreed) {
    const Scene scene({"a", "b"});
    const auto handle = startPrefix(scene, scene.request());
    EXPECT_EQ(oss_resumable_prefix_download_pause(handle.get()), OSS_RESUMABLE_OK);
    EXPECT_EQ(oss_resumable_prefix_download_resume(handle.get()), OSS_RESUMABLE_OK);
    for (int i = 0; i < 2; ++i) {
        oss_resumable_prefix_result *result = nullptr;
        EXPECT_EQ(oss_resumable_prefix_download_wait(handle.get(), -1, &result, nullptr),
                  OSS_RESUMABLE_OK);
        EXPECT_NE(result, nullptr);
        oss_resumable_prefix_result_free(result);
    }
    oss_resumable_prefix_status status = OSS_RESUMABLE_PREFIX_STATUS_INIT;
    EXPECT_EQ(oss_resumable_prefix_download_status(handle.get(), &status), OSS_RESUMABLE_OK);
    EXPECT_EQ(status.phase, OSS_RESUMABLE_PREFIX_PHASE_SUCCEEDED);
    EXPECT_EQ(status.fetched, 2u);
    EXPECT_EQ(status.is_paused, 0);
}

TEST(Prefix, ItsEndIsReportedOnceWithItsCodeHoweverItEnds) {
    oss_resumable_event_queue *queue = nullptr;
    ASSERT_EQ(oss_resumable_event_queue_new(&queue, nullptr), OSS_RESUMABLE_OK);
    const auto ends = [queue](uint64_t tag) {
        oss_resumable_event event = OSS_RESUMABLE_EVENT_INIT;
        std::vector<oss_resumable_code> codes;
        while (oss_resumable_event_queue_next(queue, codes.empty() ? 60000 : 0, &event) ==
               OSS_RESUMABLE_OK) {
            EXPECT_EQ(event.tag, tag);
            if (event.kind == OSS_RESUMABLE_EVENT_ENDED) {
                codes.push_back(event.code);
                EXPECT_EQ(event.bytes_per_second, 0u);
            } else {
                EXPECT_TRUE(codes.empty()) << "an end is the last event";
            }
        }
        return codes;
    };
    using Codes = std::vector<oss_resumable_code>;
    {
        const Scene scene({"a", "b"});
        auto request = scene.request();
        request.event_queue = queue;
        request.tag = 1;
        ASSERT_EQ(download(scene, request).code, OSS_RESUMABLE_OK);
        EXPECT_EQ(ends(1), Codes{OSS_RESUMABLE_OK});
        const auto again = download(scene, request);
        EXPECT_EQ(again.counts().bytes_reused, 24u);
        EXPECT_EQ(ends(1), Codes{OSS_RESUMABLE_OK});
    }
    {
        const Scene scene({"a\\b", "b"});
        auto request = scene.request();
        request.event_queue = queue;
        request.tag = 2;
        ASSERT_EQ(download(scene, request).code, OSS_RESUMABLE_OBJECTS_FAILED);
        EXPECT_EQ(ends(2), Codes{OSS_RESUMABLE_OBJECTS_FAILED});
    }
    const Scene scene({"a"}, {"--fault", "no-reply"});
    auto request = scene.request();
    request.event_queue = queue;
    for (const bool isFreed : {false, true}) {
        request.tag = 3 + isFreed;
        auto handle = startPrefix(scene, request);
        isFreed ? handle.reset() : (void)oss_resumable_prefix_download_cancel(handle.get());
        EXPECT_EQ(ends(3 + isFreed), Codes{OSS_RESUMABLE_ERR_CANCELLED});
    }
    request.directory = "/absent";
    EXPECT_EQ(download(scene, request).code, OSS_RESUMABLE_ERR_VALIDATION);
    oss_resumable_event event = OSS_RESUMABLE_EVENT_INIT;
    EXPECT_EQ(oss_resumable_event_queue_next(queue, 0, &event), OSS_RESUMABLE_WAIT_TIMEOUT)
        << "what was refused reports nothing";
    oss_resumable_event_queue_free(queue);
}

TEST(Prefix, ACancelAndTheEndOfTheClientEndADownloadThatWaits) {
    Scene scene({"a"}, {"--fault", "no-reply"});
    Options options(scene.oss->endpoint());
    options.idle_timeout_ms = options.first_byte_limit_ms = -1;
    scene.client = newClient(options);
    auto handle = startPrefix(scene, scene.request());
    EXPECT_EQ(oss_resumable_prefix_download_wait(handle.get(), 10, nullptr, nullptr),
              OSS_RESUMABLE_WAIT_TIMEOUT);
    oss_resumable_error *busy = nullptr;
    const auto request = scene.request();
    EXPECT_EQ(oss_resumable_prefix_download_start(scene.client.get(), &request, nullptr, &busy),
              OSS_RESUMABLE_ERR_BUSY);
    EXPECT_NE(oss_resumable_error_path(busy), nullptr);
    oss_resumable_error_free(busy);
    EXPECT_EQ(oss_resumable_prefix_download_cancel(handle.get()), OSS_RESUMABLE_OK);
    EXPECT_EQ(oss_resumable_prefix_download_wait(handle.get(), -1, nullptr, nullptr),
              OSS_RESUMABLE_ERR_CANCELLED);

    handle = startPrefix(scene, scene.request());
    scene.client.reset();
    EXPECT_EQ(oss_resumable_prefix_download_wait(handle.get(), -1, nullptr, nullptr),
              OSS_RESUMABLE_ERR_CANCELLED);
}

TEST(Prefix, WrongArgumentsAreRefused) {
    const Scene scene({"a"});
    const auto request = scene.request();
    oss_resumable_prefix_result *result = nullptr;
    EXPECT_EQ(oss_resumable_download_prefix(nullptr, &request, &result, nullptr),
              OSS_RESUMABLE_ERR_VALIDATION);
    EXPECT_EQ(oss_resumable_download_prefix(scene.client.get(), nullptr, &result, nullptr),
              OSS_RESUMABLE_ERR_VALIDATION);
    auto wrong = request;
    wrong.directory = "/absent";
    EXPECT_EQ(download(scene, wrong).code, OSS_RESUMABLE_ERR_VALIDATION);
    oss_download_object_request objects = OSS_DOWNLOAD_OBJECT_REQUEST_INIT;
    wrong = request;
    wrong.objects = &objects;
    for (const auto change : {+[](oss_download_object_request &o) { o.key = "key"; },
                              +[](oss_download_object_request &o) { o.has_range = 1; },
                              +[](oss_download_object_request &o) {
                                  o.progress = [](const oss_resumable_status *, void *) {
                                      return int32_t(0);
                                  };
                              }}) {
        objects = OSS_DOWNLOAD_OBJECT_REQUEST_INIT;
        change(objects);
        EXPECT_EQ(download(scene, wrong).code, OSS_RESUMABLE_ERR_VALIDATION);
    }
    EXPECT_EQ(result, nullptr);
    objects = OSS_DOWNLOAD_OBJECT_REQUEST_INIT;
    objects.part_size = 200000;
    EXPECT_EQ(download(scene, wrong).code, OSS_RESUMABLE_OK);

    oss_resumable_prefix_object object = OSS_RESUMABLE_PREFIX_OBJECT_INIT;
    oss_resumable_prefix_counts counts = OSS_RESUMABLE_PREFIX_COUNTS_INIT;
    oss_resumable_prefix_status status = OSS_RESUMABLE_PREFIX_STATUS_INIT;
    EXPECT_EQ(oss_resumable_prefix_result_object(nullptr, 0, &object),
              OSS_RESUMABLE_ERR_VALIDATION);
    EXPECT_EQ(oss_resumable_prefix_result_counts(nullptr, &counts), OSS_RESUMABLE_ERR_VALIDATION);
    EXPECT_EQ(oss_resumable_prefix_download_status(nullptr, &status), OSS_RESUMABLE_ERR_VALIDATION);
    EXPECT_EQ(oss_resumable_prefix_download_cancel(nullptr), OSS_RESUMABLE_ERR_VALIDATION);
    EXPECT_EQ(oss_resumable_prefix_result_directory(nullptr), nullptr);
    oss_resumable_prefix_result_free(nullptr);
    oss_resumable_prefix_download_free(nullptr);
}

TEST(Prefix, InAForkedChildItIsRefused) {
    const Scene scene({"a"});
    auto handle = startPrefix(scene, scene.request());
    const pid_t child = fork();
    if (child == 0) {
        const bool refused = oss_resumable_prefix_download_wait(
                                 handle.get(), -1, nullptr, nullptr) == OSS_RESUMABLE_ERR_FORKED;
        oss_resumable_prefix_download_free(handle.release());
        _exit(refused ? 0 : 1);
    }
    int status = -1;
    ASSERT_EQ(waitpid(child, &status, 0), child);
    EXPECT_EQ(status, 0);
    EXPECT_EQ(oss_resumable_prefix_download_wait(handle.get(), -1, nullptr, nullptr),
              OSS_RESUMABLE_OK);
}
