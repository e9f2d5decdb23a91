/**
 * @file sdk_encryption.hpp
 * @brief The SDK's encryption client with this library's downloads. Include oss_resumable_sdk.hpp
 * instead.
 */
#ifndef OSS_RESUMABLE_SDK_ENCRYPTION_HPP
#define OSS_RESUMABLE_SDK_ENCRYPTION_HPP

#include <algorithm>
#include <memory>
#include <string>

#include <strings.h>

#include <alibabacloud/oss/OssEncryptionClient.h>

#include "encryption.hpp"
#include "sdk_downloads.hpp"

namespace oss_resumable {
namespace detail {

/** Whether a content key is wrapped as SimpleRSAEncryptionMaterials do it; it ignores case too. */
inline bool sdkIsRsaWrapped(const WrappedKey &wrapped) {
    return strcasecmp(wrapped.wrapAlgorithm.c_str(), "RSA/NONE/PKCS1Padding") == 0;
}

/** Why RSA cannot have wrapped a key so; empty if it can. Both texts have the length of the
 * modulus. The SDK reads that many bytes of them, however many there are, if it was built with an
 * OpenSSL before 3. */
inline std::string sdkWrappedKeyProblem(const WrappedKey &wrapped) {
    const size_t size = wrapped.encryptedKey.size();
    if (size == wrapped.encryptedIv.size() && size >= 128) {
        return "";
    }
    return "the wrapped key has " + std::to_string(size) + " bytes and the wrapped IV has " +
           std::to_string(wrapped.encryptedIv.size()) +
           "; RSA makes both of one length, 128 bytes or more";
}

/** Whether bytes 8 to 11 are zero, as all SDKs make them. A text that is unwrapped with a wrong RSA
 * key is random bytes and no error since OpenSSL 3.2, and only this tells them from an IV. */
inline bool sdkIsGeneratedIv(const Bytes &iv) {
    return iv.size() == 16 && std::all_of(iv.begin() + 8, iv.begin() + 12,
                                          [](unsigned char byte) { return byte == 0; });
}

/** Unwraps a content key as the SDK does: by the program's encryption materials. */
inline ContentKey sdkContentKey(const std::shared_ptr<sdk::EncryptionMaterials> &materials,
                                const WrappedKey &wrapped) {
    ContentKey answer;
    if (!materials) {
        answer.error = "the client has no encryption materials";
        return answer;
    }
    const bool isRsa = sdkIsRsaWrapped(wrapped);
    if (isRsa) {
        answer.error = sdkWrappedKeyProblem(wrapped);
        if (!answer.error.empty()) {
            return answer;
        }
    }
    sdk::ContentCryptoMaterial material;
    // It hands out its own key and IV, which are not constant, and never overwrites them.
    const WipedAtEnd key(const_cast<Bytes &>(material.ContentKey()));
    const WipedAtEnd iv(const_cast<Bytes &>(material.ContentIV()));
    // The only cipher there is; the library has compared it with the object's.
    material.setCipherName("AES/CTR/NoPadding");
    material.setKeyWrapAlgorithm(wrapped.wrapAlgorithm);
    material.setDescription(wrapped.description);
    material.setEncryptedContentKey(wrapped.encryptedKey);
    material.setEncryptedContentIV(wrapped.encryptedIv);
    const int failure = materials->DecryptCEK(material);
    if (failure != 0) {
        answer.error = "DecryptCEK fail, return value:" + std::to_string(failure);
    } else if (isRsa && !sdkIsGeneratedIv(material.ContentIV())) {
        answer.error =
            "DecryptCEK returned something that is not an IV of the OSS SDKs: the RSA key "
            "is wrong, or the wrapped key is damaged";
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
