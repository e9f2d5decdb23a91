// Keys of encrypted objects in the C API.
#include <algorithm>
#include <atomic>
#include <chrono>
#include <string>
#include <thread>

#include <gtest/gtest.h>

#include "../support/capi.hpp"
#include "../support/encrypted_object.hpp"

using namespace tests;

namespace {

// Unwraps the key of the object, and remembers what it was asked.
struct Unwrapper {
    std::atomic<int> calls{0}, freed{0};
    std::atomic<bool> heldUp{false};
    std::thread::id thread;
    std::string wrapAlgorithm, matdesc, description;
    size_t wrapped = 0;
    size_t keySize = 32;
    const char *failure = nullptr;

    static void unwrap(oss_resumable_content_key_sink *sink, const oss_resumable_wrapped_key *key,
                       void *data) {
        auto &self = *static_cast<Unwrapper *>(data);
        self.thread = std::this_thread::get_id();
        self.wrapAlgorithm = key->wrap_algorithm;
        self.matdesc = key->matdesc;
        self.description.clear();
        for (size_t i = 0; i < key->description_count; ++i) {
            self.description +=
                std::string(key->description[i].name) + "=" + key->description[i].value + ";";
        }
        self.wrapped = key->encrypted_key_size + key->encrypted_iv_size;
        ++self.calls;
        while (self.heldUp) {
            std::this_thread::sleep_for(std::chrono::milliseconds(5));
        }
        if (self.failure) {
            oss_resumable_content_key_fail(sink, self.failure);
        } else {
            oss_resumable_content_key_set(sink, contentKey().data(), self.keySize,
                                          contentIv().data(), 16);
        }
    }
    static void free(void *data) { ++static_cast<Unwrapper *>(data)->freed; }

    void giveTo(Options &options) {
        options.key_unwrapper = unwrap;
        options.key_unwrapper_user_data = this;
        options.key_unwrapper_user_data_free = free;
    }
};

struct Place {
    LocalOss oss{encryptedObjects()};
    TemporaryDirectory directory;
    std::string file() const { return directory.path("file"); }
    bool isPlain() const { return LocalOss::isGenerated(file(), ENCRYPTED_SIZE); }
};

} // namespace

TEST(Encryption, AnObjectIsDecryptedWithTheKeyOfItsDescription) {
    const Place place;
    const std::string right = privateKey(), wrong = privateKey("first");
    const oss_resumable_decryption_key keys[] = {{wrong.c_str(), nullptr},
                                                 {right.c_str(), ENCRYPTED_MATDESC}};
    Options options(place.oss.endpoint());
    options.decryption_keys = keys;
    options.decryption_keys_count = 2;
    const auto ended = download(newClient(options), Request(ENCRYPTED_KEY, place.file()));
    EXPECT_EQ(ended.code, OSS_RESUMABLE_OK) << ended.message();
    EXPECT_TRUE(place.isPlain());

    options.decryption_keys_count = 1;
    const auto refused = download(newClient(options), Request(ENCRYPTED_KEY, place.file()));
    EXPECT_EQ(refused.code, OSS_RESUMABLE_ERR_VALIDATION);
    EXPECT_EQ(refused.errorCode(), "EncryptionClientError");
    EXPECT_TRUE(place.isPlain()) << "the old file stays";
}

TEST(Encryption, AnUnwrapperIsAskedOnAThreadOfItsOwnAndItsDataIsFreedOnce) {
    const Place place;
    Unwrapper unwrapper;
    Options options(place.oss.endpoint());
    unwrapper.giveTo(options);
    auto client = newClient(options);
    const auto ended = download(client, Request(ENCRYPTED_KEY, place.file()));
    EXPECT_EQ(ended.code, OSS_RESUMABLE_OK) << ended.message();
    EXPECT_TRUE(place.isPlain());
    EXPECT_EQ(unwrapper.calls, 1);
    EXPECT_NE(unwrapper.thread, std::this_thread::get_id());
    EXPECT_EQ(unwrapper.wrapAlgorithm, "RSA/NONE/PKCS1Padding");
    EXPECT_EQ(unwrapper.matdesc, "{\"key\":\"second\",\"owner\":\"C++\"}");
    EXPECT_EQ(unwrapper.description, "key=second;owner=C++;");
    EXPECT_EQ(unwrapper.wrapped, 512u);
    EXPECT_EQ(unwrapper.freed, 0);
    client.reset();
    EXPECT_EQ(unwrapper.freed, 1);

    options.endpoint = "ftp://nowhere";
    EXPECT_FALSE(newClient(options));
    EXPECT_EQ(unwrapper.freed, 2) << "of a client that could not be made";
}

TEST(Encryption, WhatAnUnwrapperSaysAgainstItIsTheErrorAndNoFileIsMade) {
    const Place place;
    Unwrapper unwrapper;
    Options options(place.oss.endpoint());
    unwrapper.giveTo(options);
    const auto client = newClient(options);
    unwrapper.failure = "the vault is sealed";
    const auto failed = download(client, Request(ENCRYPTED_KEY, place.file()));
    EXPECT_EQ(failed.code, OSS_RESUMABLE_ERR_SERVICE);
    EXPECT_EQ(failed.errorCode(), "EncryptionClientError");
    EXPECT_NE(failed.message().find("the vault is sealed"), std::string::npos);
    unwrapper.failure = nullptr;
    unwrapper.keySize = 16;
    const auto shorter = download(client, Request(ENCRYPTED_KEY, place.file()));
    EXPECT_EQ(shorter.errorCode(), "EncryptionClientError");
    EXPECT_NE(shorter.message().find("16 bytes"), std::string::npos) << shorter.message();
    EXPECT_TRUE(place.directory.names().empty());
}

TEST(Encryption, ACancelDoesNotWaitForAnUnwrapperButFreeingTheClientDoes) {
    const Place place;
    Unwrapper unwrapper;
    unwrapper.heldUp = true;
    Options options(place.oss.endpoint());
    unwrapper.giveTo(options);
    auto client = newClient(options);
    auto handle = start(client, Request(ENCRYPTED_KEY, place.file()));
    while (unwrapper.calls == 0) {
        std::this_thread::sleep_for(std::chrono::milliseconds(1));
    }
    oss_resumable_download_cancel(handle.get());
    EXPECT_EQ(wait(handle).code, OSS_RESUMABLE_ERR_CANCELLED);
    EXPECT_TRUE(unwrapper.heldUp) << "nobody has let it go";
    handle.reset();
    EXPECT_EQ(unwrapper.freed, 0);
    std::thread letGo([&unwrapper] {
        std::this_thread::sleep_for(std::chrono::milliseconds(50));
        unwrapper.heldUp = false;
    });
    client.reset();
    EXPECT_FALSE(unwrapper.heldUp);
    EXPECT_EQ(unwrapper.freed, 1);
    letGo.join();
}

TEST(Encryption, WithoutAKeyAnObjectIsRefusedOrSavedAsItIsStored) {
    const Place place;
    const auto client = newClient(Options(place.oss.endpoint()));
    Request request(ENCRYPTED_KEY, place.file());
    EXPECT_EQ(download(client, request).errorCode(), "ClientSideEncrypted");
    request.allow_encrypted = OSS_RESUMABLE_ON;
    EXPECT_EQ(download(client, request).code, OSS_RESUMABLE_OK);
    EXPECT_EQ(readFile(place.file()), readFile(std::string(ENCRYPTED_OBJECTS "/") + ENCRYPTED_KEY));
}
