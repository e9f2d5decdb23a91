/**
 * @file sdk_encryption.hpp
 * @brief The SDK's encryption client with this library's downloads. Include oss_resumable_sdk.hpp
 * instead.
 */
#ifndef OSS_RESUMABLE_SDK_ENCRYPTION_HPP
#define OSS_RESUMABLE_SDK_ENCRYPTION_HPP

#include <memory>
#include <string>

#include <alibabacloud/oss/OssEncryptionClient.h>

#include "encryption.hpp"
#include "sdk_downloads.hpp"

namespace oss_resumable {
namespace detail {

/** Unwraps a content key as the SDK does: by the program's encryption materials. */
inline ContentKey sdkContentKey(const std::shared_ptr<sdk::EncryptionMaterials> &materials,
                                const WrappedKey &wrapped) {
    ContentKey answer;
    if (!materials) {
        answer.error = "the client has no encryption materials";
        return answer;
    }
    sdk::ContentCryptoMaterial material;
    // The only cipher there is; the library has compared it with the object's.
    material.setCipherName("AES/CTR/NoPadding");
    material.setKeyWrapAlgorithm(wrapped.wrapAlgorithm);
    material.setDescription(wrapped.description);
    material.setEncryptedContentKey(wrapped.encryptedKey);
    material.setEncryptedContentIV(wrapped.encryptedIv);
    const int failure = materials->DecryptCEK(material);
    if (failure != 0) {
        answer.error = "DecryptCEK fail, return value:" + std::to_string(failure);
    } else {
        answer.key = material.ContentKey();
        answer.iv = material.ContentIV();
    }
    return answer;
}

} // namespace detail

/**
 * The SDK's encryption client with this library's ResumableDownloadObject(), which unwraps content
 * keys through the EncryptionMaterials of the client. Objects that are not encrypted are downloaded
 * as they are.
 *
 * The same holds for it as for OssClient. `DecryptCEK` is called on a thread of its own, for
 * several downloads possibly at once.
 */
class OssEncryptionClient : public AlibabaCloud::OSS::OssEncryptionClient {
    using Base = AlibabaCloud::OSS::OssEncryptionClient;
    using Configuration = AlibabaCloud::OSS::ClientConfiguration;
    using CryptoConfiguration = AlibabaCloud::OSS::CryptoConfiguration;
    using Materials = std::shared_ptr<AlibabaCloud::OSS::EncryptionMaterials>;
    using SimpleProvider = AlibabaCloud::OSS::SimpleCredentialsProvider;

public:
    OssEncryptionClient(const std::string &endpoint, const std::string &accessKeyId,
                        const std::string &accessKeySecret, const Configuration &configuration,
                        const Materials &encryptionMaterials,
                        const CryptoConfiguration &cryptoConfig)
        : OssEncryptionClient(endpoint, accessKeyId, accessKeySecret, "", configuration,
                              encryptionMaterials, cryptoConfig) {}
    OssEncryptionClient(const std::string &endpoint, const std::string &accessKeyId,
                        const std::string &accessKeySecret, const std::string &securityToken,
                        const Configuration &configuration, const Materials &encryptionMaterials,
                        const CryptoConfiguration &cryptoConfig)
        : OssEncryptionClient(
              endpoint,
              std::make_shared<SimpleProvider>(accessKeyId, accessKeySecret, securityToken),
              configuration, encryptionMaterials, cryptoConfig) {}
    OssEncryptionClient(
        const std::string &endpoint,
        const std::shared_ptr<AlibabaCloud::OSS::CredentialsProvider> &credentialsProvider,
        const Configuration &configuration, const Materials &encryptionMaterials,
        const CryptoConfiguration &cryptoConfig)
        : Base(endpoint, credentialsProvider, configuration, encryptionMaterials, cryptoConfig),
          downloads_(std::make_shared<detail::SdkDownloads>(
              endpoint, credentialsProvider, configuration,
              [encryptionMaterials](const WrappedKey &wrapped) {
                  return detail::sdkContentKey(encryptionMaterials, wrapped);
              })) {}

    /** Downloads an object and decrypts it, blocking: resumes if possible, verifies the file and
     * renames it. */
    AlibabaCloud::OSS::GetObjectOutcome
    ResumableDownloadObject(const AlibabaCloud::OSS::DownloadObjectRequest &request) const {
        return downloads_->download(request);
    }
    /** See OssClient. */
    void SetRegion(const std::string &region) {
        Base::SetRegion(region);
        downloads_->setRegion(region);
    }
    /** See OssClient. */
    void SetCloudBoxId(const std::string &cloudboxId) {
        Base::SetCloudBoxId(cloudboxId);
        downloads_->setCloudBoxId(cloudboxId);
    }
    /** See OssClient. */
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

#endif /* OSS_RESUMABLE_SDK_ENCRYPTION_HPP */
