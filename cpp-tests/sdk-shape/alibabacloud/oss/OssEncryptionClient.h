// The client that encrypts and decrypts.
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
    OssEncryptionClient(const std::string &endpoint, const std::string &id,
                        const std::string &secret, const ClientConfiguration &configuration,
                        const std::shared_ptr<EncryptionMaterials> &, const CryptoConfiguration &)
        : OssClient(endpoint, id, secret, configuration) {}
    OssEncryptionClient(const std::string &endpoint, const std::string &id,
                        const std::string &secret, const std::string &token,
                        const ClientConfiguration &configuration,
                        const std::shared_ptr<EncryptionMaterials> &, const CryptoConfiguration &)
        : OssClient(endpoint, id, secret, token, configuration) {}
    OssEncryptionClient(const std::string &endpoint,
                        const std::shared_ptr<CredentialsProvider> &provider,
                        const ClientConfiguration &configuration,
                        const std::shared_ptr<EncryptionMaterials> &, const CryptoConfiguration &)
        : OssClient(endpoint, provider, configuration) {}

    GetObjectOutcome ResumableDownloadObject(const DownloadObjectRequest &) const {
        return GetObjectOutcome(OssError("Shape", "only the shape of a client"));
    }
};

} // namespace OSS
} // namespace AlibabaCloud
