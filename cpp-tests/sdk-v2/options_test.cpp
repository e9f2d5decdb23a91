// Each field of DownloadOptions, by its effect on the requests, on the disk, or on the request of
// the C API.
#include <fstream>

#include <sys/stat.h>

#include "fixture.hpp"

using namespace tests;

namespace {

GetObjectOutcome download(const Fixture &fixture, const DownloadOptions &options,
                          const std::string &size = "1MiB") {
    return Downloader(fixture.configuration())
        .downloadFile(Fixture::request(size), fixture.file(), options);
}

// A field of the C API's request for these options.
template <typename Field>
Field passedOn(const DownloadOptions &options, Field oss_download_object_request::*field) {
    namespace detail = oss_resumable::detail;
    std::string problem;
    const auto request =
        detail::sdk2Request(Fixture::request("1000"), "/tmp/never-written", options, problem);
    return detail::CRequest(request).get()->*field;
}

} // namespace

TEST(SdkV2Options, PartSizeIsTheFirstRequestsRange) {
    Fixture fixture;
    DownloadOptions options;
    options.partSize = 204800;
    EXPECT_DOWNLOADED(download(fixture, options), fixture, "1MiB");
    EXPECT_EQ(fixture.firstRequest().header("Range"), "bytes=0-204799");
}

TEST(SdkV2Options, PartSizesAndNumbersOutOfRangeAreRefused) {
    Fixture fixture;
    for (const std::uint64_t size : {std::uint64_t{0}, PART - 1}) {
        DownloadOptions options;
        options.partSize = size;
        EXPECT_EQ(codeOf(download(fixture, options)), "ArgumentInvalid");
    }
    for (const std::uint32_t number : {0u, 1025u}) {
        DownloadOptions options;
        options.parallelNum = number;
        EXPECT_EQ(codeOf(download(fixture, options)), "ArgumentInvalid");
    }
    EXPECT_TRUE(fixture.wire.requests().empty());
}

TEST(SdkV2Options, ParallelNumIsTheNumberOfConnections) {
    const auto connections = [](std::uint32_t number) {
        Fixture fixture({"--rate", "400KB"});
        auto options = fixture.options();
        options.parallelNum = number;
        EXPECT_DOWNLOADED(download(fixture, options), fixture, "1MiB");
        return fixture.wire.mostConnections();
    };
    EXPECT_EQ(connections(1), 1);
    // The tap may learn of a connection's end only after its successor's start.
    EXPECT_GE(connections(4), 4);
}

TEST(SdkV2Options, TheCheckpointIsInItsDirectoryOrBesideTheFileOrNowhere) {
    const Strings refusing{"--fault", "status=403:AccessDenied@from:2"};
    DownloadOptions options;
    options.partSize = PART;
    options.parallelNum = 1;

    Fixture without(refusing);
    EXPECT_EQ(codeOf(download(without, options)), "AccessDenied");
    EXPECT_TRUE(without.files().empty());

    Fixture within(refusing);
    TemporaryDirectory checkpoints;
    options.checkpointDir = checkpoints.path();
    EXPECT_EQ(codeOf(download(within, options)), "AccessDenied");
    EXPECT_EQ(within.files(), Strings{"file.temp"});
    EXPECT_EQ(checkpoints.names().size(), 1u);

    Fixture switchedOff(refusing);
    options.enableCheckpoint = false;
    EXPECT_EQ(codeOf(download(switchedOff, options)), "AccessDenied");
    EXPECT_TRUE(switchedOff.files().empty());

    Fixture beside(refusing);
    options.enableCheckpoint = true;
    options.checkpointDir.reset();
    EXPECT_EQ(codeOf(download(beside, options)), "AccessDenied");
    EXPECT_EQ(beside.files().size(), 2u);
}

TEST(SdkV2Options, TheProgressHandlerMayCancel) {
    Fixture fixture({"--rate", "400KB"});
    std::int64_t total = 0;
    auto options = fixture.options();
    options.progress = [&total](const oss_resumable::Status &status) {
        total = status.bytes_total;
        return status.bytes_done < 200000;
    };
    const auto outcome = download(fixture, options);
    EXPECT_EQ(codeOf(outcome), "RequestCanceled") << messageOf(outcome);
    EXPECT_EQ(total, 1 << 20);
    options.progress = nullptr;
    EXPECT_DOWNLOADED(download(fixture, options), fixture, "1MiB");
}

TEST(SdkV2Options, TheDeadlineEndsTheDownload) {
    Fixture fixture({"--rate", "10KB"});
    auto options = fixture.options();
    options.deadlineMs = 300;
    const auto outcome = download(fixture, options);
    ASSERT_FALSE(outcome.has_value());
    EXPECT_EQ(outcome.error().getErrorCode(), make_error_code(sdk::TransportErrorCode::Timeout))
        << codeOf(outcome);
}

TEST(SdkV2Options, TheBandwidthLimitIsTheTotalOfAllConnections) {
    Fixture fixture;
    auto options = fixture.options();
    options.parallelNum = 4;
    options.maxBandwidth = 1 << 20;
    const Stopwatch watch;
    EXPECT_DOWNLOADED(download(fixture, options, "2MiB"), fixture, "2MiB");
    // A burst of a twentieth of a second comes on top.
    EXPECT_GE(watch.seconds(), 1.9);
}

TEST(SdkV2Options, FailIfExistsKeepsTheFile) {
    Fixture fixture;
    std::ofstream(fixture.file()) << "old";
    DownloadOptions options;
    options.failIfExists = true;
    const auto outcome = download(fixture, options);
    EXPECT_EQ(codeOf(outcome), "FileAlreadyExists") << messageOf(outcome);
    EXPECT_EQ(readFile(fixture.file()), "old");
}

TEST(SdkV2Options, SetModifiedTimeSetsTheObjectsTime) {
    Fixture fixture({"--fault", "header=Last-Modified:Mon, 01 Jan 2001 00:00:00 GMT"});
    DownloadOptions options;
    options.setModifiedTime = true;
    EXPECT_DOWNLOADED(download(fixture, options), fixture, "1MiB");
    struct stat found;
    ASSERT_EQ(stat(fixture.file().c_str(), &found), 0);
    EXPECT_EQ(found.st_mtime, 978307200);
}

TEST(SdkV2Options, AllowEncryptedSavesAnEncryptedObject) {
    Fixture fixture({"--fault", "header=x-oss-meta-client-side-encryption-key:abc"});
    DownloadOptions options;
    EXPECT_EQ(codeOf(download(fixture, options)), "ClientSideEncrypted");
    options.allowEncrypted = true;
    EXPECT_DOWNLOADED(download(fixture, options), fixture, "1MiB");
}

TEST(SdkV2Options, DiskOptionsArePassedOn) {
    using Request = oss_download_object_request;
    DownloadOptions options;
    EXPECT_EQ(passedOn(options, &Request::check_space), OSS_RESUMABLE_ON);
    EXPECT_EQ(passedOn(options, &Request::preallocate), OSS_RESUMABLE_OFF);
    EXPECT_EQ(passedOn(options, &Request::flush), OSS_RESUMABLE_ON);
    EXPECT_EQ(passedOn(options, &Request::verify_before_rename), OSS_RESUMABLE_OFF);
    options.checkSpace = false;
    options.preallocate = true;
    options.flush = false;
    options.verifyBeforeRename = true;
    EXPECT_EQ(passedOn(options, &Request::check_space), OSS_RESUMABLE_OFF);
    EXPECT_EQ(passedOn(options, &Request::preallocate), OSS_RESUMABLE_ON);
    EXPECT_EQ(passedOn(options, &Request::flush), OSS_RESUMABLE_OFF);
    EXPECT_EQ(passedOn(options, &Request::verify_before_rename), OSS_RESUMABLE_ON);
    Fixture fixture;
    EXPECT_DOWNLOADED(download(fixture, options), fixture, "1MiB");
}

TEST(SdkV2Options, EmptyPathsAreRefused) {
    Fixture fixture;
    const Downloader downloader(fixture.configuration());
    EXPECT_EQ(codeOf(downloader.downloadFile(Fixture::request("1000"), "")), "ArgumentInvalid");
    DownloadOptions options;
    options.checkpointDir = "";
    EXPECT_EQ(codeOf(download(fixture, options)), "ArgumentInvalid");
    EXPECT_TRUE(fixture.wire.peers().empty() && fixture.files().empty());
}
