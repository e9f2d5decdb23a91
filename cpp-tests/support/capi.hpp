// Helpers to call the C API in tests.
#ifndef TESTS_CAPI_HPP
#define TESTS_CAPI_HPP

#include <memory>
#include <string>

#include <oss_resumable/oss_resumable.h>

namespace tests {

struct Free {
    void operator()(oss_resumable_client *x) const { oss_resumable_client_free(x); }
    void operator()(oss_resumable_download *x) const { oss_resumable_download_free(x); }
    void operator()(oss_resumable_result *x) const { oss_resumable_result_free(x); }
    void operator()(oss_resumable_error *x) const { oss_resumable_error_free(x); }
    void operator()(oss_resumable_event_queue *x) const { oss_resumable_event_queue_free(x); }
    void operator()(oss_resumable_prefix_download *x) const {
        oss_resumable_prefix_download_free(x);
    }
    void operator()(oss_resumable_prefix_result *x) const { oss_resumable_prefix_result_free(x); }
    void operator()(oss_resumable_listing *x) const { oss_resumable_listing_free(x); }
};
using ClientPtr = std::unique_ptr<oss_resumable_client, Free>;
using DownloadPtr = std::unique_ptr<oss_resumable_download, Free>;
using ResultPtr = std::unique_ptr<oss_resumable_result, Free>;
using ErrorPtr = std::unique_ptr<oss_resumable_error, Free>;
using ListingPtr = std::unique_ptr<oss_resumable_listing, Free>;
using PrefixPtr = std::unique_ptr<oss_resumable_prefix_download, Free>;
using PrefixResultPtr = std::unique_ptr<oss_resumable_prefix_result, Free>;
using QueuePtr = std::unique_ptr<oss_resumable_event_queue, Free>;

// Options for an endpoint; they own its text.
class Options : public oss_resumable_client_options {
public:
    explicit Options(const std::string &at)
        : oss_resumable_client_options(OSS_RESUMABLE_CLIENT_OPTIONS_INIT), at_(at) {
        endpoint = at_.c_str();
        region = "cn-hangzhou";
        anonymous = OSS_RESUMABLE_ON;
    }
    Options(const Options &) = delete;
    Options &operator=(const Options &) = delete;

private:
    std::string at_;
};

// A request for a key and a file; it owns their texts.
class Request : public oss_download_object_request {
public:
    Request(const char *from, const std::string &to)
        : oss_download_object_request(OSS_DOWNLOAD_OBJECT_REQUEST_INIT), to_(to) {
        bucket = "examplebucket";
        key = from;
        file_path = to_.c_str();
        flush = OSS_RESUMABLE_OFF;
    }
    Request(const Request &) = delete;
    Request &operator=(const Request &) = delete;

private:
    std::string to_;
};

inline ClientPtr newClient(const oss_resumable_client_options &options) {
    oss_resumable_client *client = nullptr;
    oss_resumable_client_new(&options, &client, nullptr);
    return ClientPtr(client);
}

inline DownloadPtr start(const ClientPtr &client, const oss_download_object_request &request) {
    oss_resumable_download *download = nullptr;
    oss_resumable_download_start(client.get(), &request, &download, nullptr);
    return DownloadPtr(download);
}

inline QueuePtr newQueue() {
    oss_resumable_event_queue *queue = nullptr;
    oss_resumable_event_queue_new(&queue, nullptr);
    return QueuePtr(queue);
}

// The result of a blocking download.
struct Ended {
    oss_resumable_code code;
    ResultPtr result;
    ErrorPtr error;

    std::string errorCode() const { return error ? oss_resumable_error_code(error.get()) : ""; }
    std::string message() const { return error ? oss_resumable_error_message(error.get()) : ""; }
    oss_resumable_statistics statistics() const {
        oss_resumable_statistics statistics = OSS_RESUMABLE_STATISTICS_INIT;
        oss_resumable_result_stats(result.get(), &statistics);
        return statistics;
    }
};

inline Ended download(const ClientPtr &client, const oss_download_object_request &request) {
    oss_resumable_result *result = nullptr;
    oss_resumable_error *error = nullptr;
    const auto code = oss_resumable_download_object(client.get(), &request, &result, &error);
    return Ended{code, ResultPtr(result), ErrorPtr(error)};
}

inline Ended wait(const DownloadPtr &handle, int64_t timeout_ms = -1) {
    oss_resumable_result *result = nullptr;
    oss_resumable_error *error = nullptr;
    const auto code = oss_resumable_download_wait(handle.get(), timeout_ms, &result, &error);
    return Ended{code, ResultPtr(result), ErrorPtr(error)};
}

inline oss_resumable_status statusOf(const DownloadPtr &handle) {
    oss_resumable_status status = OSS_RESUMABLE_STATUS_INIT;
    oss_resumable_download_status(handle.get(), &status);
    return status;
}

} // namespace tests

#endif
