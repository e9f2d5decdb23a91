// Downloads from a URL in the C API.
#include <atomic>
#include <string>

#include <gtest/gtest.h>

#include "../support/capi.hpp"
#include "../support/local_oss.hpp"

using namespace tests;

namespace {

const char *const EXPIRED = "?Expires=1000000000&Signature=SECRET";

// A client without an endpoint.
ClientPtr urlClient() {
    oss_resumable_client_options options = OSS_RESUMABLE_CLIENT_OPTIONS_INIT;
    return newClient(options);
}

struct Place {
    LocalOss oss;
    TemporaryDirectory directory;
    std::string file = directory.path("file");
    std::string url = oss.endpoint() + "/examplebucket/generated/3MiB";

    oss_download_object_request request(const std::string &from) const {
        oss_download_object_request request = OSS_DOWNLOAD_OBJECT_REQUEST_INIT;
        request.url = from.c_str();
        request.file_path = file.c_str();
        request.flush = OSS_RESUMABLE_OFF;
        return request;
    }
};

// Answers with a URL, or fails without one.
struct Provider {
    std::string url;
    std::atomic<int> calls{0}, freed{0};

    static void provide(oss_resumable_url_sink *sink, void *data) {
        auto &self = *static_cast<Provider *>(data);
        ++self.calls;
        if (self.url.empty()) {
            oss_resumable_url_fail(sink, "the vault is sealed");
        } else {
            oss_resumable_url_set(sink, self.url.c_str());
        }
    }
    static void free(void *data) { ++static_cast<Provider *>(data)->freed; }

    void giveTo(oss_download_object_request &request) {
        request.url_provider = provide;
        request.url_provider_user_data = this;
        request.url_provider_user_data_free = free;
    }
};

} // namespace

TEST(Url, IsDownloadedByAClientWithoutAnEndpoint) {
    const Place place;
    const auto ended = download(urlClient(), place.request(place.url));
    EXPECT_EQ(ended.code, OSS_RESUMABLE_OK) << ended.message();
    EXPECT_TRUE(LocalOss::isGenerated(place.file, "3MiB"));
}

TEST(Url, ExcludesBucketAndKey) {
    const Place place;
    auto request = place.request(place.url);
    request.bucket = "examplebucket";
    request.key = "generated/3MiB";
    const auto both = download(urlClient(), request);
    EXPECT_EQ(both.code, OSS_RESUMABLE_ERR_VALIDATION);
    EXPECT_NE(both.message().find("both a URL and a bucket"), std::string::npos);
    request.url = nullptr;
    const auto bucket = download(urlClient(), request);
    EXPECT_EQ(bucket.code, OSS_RESUMABLE_ERR_VALIDATION);
    EXPECT_NE(bucket.message().find("endpoint"), std::string::npos) << bucket.message();
    request.bucket = request.key = nullptr;
    EXPECT_EQ(download(urlClient(), request).code, OSS_RESUMABLE_ERR_VALIDATION);
}

TEST(Url, ThatHasExpiredIsRenewedByTheProvider) {
    const Place place;
    Provider provider;
    provider.url = place.url;
    const std::string old = place.url + EXPIRED;
    auto request = place.request(old);
    provider.giveTo(request);
    {
        const auto client = urlClient();
        const auto ended = download(client, request);
        EXPECT_EQ(ended.code, OSS_RESUMABLE_OK) << ended.message();
    }
    EXPECT_TRUE(LocalOss::isGenerated(place.file, "3MiB"));
    EXPECT_EQ(provider.calls, 1);
    EXPECT_EQ(provider.freed, 1);
}

TEST(Url, WhoseProviderFailsIsAnErrorWithItsReason) {
    const Place place;
    Provider provider;
    const std::string old = place.url + EXPIRED;
    auto request = place.request(old);
    provider.giveTo(request);
    {
        const auto client = urlClient();
        const auto ended = download(client, request);
        EXPECT_EQ(ended.errorCode(), "UrlProviderError");
        EXPECT_NE(ended.message().find("the vault is sealed"), std::string::npos);
        EXPECT_EQ(ended.message().find("SECRET"), std::string::npos);
    }
    EXPECT_EQ(provider.freed, 1);
}
