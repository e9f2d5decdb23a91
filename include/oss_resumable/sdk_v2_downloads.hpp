/**
 * @file sdk_v2_downloads.hpp
 * @brief The state that a Downloader and its copies share. Include oss_resumable_sdk_v2.hpp
 * instead.
 */
#ifndef OSS_RESUMABLE_SDK_V2_DOWNLOADS_HPP
#define OSS_RESUMABLE_SDK_V2_DOWNLOADS_HPP

#include <atomic>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <utility>

#include <unistd.h>

#include "oss_resumable.hpp"
#include "sdk_v2_configuration.hpp"
#include "sdk_v2_outcome.hpp"
#include "sdk_v2_request.hpp"

namespace oss_resumable {
namespace detail {

class Sdk2Downloads {
public:
    using Outcome = sdk2::Outcome<sdk2::models::GetObjectResult, sdk2::OperationError>;

    Sdk2Downloads(sdk2::ClientConfiguration configuration,
                  std::optional<sdk2::CurlTransportOptions> transport)
        : configuration_(std::move(configuration)), transport_(std::move(transport)) {}
    Sdk2Downloads(const Sdk2Downloads &) = delete;
    Sdk2Downloads &operator=(const Sdk2Downloads &) = delete;

    Outcome download(const sdk2::models::GetObjectRequest &request, const std::string &filePath,
                     const oss2::DownloadOptions &options,
                     const sdk2::OperationOptions *operation) {
        const std::string target = "oss://" + request.getBucket() + "/" + request.getKey();
        const auto token = operation ? operation->cancellationToken : std::nullopt;
        const auto cancelled = [&token] { return token && token->isCanceled(); };
        std::string problem;
        DownloadObjectRequest ours = sdk2Request(request, filePath, options, problem);
        const auto client = problem.empty() ? clientFor(operation, problem) : nullptr;
        if (!client) {
            return sdk2::makeUnexpected(sdk2OperationError(Error::validation(problem), target));
        }
        const unsigned disabledBefore = timesDisabled_;
        const auto disabled = [this, disabledBefore] {
            return disabled_ || timesDisabled_ != disabledBefore;
        };
        if (disabled() || cancelled()) {
            return sdk2::makeUnexpected(stopped(disabled(), target));
        }
        ours.setProgress([&disabled, &cancelled, &options](const Status &status) {
            return !disabled() && !cancelled() && (!options.progress || options.progress(status));
        });
        const DownloadOutcome outcome = client->ResumableDownloadObject(ours);
        if (outcome.isSuccess()) {
            return sdk2Result(outcome.result(), static_cast<std::uint64_t>(ours.RangeStart()),
                              ours.RangeIsSet());
        }
        const bool isStopped =
            outcome.error().Kind() == OSS_RESUMABLE_ERR_CANCELLED && (disabled() || cancelled());
        return sdk2::makeUnexpected(isStopped ? stopped(disabled(), target)
                                              : sdk2OperationError(outcome.error(), target));
    }

    /** Running downloads end even if requests are enabled again at once. */
    void disable() {
        disabled_ = true;
        timesDisabled_ += 1;
    }
    void enable() { disabled_ = false; }

private:
    /** The same error as from the SDK's client. */
    static sdk2::OperationError stopped(bool disabled, const std::string &target) {
        using Client = sdk2::ClientErrorCode;
        using Transport = sdk2::TransportErrorCode;
        return disabled
                   ? sdk2OperationError(
                         {"RequestDisabled", make_error_code(Client::OperationCanceled)},
                         "Request disabled by client", target)
                   : sdk2OperationError({"RequestCanceled", make_error_code(Transport::Canceled)},
                                        "Request canceled by CancellationToken", target);
    }

    /** The client is created by the first download, so that a program may fork before it, and again
     * in a forked child. A call with its own limits gets its own client. Null on failure. */
    std::shared_ptr<Client> clientFor(const sdk2::OperationOptions *operation,
                                      std::string &problem) {
        if (operation && (operation->retryMaxAttempts || operation->readWriteTimeout)) {
            return newClient(operation, problem);
        }
        std::lock_guard<std::mutex> lock(mutex_);
        if (!client_ || process_ != getpid()) {
            client_ = newClient(nullptr, problem);
            process_ = getpid();
        }
        return client_;
    }

    std::shared_ptr<Client> newClient(const sdk2::OperationOptions *operation,
                                      std::string &problem) const {
        const auto configuration = sdk2Configuration(
            configuration_, transport_ ? &*transport_ : nullptr, operation, problem);
        if (!problem.empty()) {
            return nullptr;
        }
        auto client = std::make_shared<Client>(sdk2Endpoint(configuration_), configuration);
        problem = client->error().Message();
        return client->isValid() ? client : nullptr;
    }

    const sdk2::ClientConfiguration configuration_;
    const std::optional<sdk2::CurlTransportOptions> transport_;

    std::mutex mutex_;
    std::shared_ptr<Client> client_;
    pid_t process_ = 0;
    std::atomic<bool> disabled_{false};
    std::atomic<unsigned> timesDisabled_{0};
};

} // namespace detail
} // namespace oss_resumable

#endif /* OSS_RESUMABLE_SDK_V2_DOWNLOADS_HPP */
