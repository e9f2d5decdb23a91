// A content key, wrapped and unwrapped.
#pragma once

#include <map>
#include <string>
#include <vector>

namespace AlibabaCloud {
namespace OSS {

using ByteBuffer = std::vector<unsigned char>;

class ContentCryptoMaterial {
public:
    const ByteBuffer &ContentKey() const { return key_; }
    const ByteBuffer &ContentIV() const { return iv_; }
    const std::string &CipherName() const { return cipher_; }
    const std::string &KeyWrapAlgorithm() const { return wrap_; }
    const std::map<std::string, std::string> &Description() const { return description_; }
    const ByteBuffer &EncryptedContentKey() const { return encryptedKey_; }
    const ByteBuffer &EncryptedContentIV() const { return encryptedIv_; }
    void setContentKey(const ByteBuffer &value) { key_ = value; }
    void setContentIV(const ByteBuffer &value) { iv_ = value; }
    void setCipherName(const std::string &value) { cipher_ = value; }
    void setKeyWrapAlgorithm(const std::string &value) { wrap_ = value; }
    void setDescription(const std::map<std::string, std::string> &value) { description_ = value; }
    void setEncryptedContentKey(const ByteBuffer &value) { encryptedKey_ = value; }
    void setEncryptedContentIV(const ByteBuffer &value) { encryptedIv_ = value; }

private:
    ByteBuffer key_, iv_, encryptedKey_, encryptedIv_;
    std::string cipher_, wrap_;
    std::map<std::string, std::string> description_;
};

} // namespace OSS
} // namespace AlibabaCloud
