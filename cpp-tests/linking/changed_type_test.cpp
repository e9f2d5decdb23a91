// The changed type in a program that is linked with OssResumable::sdk as well.
#include "../sdk/fixture.hpp"

using namespace tests;

TEST(Linked, TheChangedTypeMayBeUsedBesides) {
    Fixture fixture;
    Client client = fixture.client();
    const sdk::OssClient &same = client;
    EXPECT_DOWNLOADED(client.ResumableDownloadObject(fixture.request("1000")), fixture, "1000");
    EXPECT_DOWNLOADED(same.ResumableDownloadObject(fixture.request("1000")), fixture, "1000");
    client.DisableRequest();
    EXPECT_EQ(client.ResumableDownloadObject(fixture.request("1000")).error().Code(),
              "ClientError:100002");
    EXPECT_EQ(same.ResumableDownloadObject(fixture.request("1000")).error().Code(),
              "ClientError:100002");
}
