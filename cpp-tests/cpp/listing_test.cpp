// Listings through the C++ header.
#include <fstream>
#include <string>
#include <utility>
#include <vector>

#include <gtest/gtest.h>
#include <oss_resumable/oss_resumable.hpp>

#include "../support/anonymous_client.hpp"
#include "../support/local_oss.hpp"

using namespace oss_resumable;
using tests::anonymousClient;
using tests::LocalOss;
using tests::TemporaryDirectory;

namespace {

using Names = std::vector<std::string>;

Names names(Listing listing) {
    Names names;
    ObjectEntry entry;
    while (listing.Next(entry)) {
        names.push_back(entry.Key + (entry.IsCommonPrefix ? " ..." : ""));
    }
    EXPECT_FALSE(listing.error().isSet()) << listing.error().Message();
    return names;
}

} // namespace

TEST(CppListing, ObjectsAreListedWithTheirFields) {
    const TemporaryDirectory folder;
    for (const char *key : {"a-1", "a-2", "b"}) {
        std::ofstream(folder.path(key)) << "123";
    }
    const LocalOss oss({"--folder", folder.path("")});
    auto client = anonymousClient(oss);
    ListObjectsRequest request("examplebucket");
    EXPECT_EQ(names(client.ListObjects(request)), (Names{"a-1", "a-2", "b"}));
    request.setMaxKeys(1);
    request.setPrefix("a");
    request.setRequestPayer(RequestPayer::Requester);
    request.setDeadlineMs(60000);
    EXPECT_EQ(names(client.ListObjects(request)), (Names{"a-1", "a-2"}));
    request.setStartAfter("a-1");
    EXPECT_EQ(names(client.ListObjects(request)), Names{"a-2"});
    request = ListObjectsRequest("examplebucket");
    request.setDelimiter("-");
    EXPECT_EQ(names(client.ListObjects(request)), (Names{"b", "a- ..."}));

    auto listing = client.ListObjects(ListObjectsRequest("examplebucket", "b"));
    ObjectEntry entry;
    ASSERT_TRUE(listing.Next(entry));
    EXPECT_EQ(entry.Size, 3u);
    EXPECT_EQ(entry.ETag.size(), 32u);
    EXPECT_GT(entry.LastModifiedMs, 1577836800000);
    EXPECT_EQ(entry.StorageClass, "Standard");
    EXPECT_EQ(entry.Type, "Normal");
    EXPECT_EQ(entry.RestoreInfo, "");
    EXPECT_FALSE(entry.HasCrc64);
    entry.Key = "untouched";
    EXPECT_FALSE(listing.Next(entry));
    EXPECT_EQ(entry.Key, "untouched");
}

TEST(CppListing, AFailureIsInTheListing) {
    const LocalOss oss;
    auto client = anonymousClient(oss);
    ObjectEntry entry;
    auto missing = client.ListObjects(ListObjectsRequest("anotherbucket"));
    EXPECT_FALSE(missing.error().isSet());
    EXPECT_FALSE(missing.Next(entry));
    EXPECT_EQ(missing.error().Code(), "NoSuchBucket");
    EXPECT_FALSE(missing.Next(entry));

    const std::string nul("a\0b", 3);
    for (auto &refused : {std::make_pair("Bucket", ListObjectsRequest("No Bucket")),
                          std::make_pair("NUL", ListObjectsRequest("examplebucket", nul))}) {
        auto listing = client.ListObjects(refused.second);
        EXPECT_EQ(listing.error().Kind(), OSS_RESUMABLE_ERR_VALIDATION) << refused.first;
        EXPECT_FALSE(listing.Next(entry));
    }

    Client invalid("ftp://example.com");
    EXPECT_TRUE(invalid.ListObjects(ListObjectsRequest("examplebucket")).error().isSet());
}

TEST(CppListing, MayBeMovedAndCancelled) {
    const TemporaryDirectory folder;
    std::ofstream(folder.path("a")) << "1";
    std::ofstream(folder.path("b")) << "1";
    const LocalOss oss({"--folder", folder.path("")});
    auto client = anonymousClient(oss);
    ListObjectsRequest request("examplebucket");
    request.setMaxKeys(1);
    auto listing = client.ListObjects(request);
    ObjectEntry entry;
    ASSERT_TRUE(listing.Next(entry));
    Listing moved(std::move(listing));
    moved.Cancel();
    EXPECT_FALSE(moved.Next(entry));
    EXPECT_EQ(moved.error().Kind(), OSS_RESUMABLE_ERR_CANCELLED);
}
