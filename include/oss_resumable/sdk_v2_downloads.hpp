/**
 * @file sdk_v2_downloads.hpp
 * @brief The state that a Downloader and its copies share. Include oss_resumable_sdk_v2.hpp
 * instead.
 */
#ifndef OSS_RESUMABLE_SDK_V2_DOWNLOADS_HPP
#define OSS_RESUMABLE_SDK_V2_DOWNLOADS_HPP

#include <atomic>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <utility>

#include <unistd.h>

#include <alibabacloud/oss2/Operation.h>
#include <alibabacloud/oss2/transport/curl/CurlTransportOptions.h>

#include "oss_resumable.hpp"
#include "sdk_v2_configuration.hpp"
#include "sdk_v2_outcome.hpp"
#include "sdk_v2_request.hpp"

namespace oss_resumable {
namespace detail {

/** Whether the options of a transport disable requests. Some versions of the SDK have no such
 * field; for these, the second function is chosen. */
template <typename Options>
auto sdk2IsDisabled(const Options &options, int)
    -> decltype(static_cast<bool>(options.isRequestDisabled())) {
    return options.isRequestDisabled && options.isRequestDisabled();
}
template <typename Options> bool sdk2IsDisabled(const Options &, long) { return false; }

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
        const auto shared = problem.empty() ? clientFor(operation, problem) : nullptr;
        if (!shared) {
            return sdk2::makeUnexpected(sdk2OperationError(Error::validation(problem), target));
        }
        const unsigned disabledBefore = timesDisabled_;
        bool wasDisabled = false;
        const auto disabled = [this, disabledBefore, &wasDisabled] {
            wasDisabled = wasDisabled || disabled_ || timesDisabled_ != disabledBefore ||
                          (transport_ && sdk2IsDisabled(*transport_, 0));
            return wasDisabled;
        };
        if (disabled() || cancelled()) {
            return sdk2::makeUnexpected(stopped(disabled(), target));
        }
        ours.setProgress([&disabled, &cancelled, &options](const Status &status) {
            return !disabled() && !cancelled() && (!options.progress || options.progress(status));
        });
        const DownloadOutcome outcome = shared->client.ResumableDownloadObject(ours);
        if (outcome.isSuccess()) {
            return sdk2Result(outcome.result(), static_cast<std::uint64_t>(ours.RangeStart()),
                              ours.RangeIsSet());
        }
        const bool isStopped =
            outcome.error().Kind() == OSS_RESUMABLE_ERR_CANCELLED && (wasDisabled || cancelled());
        return sdk2::makeUnexpected(
            isStopped ? stopped(wasDisabled, target)
                      : sdk2OperationError(outcome.error(), target, shared->retries->answer));
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

    struct SharedClient {
        Client client;
        std::shared_ptr<Sdk2Retries> retries;
    };

    /** A client is created by the first download with its limits, so that a program may fork before
     * it, and again in a forked child. It is kept: the end of a client waits for the credentials
     * provider. Null on failure. */
    std::shared_ptr<SharedClient> clientFor(const sdk2::OperationOptions *operation,
                                            std::string &problem) {
        const Sdk2Limits limits =
            operation ? Sdk2Limits{operation->retryMaxAttempts, operation->readWriteTimeout}
                      : Sdk2Limits();
        std::lock_guard<std::mutex> lock(mutex_);
        if (process_ != getpid()) {
            clients_.clear();
            // In a forked child, nothing unlocks the mutex of a call that the parent had begun.
            provider_ = std::make_shared<Sdk2Provider>(configuration_.credentialsProvider);
            process_ = getpid();
        }
        auto &client = clients_[limits];
        if (!client) {
            client = newClient(limits, problem);
        }
        return client;
    }

    std::shared_ptr<SharedClient> newClient(const Sdk2Limits &limits, std::string &problem) const {
        const auto retries = std::make_shared<Sdk2Retries>(configuration_);
        const auto configuration =
            sdk2Configuration(configuration_, transport_ ? &*transport_ : nullptr, limits,
                              provider_, retries, problem);
        if (!problem.empty()) {
            return nullptr;
        }
        const std::shared_ptr<SharedClient> shared(
            new SharedClient{Client(sdk2Endpoint(configuration_), configuration), retries});
        problem = shared->client.error().Message();
        return shared->client.isValid() ? shared : nullptr;
    }

    const sdk2::ClientConfiguration configuration_;
    const std::optional<sdk2::CurlTransportOptions> transport_;

    std::mutex mutex_;
    std::map<Sdk2Limits, std::shared_ptr<SharedClient>> clients_;
    std::shared_ptr<Sdk2Provider> provider_;
    pid_t process_ = 0;
    std::atomic<bool> disabled_{false};
    std::atomic<unsigned> timesDisabled_{0};
};

} // namespace detail
} // namespace oss_resumable

#endif /* OSS_RESUMABLE_SDK_V2_DOWNLOADS_HPP */
