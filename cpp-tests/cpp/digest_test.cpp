// Expected digests through the C++ header.
#include <string>

#include <gtest/gtest.h>
#include <oss_resumable/oss_resumable.hpp>

#include "../support/anonymous_client.hpp"
#include "../support/local_oss.hpp"

using namespace oss_resumable;
using tests::anonymousClient;
using tests::LocalOss;
using tests::TemporaryDirectory;

namespace {

DownloadObjectRequest requestFor(const TemporaryDirectory &directory) {
    return DownloadObjectRequest("examplebucket", "generated/8MiB", directory.path("file"));
}

} // namespace

TEST(CppDigests, ARightDigestIsTheProofAndAWrongOneAnError) {
    const LocalOss oss;
    const TemporaryDirectory directory;
    auto client = anonymousClient(oss);
    auto request = requestFor(directory);
    const auto first = client.ResumableDownloadObject(request);
    ASSERT_TRUE(first.isSuccess()) << first.error().Message();
    const uint64_t crc64 = first.result().Crc64();

    request.setExpectedCrc64(crc64);
    const auto outcome = client.ResumableDownloadObject(request);
    ASSERT_TRUE(outcome.isSuccess()) << outcome.error().Message();
    EXPECT_EQ(outcome.result().Proof(), OSS_RESUMABLE_PROOF_EXPECTED_DIGEST);

    request.setExpectedSha256("sha256:" + std::string(64, '0'));
    EXPECT_EQ(client.ResumableDownloadObject(request).error().Code(), "DigestMismatch");
    EXPECT_TRUE(LocalOss::isGenerated(directory.path("file"), "8MiB"));
}

TEST(CppDigests, NoDigestIsExpectedUnlessOneIsSet) {
    DownloadObjectRequest request("bucket", "key");
    const detail::CRequest without(request);
    EXPECT_EQ(without.get()->expected_sha256, nullptr);
    EXPECT_EQ(without.get()->expected_md5, nullptr);
    EXPECT_EQ(without.get()->expected_crc64, nullptr);

    request.setExpectedSha256("a");
    request.setExpectedMd5("b");
    request.setExpectedCrc64(uint64_t(7));
    const detail::CRequest with(request);
    EXPECT_STREQ(with.get()->expected_sha256, "a");
    EXPECT_STREQ(with.get()->expected_md5, "b");
    EXPECT_STREQ(with.get()->expected_crc64, "7");
    request.setExpectedCrc64("0x7");
    EXPECT_STREQ(detail::CRequest(request).get()->expected_crc64, "0x7");
}

TEST(CppDigests, ATextThatGotLostIsRefused) {
    const LocalOss oss;
    const TemporaryDirectory directory;
    auto client = anonymousClient(oss);
    auto request = requestFor(directory);
    request.setExpectedMd5("");
    const auto outcome = client.ResumableDownloadObject(request);
    EXPECT_EQ(outcome.error().Code(), "ValidateError");
    EXPECT_NE(outcome.error().Message().find("expected_md5"), std::string::npos);
    request.setExpectedMd5(std::string("a\0b", 3));
    EXPECT_NE(request.refusal(), "");
}
