/**
 * @file oss_resumable_sdk.hpp
 * @brief For programs that use the OSS C++ SDK (1.10): the SDK's client with this library's
 * downloads.
 *
 * Include this header instead of the SDK's, or after it, and change the type of the client:
 * @code
 * oss_resumable::OssClient client(endpoint, credentialsProvider, configuration);
 * client.SetRegion(region);
 * auto outcome = client.ResumableDownloadObject(request); // the SDK's request and outcome
 * @endcode
 * A client of encrypted objects becomes an oss_resumable::OssEncryptionClient in the same way,
 * unless the SDK was built with OSS_DISABLE_ENCRYPTION. Everything else is still the SDK's:
 * requests, credentials, configuration, errors, and every other operation of the client.
 * docs/migration.md describes the differences and the reasons.
 *
 * Programs can have the same without a change of their source, by linking alone: see
 * docs/migration.md.
 *
 * Requires C++11, but neither exceptions nor RTTI. In place of the SDK's default retry strategy,
 * the library's own policy is used.
 */
#ifndef OSS_RESUMABLE_SDK_HPP
#define OSS_RESUMABLE_SDK_HPP

#include <memory>
#include <string>

#include <alibabacloud/oss/OssClient.h>

#include "sdk_downloads.hpp"
#if !defined(OSS_DISABLE_ENCRYPTION)
#include "sdk_encryption.hpp"
#endif

namespace oss_resumable {

/**
 * The SDK's client with this library's ResumableDownloadObject().
 *
 * Copies share one client, and the class is thread-safe, as in the SDK. The functions replaced here
 * are not virtual: call them on this type, not through a reference to the SDK's class.
 */
class OssClient : public AlibabaCloud::OSS::OssClient {
    using Base = AlibabaCloud::OSS::OssClient;
    using Configuration = AlibabaCloud::OSS::ClientConfiguration;
    using SimpleProvider = AlibabaCloud::OSS::SimpleCredentialsProvider;

public:
    OssClient(const std::string &endpoint, const std::string &accessKeyId,
              const std::string &accessKeySecret, const Configuration &configuration)
        : OssClient(endpoint, accessKeyId, accessKeySecret, "", configuration) {}
    OssClient(const std::string &endpoint, const std::string &accessKeyId,
              const std::string &accessKeySecret, const std::string &securityToken,
              const Configuration &configuration)
        : OssClient(endpoint,
                    std::make_shared<SimpleProvider>(accessKeyId, accessKeySecret, securityToken),
                    configuration) {}
    OssClient(const std::string &endpoint, const AlibabaCloud::OSS::Credentials &credentials,
              const Configuration &configuration)
        : OssClient(endpoint, std::make_shared<SimpleProvider>(credentials), configuration) {}
    OssClient(const std::string &endpoint,
              const std::shared_ptr<AlibabaCloud::OSS::CredentialsProvider> &credentialsProvider,
              const Configuration &configuration)
        : Base(endpoint, credentialsProvider, configuration),
          downloads_(std::make_shared<detail::SdkDownloads>(endpoint, credentialsProvider,
                                                            configuration)) {}

    /** Downloads an object, blocking: resumes if possible, verifies the file and renames it. */
    AlibabaCloud::OSS::GetObjectOutcome
    ResumableDownloadObject(const AlibabaCloud::OSS::DownloadObjectRequest &request) const {
        return downloads_->download(request);
    }
    /** Sets the region for all operations, including running downloads. */
    void SetRegion(const std::string &region) {
        Base::SetRegion(region);
        downloads_->setRegion(region);
    }
    /** Downloads are rejected from then on, because the library does not sign for cloud boxes. */
    void SetCloudBoxId(const std::string &cloudboxId) {
        Base::SetCloudBoxId(cloudboxId);
        downloads_->setCloudBoxId(cloudboxId);
    }
    /** Ends running downloads with `ClientError:100002`, keeping their checkpoints, and refuses new
     * ones until EnableRequest() is called. */
    void DisableRequest() {
        Base::DisableRequest();
        downloads_->disable(true);
    }
    void EnableRequest() {
        Base::EnableRequest();
        downloads_->disable(false);
    }

private:
    std::shared_ptr<detail::SdkDownloads> downloads_;
};

} // namespace oss_resumable

#endif /* OSS_RESUMABLE_SDK_HPP */
