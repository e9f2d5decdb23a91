// The SDK's encryption client with this library's downloads.
#include <atomic>
#include <type_traits>

#include "../support/encrypted_object.hpp"
#include "fixture.hpp"

using namespace tests;

namespace {

using EncryptionClient = oss_resumable::OssEncryptionClient;

// The program's own way to unwrap keys.
class Materials : public sdk::EncryptionMaterials {
public:
    int EncryptCEK(sdk::ContentCryptoMaterial &) override { return -1; }
    int DecryptCEK(sdk::ContentCryptoMaterial &material) override {
        ++asked;
        const std::map<std::string, std::string> description{{"key", "second"}, {"owner", "C++"}};
        if (material.CipherName() != "AES/CTR/NoPadding" ||
            material.KeyWrapAlgorithm() != "RSA/NONE/PKCS1Padding" ||
            material.Description() != description || material.EncryptedContentKey().size() != 256 ||
            material.EncryptedContentIV().size() != 256) {
            return -7;
        }
        material.setContentKey(contentKey());
        material.setContentIV(contentIv());
        return 0;
    }
    std::atomic<int> asked{0};
};

class Encrypted : public Fixture {
public:
    Encrypted() : Fixture(encryptedObjects()) {}
    EncryptionClient client(const std::shared_ptr<sdk::EncryptionMaterials> &with) {
        return EncryptionClient(wire.endpoint(), "id", "secret", sdk::ClientConfiguration(), with,
                                sdk::CryptoConfiguration());
    }
    sdk::DownloadObjectRequest request(const std::string &key = ENCRYPTED_KEY) const {
        return sdk::DownloadObjectRequest("examplebucket", key, file(), directory.path(), PART, 3);
    }
    const std::shared_ptr<Materials> materials = std::make_shared<Materials>();
};

} // namespace

static_assert(std::is_convertible<EncryptionClient *, sdk::OssEncryptionClient *>::value,
              "it is the SDK's encryption client");
static_assert(std::is_copy_constructible<EncryptionClient>::value, "as the SDK's");

TEST(SdkEncryption, EveryConstructorIsThereAndUnwrapsThroughTheProgramsMaterials) {
    Encrypted fixture;
    const std::string at = fixture.wire.endpoint();
    const sdk::ClientConfiguration configuration;
    const sdk::CryptoConfiguration crypto;
    const auto &materials = fixture.materials;
    const auto provider = std::make_shared<sdk::SimpleCredentialsProvider>("id", "secret");
    const EncryptionClient withKey(at, "id", "secret", configuration, materials, crypto);
    const EncryptionClient withToken(at, "id", "secret", "", configuration, materials, crypto);
    const EncryptionClient withProvider(at, provider, configuration, materials, crypto);
    for (const EncryptionClient *client : {&withKey, &withToken, &withProvider}) {
        EXPECT_DOWNLOADED(client->ResumableDownloadObject(fixture.request()), fixture,
                          ENCRYPTED_SIZE);
    }
    EXPECT_EQ(materials->asked, 3);
    const std::string agent = fixture.firstRequest().header("User-Agent");
    EXPECT_NE(agent.find("/OssEncryptionClient"), std::string::npos) << agent;
}

TEST(SdkEncryption, ARangeIsDecrypted) {
    Encrypted fixture;
    auto request = fixture.request();
    request.setRange(102399, 102500);
    const auto outcome = fixture.client(fixture.materials).ResumableDownloadObject(request);
    ASSERT_TRUE(outcome.isSuccess()) << outcome.error().Message();
    const std::string range = readFile(fixture.file());
    const auto whole = fixture.client(fixture.materials).ResumableDownloadObject(fixture.request());
    EXPECT_DOWNLOADED(whole, fixture, ENCRYPTED_SIZE);
    EXPECT_EQ(range, readFile(fixture.file()).substr(102399, 102));
    EXPECT_EQ(outcome.result().Metadata().ContentLength(), 102);
}

TEST(SdkEncryption, MaterialsThatRefuseAreAnErrorWithTheSdksCode) {
    class Refusing : public Materials {
        int DecryptCEK(sdk::ContentCryptoMaterial &) override { return -1; }
    };
    Encrypted fixture;
    for (const std::shared_ptr<Materials> &materials :
         {std::shared_ptr<Materials>(new Refusing), std::shared_ptr<Materials>()}) {
        const auto outcome = fixture.client(materials).ResumableDownloadObject(fixture.request());
        EXPECT_EQ(outcome.error().Code(), "EncryptionClientError");
        EXPECT_TRUE(fixture.files().empty());
    }
}

// What SimpleRSAEncryptionMaterials return for a wrong private key, where OpenSSL reports none.
TEST(SdkEncryption, RandomBytesOfTheRightLengthsAreNotTakenForAKey) {
    class Mistaken : public Materials {
        int DecryptCEK(sdk::ContentCryptoMaterial &material) override {
            ++asked;
            material.setContentKey(sdk::ByteBuffer(32, 0x5a));
            auto iv = contentIv();
            iv[9] = 1;
            material.setContentIV(iv);
            return 0;
        }
    };
    Encrypted fixture;
    const auto materials = std::make_shared<Mistaken>();
    const auto outcome = fixture.client(materials).ResumableDownloadObject(fixture.request());
    EXPECT_EQ(outcome.error().Code(), "EncryptionClientError");
    EXPECT_NE(outcome.error().Message().find("the RSA key is wrong"), std::string::npos)
        << outcome.error().Message();
    EXPECT_EQ(materials->asked, 1);
    EXPECT_TRUE(fixture.files().empty());
}

TEST(SdkEncryption, EveryByteOfTheIvThatTheSdksLeaveZeroMustBeZero) {
    auto iv = contentIv();
    EXPECT_TRUE(oss_resumable::detail::sdkIsGeneratedIv(iv));
    for (size_t at = 8; at < 12; ++at) {
        iv[at] = 1;
        EXPECT_FALSE(oss_resumable::detail::sdkIsGeneratedIv(iv)) << at;
        iv[at] = 0;
    }
    iv.pop_back();
    EXPECT_FALSE(oss_resumable::detail::sdkIsGeneratedIv(iv)) << "15 bytes";
}

TEST(SdkEncryption, MaterialsGetNoWrappedKeyThatRsaCannotHaveMade) {
    class Willing : public Materials {
        int DecryptCEK(sdk::ContentCryptoMaterial &material) override {
            ++asked;
            material.setContentKey(contentKey());
            // Not of the SDKs; what another wrap does with it is its own affair.
            material.setContentIV(sdk::ByteBuffer(16, 7));
            return 0;
        }
    };
    const auto materials = std::make_shared<Willing>();
    const auto unwrapped = [&materials](const char *wrap, size_t key, size_t iv) {
        oss_resumable::WrappedKey wrapped;
        wrapped.wrapAlgorithm = wrap;
        wrapped.encryptedKey.resize(key);
        wrapped.encryptedIv.resize(iv);
        return oss_resumable::detail::sdkContentKey(materials, wrapped);
    };
    for (const char *wrap : {"RSA/NONE/PKCS1Padding", "rsa/none/pkcs1padding"}) {
        EXPECT_NE(unwrapped(wrap, 256, 255).error, "");
        EXPECT_NE(unwrapped(wrap, 128, 256).error, "");
        EXPECT_NE(unwrapped(wrap, 127, 127).error, "");
        EXPECT_NE(unwrapped(wrap, 0, 0).error, "");
    }
    EXPECT_EQ(materials->asked, 0);
    const auto another = unwrapped("KMS/ALICLOUD", 60, 44);
    EXPECT_EQ(another.error, "");
    EXPECT_EQ(another.key, contentKey());
    EXPECT_EQ(another.iv, sdk::ByteBuffer(16, 7));
    EXPECT_EQ(materials->asked, 1);
}

TEST(SdkEncryption, AnObjectThatIsNotEncryptedIsDownloadedAsItIs) {
    Encrypted fixture;
    const auto client = fixture.client(fixture.materials);
    EXPECT_DOWNLOADED(client.ResumableDownloadObject(fixture.request("generated/1000")), fixture,
                      "1000");
    EXPECT_EQ(fixture.materials->asked, 0);
}

TEST(SdkEncryption, DownloadsAreSwitchedOffAndOnAsThoseOfTheOtherClient) {
    Encrypted fixture;
    auto client = fixture.client(fixture.materials);
    client.DisableRequest();
    EXPECT_EQ(client.ResumableDownloadObject(fixture.request()).error().Code(),
              "ClientError:100002");
    client.EnableRequest();
    client.SetRegion("cn-hangzhou");
    const EncryptionClient copy = client;
    EXPECT_DOWNLOADED(copy.ResumableDownloadObject(fixture.request()), fixture, ENCRYPTED_SIZE);
    client.SetCloudBoxId("box");
    EXPECT_EQ(copy.ResumableDownloadObject(fixture.request()).error().Code(), "ValidateError");
}

#ifdef TESTS_REAL_SDK
TEST(SdkEncryption, TheSdksOwnMaterialsUnwrapAndTheSdksOwnClientGetsTheSameBytes) {
    Encrypted fixture;
    const std::map<std::string, std::string> description{{"key", "second"}, {"owner", "C++"}};
    const auto materials = std::make_shared<sdk::SimpleRSAEncryptionMaterials>(
        readFile(ENCRYPTED_OBJECTS "/second.pub"), privateKey(), description);
    const auto ours = fixture.client(materials);
    EXPECT_DOWNLOADED(ours.ResumableDownloadObject(fixture.request()), fixture, ENCRYPTED_SIZE);
    const sdk::OssEncryptionClient &theirs = ours;
    const auto outcome = theirs.ResumableDownloadObject(fixture.request());
    ASSERT_TRUE(outcome.isSuccess()) << outcome.error().Code() << outcome.error().Message();
    EXPECT_TRUE(LocalOss::isGenerated(fixture.file(), ENCRYPTED_SIZE));

    const auto others = std::make_shared<sdk::SimpleRSAEncryptionMaterials>(
        readFile(ENCRYPTED_OBJECTS "/first.pub"), privateKey("first"), description);
    const auto refused = fixture.client(others).ResumableDownloadObject(fixture.request());
    EXPECT_EQ(refused.error().Code(), "EncryptionClientError");
}
#endif
