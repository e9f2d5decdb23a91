// The certificates that the SDK's configuration trusts.
#include <cstdio>

#include <openssl/pem.h>
#include <openssl/x509.h>

#include "fixture.hpp"

using namespace tests;

namespace {

// The name with which OpenSSL finds a certificate in a directory.
std::string hashedName(const std::string &certificate) {
    std::FILE *file = std::fopen(certificate.c_str(), "r");
    X509 *const parsed = file ? PEM_read_X509(file, nullptr, nullptr, nullptr) : nullptr;
    if (file) {
        std::fclose(file);
    }
    char name[32];
    std::snprintf(name, sizeof name, "%08lx.0", parsed ? X509_subject_name_hash(parsed) : 0);
    X509_free(parsed);
    return name;
}

// A server with a certificate of a new authority, and that authority's certificate.
struct Encrypted {
    TemporaryDirectory keys;
    std::string authority = keys.path("ca.pem");
    Fixture fixture{{"--tls", "--ca-file", authority}};

    sdk::GetObjectOutcome download(const sdk::ClientConfiguration &configuration) {
        return fixture.client(configuration).ResumableDownloadObject(fixture.request("300000"));
    }
};

} // namespace

TEST(SdkTls, AnUnknownAuthorityIsNotTrusted) {
    Encrypted server;
    const auto outcome = server.download(sdk::ClientConfiguration());
    EXPECT_EQ(outcome.error().Code(), "ClientError:200060") << outcome.error().Message();
    EXPECT_TRUE(server.fixture.files().empty());
}

TEST(SdkTls, CaFileIsTrusted) {
    Encrypted server;
    sdk::ClientConfiguration configuration;
    configuration.caFile = server.authority;
    EXPECT_DOWNLOADED(server.download(configuration), server.fixture, "300000");
}

TEST(SdkTls, CaPathIsTrusted) {
    Encrypted server;
    const std::string name = hashedName(server.authority);
    ASSERT_EQ(symlink(server.authority.c_str(), server.keys.path(name).c_str()), 0);
    sdk::ClientConfiguration configuration;
    configuration.caPath = server.keys.path();
    EXPECT_DOWNLOADED(server.download(configuration), server.fixture, "300000");
}

TEST(SdkTls, WithoutVerifySslEveryCertificateIsAccepted) {
    Encrypted server;
    sdk::ClientConfiguration configuration;
    configuration.verifySSL = false;
    EXPECT_DOWNLOADED(server.download(configuration), server.fixture, "300000");
}
