/**
 * @file oss_resumable_sdk_v2.hpp
 * @brief For programs that use the OSS C++ SDK v2 (alibabacloud-oss-cpp-sdk-v2, 0.1): resumable
 * downloads with the SDK's own types.
 *
 * @code
 * namespace oss = alibabacloud::oss2;
 * oss_resumable::oss2::Downloader downloader(configuration); // the oss::ClientConfiguration
 * oss_resumable::oss2::DownloadOptions options;
 * options.checkpointDir = "checkpoints";
 * auto outcome = downloader.downloadFile(
 *     oss::models::GetObjectRequest().setBucket("examplebucket").setKey("exampleobject"),
 *     "examplefile", options);
 * if (!outcome.has_value()) {
 *     std::cerr << outcome.error().getCode() << ": " << outcome.error().getMessage() << std::endl;
 * }
 * @endcode
 * docs/migration.md describes how each field is used.
 *
 * Requires C++17, but neither exceptions nor RTTI. The outcome is the SDK's own class, or
 * std::expected (C++23) if the SDK was built with it.
 */
#ifndef OSS_RESUMABLE_SDK_V2_HPP
#define OSS_RESUMABLE_SDK_V2_HPP

#include <memory>
#include <optional>
#include <string>

#include "sdk_v2_downloads.hpp"

namespace oss_resumable {
namespace oss2 {

/** The outcome of the SDK's getObject(). The result of a download has no body. */
using GetObjectOutcome = detail::Sdk2Downloads::Outcome;

/**
 * Downloads objects to files. Requests are addressed, signed and sent as by the SDK's client with
 * the same configuration.
 *
 * Thread-safe. Copies share connections; the end of the last one waits for a running call of the
 * credentials provider. The configuration is converted when the first download
 * starts; a download with an unsupported setting fails with the code `ArgumentInvalid`.
 */
class Downloader {
    using Configuration = ::alibabacloud::oss2::ClientConfiguration;
    using Transport = ::alibabacloud::oss2::CurlTransportOptions;
    using Operation = ::alibabacloud::oss2::OperationOptions;
    using Request = ::alibabacloud::oss2::models::GetObjectRequest;

public:
    explicit Downloader(const Configuration &configuration)
        : downloads_(std::make_shared<detail::Sdk2Downloads>(configuration, std::nullopt)) {}
    /** `transport` has certificates, a network interface and the proxy's credentials: pass the
     * options from which the configuration's `httpTransport` was created. Values set in it have
     * precedence over the configuration's, which are ignored if `httpTransport` is set. */
    Downloader(const Configuration &configuration, const Transport &transport)
        : downloads_(std::make_shared<detail::Sdk2Downloads>(configuration, transport)) {}
    /** Moving copies, so that the other one may still be used. */
    Downloader(const Downloader &) = default;
    Downloader &operator=(const Downloader &) = default;

    /** Downloads an object, blocking: resumes if possible, verifies the file and renames it to
     * `filePath`. An exception of a progress callback cancels the download and leaves this
     * function.
     *
     * `operation` may be null. Its cancellation token cancels the download and keeps the
     * checkpoint. Calls with the same `retryMaxAttempts` and `readWriteTimeout` share connections,
     * which are kept until the last copy of this object ends. */
    GetObjectOutcome downloadFile(const Request &request, const std::string &filePath,
                                  const DownloadOptions &options = DownloadOptions(),
                                  const Operation *operation = nullptr) const {
        // A callback may end the last Downloader.
        const auto held = downloads_;
        return held->download(request, filePath, options, operation);
    }
    /** Has the parameters of the SDK's getObjectToFile(). */
    GetObjectOutcome downloadFile(const Request &request, const std::string &filePath,
                                  const Operation *operation) const {
        const auto held = downloads_;
        return held->download(request, filePath, DownloadOptions(), operation);
    }

    /** Ends running downloads, keeping their checkpoints, and refuses new ones with the code
     * `RequestDisabled` until enableRequest() is called. */
    void disableRequest() { downloads_->disable(); }
    void enableRequest() { downloads_->enable(); }

private:
    std::shared_ptr<detail::Sdk2Downloads> downloads_;
};

} // namespace oss2
} // namespace oss_resumable

#endif /* OSS_RESUMABLE_SDK_V2_HPP */
