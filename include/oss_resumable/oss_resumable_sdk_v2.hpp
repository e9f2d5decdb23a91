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
 * docs/migration.md describes each field and the differences.
 *
 * Requires C++17, but neither exceptions nor RTTI. Works with the SDK's own Outcome and, where the
 * SDK was built so, with std::expected (C++23).
 */
#ifndef OSS_RESUMABLE_SDK_V2_HPP
#define OSS_RESUMABLE_SDK_V2_HPP

#include <memory>
#include <optional>
#include <string>

#include "sdk_v2_downloads.hpp"

namespace oss_resumable {
namespace oss2 {

/** What the SDK's getObject() returns; of a download, the result has no body. */
using GetObjectOutcome = detail::Sdk2Downloads::Outcome;

/**
 * Downloads objects to files, as the SDK's client with the same configuration would address, sign
 * and send its requests.
 *
 * Thread-safe; copies share connections. The configuration is read when the first download starts,
 * and a setting that cannot be honoured is its error, with the code `ArgumentInvalid`.
 */
class Downloader {
    using Configuration = ::alibabacloud::oss2::ClientConfiguration;
    using Transport = ::alibabacloud::oss2::CurlTransportOptions;
    using Operation = ::alibabacloud::oss2::OperationOptions;
    using Request = ::alibabacloud::oss2::models::GetObjectRequest;

public:
    explicit Downloader(const Configuration &configuration)
        : downloads_(std::make_shared<detail::Sdk2Downloads>(configuration, std::nullopt)) {}
    /** With the options that the configuration's `httpTransport` was made with: certificates,
     * network interface and the proxy's credentials. Values set here have precedence over those of
     * the configuration. */
    Downloader(const Configuration &configuration, const Transport &transport)
        : downloads_(std::make_shared<detail::Sdk2Downloads>(configuration, transport)) {}

    /** Downloads an object and blocks until the end: resumes an earlier run if possible, verifies
     * the file and renames it to `filePath`. An exception of a progress callback cancels the
     * download and is thrown on.
     *
     * `operation` may be null. Its cancellation token ends the download, whose checkpoint stays;
     * with `retryMaxAttempts` or `readWriteTimeout` the call has connections of its own. */
    GetObjectOutcome downloadFile(const Request &request, const std::string &filePath,
                                  const DownloadOptions &options = DownloadOptions(),
                                  const Operation *operation = nullptr) const {
        return downloads_->download(request, filePath, options, operation);
    }
    /** The same with the parameters of the SDK's getObjectToFile(). */
    GetObjectOutcome downloadFile(const Request &request, const std::string &filePath,
                                  const Operation *operation) const {
        return downloads_->download(request, filePath, DownloadOptions(), operation);
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
