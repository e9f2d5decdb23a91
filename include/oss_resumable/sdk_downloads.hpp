/**
 * @file sdk_downloads.hpp
 * @brief The downloads of oss_resumable::OssClient. Include oss_resumable_sdk.hpp instead.
 */
#ifndef OSS_RESUMABLE_SDK_DOWNLOADS_HPP
#define OSS_RESUMABLE_SDK_DOWNLOADS_HPP

#include <algorithm>
#include <cstdint>
#include <memory>
#include <mutex>
#include <string>

#include <unistd.h>

#include <alibabacloud/oss/OssClient.h>
#include <alibabacloud/oss/client/RateLimiter.h>

#include "encryption.hpp"
#include "oss_resumable.hpp"
#include "sdk_conversion.hpp"

namespace oss_resumable {
namespace detail {

/** The download side of one SDK client and all its copies. */
class SdkDownloads {
public:
    SdkDownloads(const std::string &endpoint,
                 const std::shared_ptr<sdk::CredentialsProvider> &provider,
                 const sdk::ClientConfiguration &configuration,
                 const KeyUnwrapper &unwrapper = nullptr)
        : endpoint_(sdkEndpoint(endpoint, configuration.scheme)),
          refusal_(sdkRefusal(configuration, provider)),
          configuration_(sdkConfiguration(endpoint_, configuration, provider)),
          limiter_(configuration.recvRateLimiter),
          mostConnections_(
              std::min<uint32_t>(configuration.maxConnections, OSS_RESUMABLE_MAX_THREAD_NUM)) {
        configuration_.keyUnwrapper = unwrapper;
        if (unwrapper && !configuration_.userAgent.empty()) {
            // As the SDK's encryption client does.
            configuration_.userAgent += "/OssEncryptionClient";
        }
    }
    SdkDownloads(const SdkDownloads &) = delete;
    SdkDownloads &operator=(const SdkDownloads &) = delete;

    sdk::GetObjectOutcome download(const sdk::DownloadObjectRequest &request) {
        const std::string problem = refusalOf(request);
        if (!problem.empty()) {
            return sdk::GetObjectOutcome(sdk::OssError("ValidateError", problem));
        }
        const std::shared_ptr<Client> client = usableClient();
        DownloadObjectRequest ours = sdkRequest(request);
        ours.setThreadNum(std::min(request.ThreadNum(), mostConnections_));
        if (limiter_) {
            limit(*client);
            ours.setProgress([this, &client](const Status &) {
                limit(*client);
                return true;
            });
        }
        const DownloadOutcome outcome = client->ResumableDownloadObject(ours);
        return outcome.isSuccess() ? sdkOutcome(request, outcome.result())
                                   : sdk::GetObjectOutcome(sdkError(outcome.error()));
    }

    void setRegion(const std::string &region) {
        std::lock_guard<std::mutex> lock(mutex_);
        // V1 signatures contain no region, so the SDK accepts any value.
        if (configuration_.signatureVersion == SignatureVersionType::V1) {
            return;
        }
        configuration_.region = region;
        regionRefusal_ = region.empty() ? "the region is empty; V4 signatures need it" : "";
        if (isUsable() && !region.empty()) {
            regionRefusal_ = client_->SetRegion(region).Message();
        }
    }

    void setCloudBoxId(const std::string &id) {
        std::lock_guard<std::mutex> lock(mutex_);
        cloudBoxId_ = id;
    }

    void disable(bool disabled) {
        std::lock_guard<std::mutex> lock(mutex_);
        disabled_ = disabled;
        if (isUsable()) {
            apply(*client_);
        }
    }

private:
    std::string refusalOf(const sdk::DownloadObjectRequest &request) {
        std::lock_guard<std::mutex> lock(mutex_);
        if (!refusal_.empty()) {
            return refusal_;
        }
        if (!cloudBoxId_.empty()) {
            return "the library does not sign for cloud boxes; use a client without SetCloudBoxId";
        }
        if (!request.FilePathW().empty() || !request.CheckpointDirW().empty()) {
            return "paths of wide characters are for Windows only; pass UTF-8 strings";
        }
        return regionRefusal_;
    }

    /** Created by the first download, so that a program may fork before it, and again in a forked
     * child. */
    std::shared_ptr<Client> usableClient() {
        std::lock_guard<std::mutex> lock(mutex_);
        if (!isUsable()) {
            client_ = std::make_shared<Client>(endpoint_, configuration_);
            process_ = getpid();
            apply(*client_);
        }
        return client_;
    }

    bool isUsable() const { return client_ && client_->isValid() && process_ == getpid(); }

    void apply(Client &client) const {
        if (disabled_) {
            client.DisableRequest();
        } else {
            client.EnableRequest();
        }
    }

    /** The SDK's unit is KiB per second; without a limiter there is no limit. */
    void limit(Client &client) const {
        const int rate = limiter_->Rate();
        client.SetBandwidth(rate > 0 ? static_cast<uint64_t>(rate) * 1024 : 0);
    }

    const std::string endpoint_;
    const std::string refusal_;
    ClientConfiguration configuration_;
    const std::shared_ptr<sdk::RateLimiter> limiter_;
    const uint32_t mostConnections_;

    std::mutex mutex_;
    std::shared_ptr<Client> client_;
    pid_t process_ = 0;
    std::string regionRefusal_, cloudBoxId_;
    bool disabled_ = false;
};

} // namespace detail
} // namespace oss_resumable

#endif /* OSS_RESUMABLE_SDK_DOWNLOADS_HPP */
