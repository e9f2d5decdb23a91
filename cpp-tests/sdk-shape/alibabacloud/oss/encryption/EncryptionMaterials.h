// What wraps and unwraps content keys.
#pragma once

#include <alibabacloud/oss/encryption/ContentCryptoMaterial.h>

namespace AlibabaCloud {
namespace OSS {

class EncryptionMaterials {
public:
    virtual ~EncryptionMaterials() {}
    virtual int EncryptCEK(ContentCryptoMaterial &material) = 0;
    virtual int DecryptCEK(ContentCryptoMaterial &material) = 0;
};

} // namespace OSS
} // namespace AlibabaCloud
