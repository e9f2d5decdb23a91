// A client that encrypts. It hides the functions of the other, which are not virtual.
#pragma once

#include <alibabacloud/oss/OssClient.h>

namespace AlibabaCloud {
namespace OSS {

class EncryptionMaterials;
class CryptoConfiguration {};

class OssEncryptionClient : public OssClient {
public:
    OssEncryptionClient(const std::string &endpoint, const std::string &accessKeyId,
                        const std::string &accessKeySecret,
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
