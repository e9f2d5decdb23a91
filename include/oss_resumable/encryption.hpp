/**
 * @file encryption.hpp
 * @brief Keys of objects that were encrypted on the client side. Include oss_resumable.hpp instead.
 */
#ifndef OSS_RESUMABLE_ENCRYPTION_HPP
#define OSS_RESUMABLE_ENCRYPTION_HPP

#include <cstddef>
#include <cstdint>
#include <exception>
#include <functional>
#include <map>
#include <string>
#include <vector>

#include "detail.hpp"
#include "oss_resumable.h"

namespace oss_resumable {

using Bytes = std::vector<unsigned char>;

/** An RSA private key; see oss_resumable_decryption_key. */
struct DecryptionKey {
    /** PEM. */
    std::string pem;
    /** A JSON object of strings. Empty: for every object whose description no other key has. */
    std::string matdesc;
};

/** What the metadata of an encrypted object say of its content key; see
 * oss_resumable_wrapped_key. */
struct WrappedKey {
    std::string bucket;
    std::string key;
    std::string wrapAlgorithm;
    /** As stored; empty if there is none. */
    std::string matdesc;
    /** The members of `matdesc` that are strings, numbers or booleans, as text. */
    std::map<std::string, std::string> description;
    Bytes encryptedKey;
    Bytes encryptedIv;
};

/** The answer of a key unwrapper. */
struct ContentKey {
    /** 32 bytes. */
    Bytes key;
    /** 16 bytes. */
    Bytes iv;
    /** Why there is no key, if there is none; becomes part of the error message. */
    std::string error;
};

/** Unwraps a content key; see ::oss_resumable_key_unwrapper. Runs on a thread of the library. */
using KeyUnwrapper = std::function<ContentKey(const WrappedKey &)>;

namespace detail {

inline WrappedKey wrappedKey(const oss_resumable_wrapped_key &from) {
    WrappedKey to;
    to.bucket = text(from.bucket);
    to.key = text(from.key);
    to.wrapAlgorithm = text(from.wrap_algorithm);
    to.matdesc = text(from.matdesc);
    for (size_t i = 0; i < from.description_count; ++i) {
        to.description[from.description[i].name] = from.description[i].value;
    }
    to.encryptedKey.assign(from.encrypted_key, from.encrypted_key + from.encrypted_key_size);
    to.encryptedIv.assign(from.encrypted_iv, from.encrypted_iv + from.encrypted_iv_size);
    return to;
}

/** Overwrites a key in a way that the compiler cannot leave out. */
inline void wipe(Bytes &bytes) {
    volatile unsigned char *const at = bytes.data();
    for (size_t i = 0; i < bytes.size(); ++i) {
        at[i] = 0;
    }
}

/** Wipes a key at the end of a scope, however it ends. */
class WipedAtEnd {
public:
    explicit WipedAtEnd(Bytes &bytes) : bytes_(bytes) {}
    ~WipedAtEnd() { wipe(bytes_); }
    WipedAtEnd(const WipedAtEnd &) = delete;
    WipedAtEnd &operator=(const WipedAtEnd &) = delete;

private:
    Bytes &bytes_;
};

/** The key unwrapper of the C options; `data` is a KeyUnwrapper. */
inline void unwrapKey(oss_resumable_content_key_sink *sink,
                      const oss_resumable_wrapped_key *wrapped, void *data) {
    std::exception_ptr thrown;
    contained(0, thrown, [sink, wrapped, data] {
        ContentKey answer = (*static_cast<const KeyUnwrapper *>(data))(wrappedKey(*wrapped));
        const WipedAtEnd key(answer.key), iv(answer.iv);
        if (!answer.error.empty() || answer.key.empty()) {
            return oss_resumable_content_key_fail(sink, optional(answer.error));
        }
        // A counter block that is missing has a wrong size, which the library reports.
        answer.iv.reserve(1);
        return oss_resumable_content_key_set(sink, answer.key.data(), answer.key.size(),
                                             answer.iv.data(), answer.iv.size());
    });
    if (thrown) {
        oss_resumable_content_key_fail(sink, "the unwrapper threw an exception");
    }
}

} // namespace detail
} // namespace oss_resumable

#endif /* OSS_RESUMABLE_ENCRYPTION_HPP */
