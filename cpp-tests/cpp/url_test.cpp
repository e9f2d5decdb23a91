// Downloads from a URL in the C++ header.
#include <stdexcept>
#include <string>

#include <gtest/gtest.h>
#include <oss_resumable/oss_resumable.hpp>

#include "../support/local_oss.hpp"

using namespace oss_resumable;
using namespace tests;

namespace {

struct Place {
    LocalOss oss;
    TemporaryDirectory directory;
    std::string url = oss.endpoint() + "/examplebucket/generated/3MiB";
    std::string expired = url + "?Expires=1000000000&Signature=SECRET";

    DownloadOutcome download(const std::string &from, const UrlProvider &provider) const {
        auto request = DownloadObjectRequest::FromUrl(from, directory.path("file"));
        request.setUrlProvider(provider);
        return Client::ForUrls().ResumableDownloadObject(request);
    }
    bool isSaved() const { return LocalOss::isGenerated(directory.path("file"), "3MiB"); }
};

} // namespace

TEST(CppUrl, IsDownloadedByAClientWithoutAnEndpoint) {
    const Place place;
    const auto outcome = place.download(place.url, nullptr);
    EXPECT_TRUE(outcome.isSuccess()) << outcome.error().Message();
    EXPECT_TRUE(place.isSaved());
}

TEST(CppUrl, ThatHasExpiredIsRenewedByTheProvider) {
    const Place place;
    const auto outcome = place.download(place.expired, [&place](std::string &url, std::string &) {
        url = place.url;
        return true;
    });
    EXPECT_TRUE(outcome.isSuccess()) << outcome.error().Message();
    EXPECT_TRUE(place.isSaved());
}

TEST(CppUrl, WhoseProviderFailsOrThrowsIsAnErrorWithTheReason) {
    const Place place;
    const auto failed = place.download(place.expired, [](std::string &, std::string &reason) {
        reason = "the vault is sealed";
        return false;
    });
    EXPECT_EQ(failed.error().Code(), "UrlProviderError");
    EXPECT_NE(failed.error().Message().find("the vault is sealed"), std::string::npos);
    const auto thrown = place.download(place.expired, [](std::string &, std::string &) -> bool {
        throw std::runtime_error("SECRET");
    });
    EXPECT_NE(thrown.error().Message().find("threw an exception"), std::string::npos);
    EXPECT_EQ(thrown.error().Message().find("SECRET"), std::string::npos);
}

TEST(CppUrl, ExcludesBucketAndKeyAndHoldsNoNulByte) {
    const Place place;
    DownloadObjectRequest request("examplebucket", "generated/3MiB", place.directory.path("file"));
    auto client = Client::ForUrls();
    EXPECT_NE(client.ResumableDownloadObject(request).error().Message().find("endpoint"),
              std::string::npos);
    request.setUrl(place.url);
    EXPECT_EQ(request.Url(), place.url);
    const auto both = client.ResumableDownloadObject(request);
    EXPECT_EQ(both.error().Code(), "ValidateError");
    const auto nul = place.download(std::string("http://a/\0b", 11), nullptr);
    EXPECT_NE(nul.error().Message().find("NUL"), std::string::npos);
}
