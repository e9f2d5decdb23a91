// Expected digests through the C API.
#include <gtest/gtest.h>

#include <fstream>
#include <string>

#include "../support/capi.hpp"
#include "../support/local_oss.hpp"

using namespace tests;

namespace {

// Of "abc": FIPS 180-2, RFC 1321.
const char *const sha256 = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
const char *const md5 = "kAFQmDzST7DWlj99KOF/cg==";

// A server with the object "abc", of these bytes.
struct Abc {
    TemporaryDirectory folder, directory;
    LocalOss oss;

    Abc() : oss({"--folder", written(folder)}) {}
    static std::string written(const TemporaryDirectory &folder) {
        std::ofstream(folder.path("abc")) << "abc";
        return folder.path();
    }
    std::string file() const { return directory.path("file"); }

    Ended download(const char *digest, const char *other) const {
        Request request("abc", file());
        request.expected_sha256 = digest;
        request.expected_md5 = other;
        return tests::download(newClient(Options(oss.endpoint())), request);
    }
};

} // namespace

TEST(Digests, ARightDigestIsTheProof) {
    const Abc abc;
    const auto ended = abc.download(sha256, md5);
    ASSERT_EQ(ended.code, OSS_RESUMABLE_OK) << ended.message();
    EXPECT_EQ(oss_resumable_result_proof(ended.result.get()), OSS_RESUMABLE_PROOF_EXPECTED_DIGEST);
    const std::string json = oss_resumable_result_json(ended.result.get());
    EXPECT_NE(json.find("\"proof\":\"expected_digest\""), std::string::npos) << json;
}

TEST(Digests, AWrongDigestIsAnIntegrityErrorAndLeavesTheOldFile) {
    const Abc abc;
    std::ofstream(abc.file()) << "old";
    const std::string wrong = "sha256:" + std::string(64, '0');
    const auto ended = abc.download(wrong.c_str(), nullptr);
    EXPECT_EQ(ended.code, OSS_RESUMABLE_ERR_INTEGRITY);
    EXPECT_EQ(ended.errorCode(), "DigestMismatch");
    EXPECT_NE(ended.message().find(sha256), std::string::npos) << ended.message();
    EXPECT_EQ(readFile(abc.file()), "old");
}

TEST(Digests, ATextThatIsNoneIsRefusedByTheFieldsName) {
    const Abc abc;
    const auto ended = abc.download(sha256, "abc");
    EXPECT_EQ(ended.code, OSS_RESUMABLE_ERR_VALIDATION);
    EXPECT_NE(ended.message().find("expected_md5: 'abc' is not an MD5"), std::string::npos)
        << ended.message();
}
