// Keys of encrypted objects in the C++ header.
#include <stdexcept>
#include <string>

#include <gtest/gtest.h>
#include <oss_resumable/oss_resumable.hpp>

#include "../support/encrypted_object.hpp"

using namespace oss_resumable;
using namespace tests;

namespace {

struct Place {
    LocalOss oss{encryptedObjects()};
    TemporaryDirectory directory;

    DownloadOutcome download(ClientConfiguration configuration) const {
        configuration.region = "cn-hangzhou";
        configuration.anonymous = true;
        Client client(oss.endpoint(), configuration);
        return client.ResumableDownloadObject(
            DownloadObjectRequest("examplebucket", ENCRYPTED_KEY, directory.path("file")));
    }
    bool isPlain() const { return LocalOss::isGenerated(directory.path("file"), ENCRYPTED_SIZE); }
};

} // namespace

TEST(CppEncryption, DecryptionKeysReachTheLibrary) {
    const Place place;
    ClientConfiguration configuration;
    configuration.decryptionKeys = {{privateKey("first"), ""}, {privateKey(), ENCRYPTED_MATDESC}};
    const auto outcome = place.download(configuration);
    EXPECT_TRUE(outcome.isSuccess()) << outcome.error().Message();
    EXPECT_TRUE(place.isPlain());
}

TEST(CppEncryption, AKeyUnwrapperSeesWhatIsWrappedAndItsKeyDecrypts) {
    const Place place;
    ClientConfiguration configuration;
    WrappedKey seen;
    configuration.keyUnwrapper = [&seen](const WrappedKey &wrapped) {
        seen = wrapped;
        return ContentKey{contentKey(), contentIv(), ""};
    };
    const auto outcome = place.download(configuration);
    EXPECT_TRUE(outcome.isSuccess()) << outcome.error().Message();
    EXPECT_TRUE(place.isPlain());
    EXPECT_EQ(seen.bucket, "examplebucket");
    EXPECT_EQ(seen.key, ENCRYPTED_KEY);
    EXPECT_EQ(seen.wrapAlgorithm, "RSA/NONE/PKCS1Padding");
    const std::map<std::string, std::string> description{{"key", "second"}, {"owner", "C++"}};
    EXPECT_EQ(seen.description, description);
    EXPECT_EQ(seen.encryptedKey.size(), 256u);
    EXPECT_EQ(seen.encryptedIv.size(), 256u);
}

TEST(CppEncryption, AKeyUnwrapperThatHasNoKeyOrThrowsIsAnError) {
    const Place place;
    ClientConfiguration configuration;
    const auto message = [&place, &configuration](const KeyUnwrapper &unwrapper) {
        configuration.keyUnwrapper = unwrapper;
        const auto outcome = place.download(configuration);
        EXPECT_EQ(outcome.error().Code(), "EncryptionClientError");
        return outcome.error().Message();
    };
    const std::string failed = message([](const WrappedKey &) {
        return ContentKey{{}, {}, "it is disabled"};
    });
    EXPECT_NE(failed.find("it is disabled"), std::string::npos) << failed;
    const std::string silent = message([](const WrappedKey &) { return ContentKey(); });
    EXPECT_NE(silent.find("no reason was given"), std::string::npos) << silent;
    const std::string without = message([](const WrappedKey &) {
        return ContentKey{contentKey(), {}, ""};
    });
    EXPECT_NE(without.find("0 bytes"), std::string::npos) << without;
    const std::string threw = message(
        [](const WrappedKey &) -> ContentKey { throw std::runtime_error("no connection"); });
    EXPECT_NE(threw.find("exception"), std::string::npos) << threw;
    EXPECT_TRUE(place.directory.names().empty());
}
