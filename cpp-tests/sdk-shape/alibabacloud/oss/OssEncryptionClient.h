// The client that encrypts and decrypts. It hides the functions of the other client, which are not
// virtual.
#pragma once

#include <memory>
#include <string>

#include <alibabacloud/oss/OssClient.h>
#include <alibabacloud/oss/encryption/CryptoConfiguration.h>
#include <alibabacloud/oss/encryption/EncryptionMaterials.h>

namespace AlibabaCloud {
namespace OSS {

class OssEncryptionClient : public OssClient {
public:
    OssEncryptionClient(const std::string &endpoint, const std::string &accessKeyId,
                        const std::string &accessKeySecret,
                        const ClientConfiguration &configuration,
                        const std::shared_ptr<EncryptionMaterials> &encryptionMaterials,
                        const CryptoConfiguration &cryptoConfig);
    OssEncryptionClient(const std::string &endpoint, const std::string &accessKeyId,
                        const std::string &accessKeySecret, const std::string &securityToken,
                        const ClientConfiguration &configuration,
                        const std::shared_ptr<EncryptionMaterials> &encryptionMaterials,
                        const CryptoConfiguration &cryptoConfig);
    OssEncryptionClient(const std::string &endpoint,
                        const std::shared_ptr<CredentialsProvider> &credentialsProvider,
                        const ClientConfiguration &configuration,
                        const std::shared_ptr<EncryptionMaterials> &encryptionMaterials,
                        const CryptoConfiguration &cryptoConfig);
    virtual ~OssEncryptionClient();

    GetObjectOutcome ResumableDownloadObject(const DownloadObjectRequest &request) const;

private:
    std::shared_ptr<EncryptionMaterials> materials_;
};

} // namespace OSS
} // namespace AlibabaCloud
