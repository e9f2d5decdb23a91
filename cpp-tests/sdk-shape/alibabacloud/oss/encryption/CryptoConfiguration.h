// How contents are encrypted: there is one way.
#pragma once

namespace AlibabaCloud {
namespace OSS {

enum class CryptoStorageMethod { METADATA };
enum class CryptoMode { ENCRYPTION_AESCTR };

class CryptoConfiguration {
public:
    CryptoMode cryptoMode = CryptoMode::ENCRYPTION_AESCTR;
    CryptoStorageMethod cryptoStorageMethod = CryptoStorageMethod::METADATA;
};

} // namespace OSS
} // namespace AlibabaCloud
