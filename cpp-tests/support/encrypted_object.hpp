// An object that the OSS C++ SDK encrypted, of tests/data/encryption.
#ifndef TESTS_ENCRYPTED_OBJECT_HPP
#define TESTS_ENCRYPTED_OBJECT_HPP

#include <string>
#include <vector>

#include "local_oss.hpp"

namespace tests {

const char *const ENCRYPTED_KEY = "cpp-v1-multipart";
// The plain text is what local-oss generates for this size.
const char *const ENCRYPTED_SIZE = "209807";
const char *const ENCRYPTED_MATDESC = "{\"owner\":\"C++\",\"key\":\"second\"}";

inline std::vector<unsigned char> unhex(const std::string &digits) {
    std::vector<unsigned char> bytes;
    for (size_t i = 0; i + 1 < digits.size(); i += 2) {
        bytes.push_back(static_cast<unsigned char>(std::stoi(digits.substr(i, 2), nullptr, 16)));
    }
    return bytes;
}

inline std::vector<unsigned char> contentKey() {
    return unhex("63d8c53abab8c09f1ab91845ffd6064d742936ed2079f4f3c5fe3ed0d83bd24c");
}
inline std::vector<unsigned char> contentIv() { return unhex("7c204d7ab98e8b13000000001cb49d7c"); }

// The private key that unwraps it, in PEM.
inline std::string privateKey(const std::string &name = "second") {
    return readFile(ENCRYPTED_OBJECTS "/" + name + ".pem");
}

// A server with the encrypted objects.
inline std::vector<std::string> encryptedObjects() { return {"--folder", ENCRYPTED_OBJECTS}; }

} // namespace tests

#endif
