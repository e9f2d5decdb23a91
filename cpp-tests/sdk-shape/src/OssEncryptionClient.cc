// In a file of its own, as in the SDK: it reaches the other client's constructor through a symbol.
#include <alibabacloud/oss/OssEncryptionClient.h>

namespace AlibabaCloud {
namespace OSS {

OssEncryptionClient::OssEncryptionClient(
    const std::string &endpoint, const std::string &accessKeyId, const std::string &accessKeySecret,
    const ClientConfiguration &configuration,
    const std::shared_ptr<EncryptionMaterials> &encryptionMaterials, const CryptoConfiguration &)
    : OssClient(endpoint, accessKeyId, accessKeySecret, configuration),
      materials_(encryptionMaterials) {}

OssEncryptionClient::OssEncryptionClient(
    const std::string &endpoint, const std::string &accessKeyId, const std::string &accessKeySecret,
    const std::string &securityToken, const ClientConfiguration &configuration,
    const std::shared_ptr<EncryptionMaterials> &encryptionMaterials, const CryptoConfiguration &)
    : OssClient(endpoint, accessKeyId, accessKeySecret, securityToken, configuration),
      materials_(encryptionMaterials) {}

OssEncryptionClient::OssEncryptionClient(
    const std::string &endpoint, const std::shared_ptr<CredentialsProvider> &credentialsProvider,
    const ClientConfiguration &configuration,
    const std::shared_ptr<EncryptionMaterials> &encryptionMaterials, const CryptoConfiguration &)
    : OssClient(endpoint, credentialsProvider, configuration), materials_(encryptionMaterials) {}

OssEncryptionClient::~OssEncryptionClient() {}

GetObjectOutcome OssEncryptionClient::ResumableDownloadObject(const DownloadObjectRequest &) const {
    return GetObjectOutcome(OssError("EncryptionShape", "this would be the SDK's own download"));
}

} // namespace OSS
} // namespace AlibabaCloud
