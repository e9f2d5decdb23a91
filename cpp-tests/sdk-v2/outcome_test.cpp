// The outcome as the SDK's callers read it.
#include <sys/stat.h>

#include "fixture.hpp"

using namespace tests;

namespace {

// The outcome of a download from a server with `fault`, without retries.
GetObjectOutcome outcomeOf(const std::string &fault) {
    Fixture fixture({"--fault", fault});
    auto configuration = fixture.configuration();
    configuration.retryMaxAttempts = 1;
    // Not through the tap, which closes every connection in the same way.
    configuration.endpoint = fixture.oss.endpoint();
    auto outcome = fixture.download(configuration, "300000");
    EXPECT_FALSE(outcome.has_value());
    EXPECT_FALSE(messageOf(outcome).empty());
    return outcome;
}

} // namespace

TEST(SdkV2Outcome, HeadersAreThoseOfTheWholeObject) {
    Fixture fixture(
        {"--fault", "header=x-oss-meta-Colour:blue", "--fault", "header=Content-Type:text/x"});
    auto outcome = fixture.download(Fixture::request("1MiB"));
    ASSERT_TRUE(outcome.has_value()) << messageOf(outcome);
    auto &result = outcome.value();
    EXPECT_EQ(result.getStatusCode(), 200);
    EXPECT_FALSE(result.getRequestId().empty());
    EXPECT_EQ(result.getContentLength(), 1 << 20);
    EXPECT_EQ(result.getContentType(), "text/x");
    EXPECT_FALSE(result.getETag().empty() || result.getLastModified().empty());
    EXPECT_FALSE(result.getHashCrc64ecma().empty());
    EXPECT_EQ(result.getContentRange(), "");
    EXPECT_EQ(result.getHeaders().at("X-Oss-Meta-Colour"), "blue");
    EXPECT_EQ(result.getBody(), nullptr);
}

TEST(SdkV2Outcome, HeadersOfARangeTellTheRange) {
    Fixture fixture;
    const auto outcome = fixture.download(Fixture::request("1MiB").setRange("bytes=1000-"));
    ASSERT_TRUE(outcome.has_value()) << messageOf(outcome);
    EXPECT_EQ(outcome.value().getStatusCode(), 206);
    EXPECT_EQ(outcome.value().getContentLength(), (1 << 20) - 1000);
    EXPECT_EQ(outcome.value().getContentRange(), "bytes 1000-1048575/1048576");
}

TEST(SdkV2Outcome, AnEmptyObjectIsAnEmptyFile) {
    Fixture fixture;
    const auto outcome = fixture.download(Fixture::request("0"));
    ASSERT_TRUE(outcome.has_value()) << messageOf(outcome);
    EXPECT_EQ(outcome.value().getContentLength(), 0);
    EXPECT_EQ(fixture.files(), Strings{"file"});
}

TEST(SdkV2Outcome, AnErrorOfTheServiceHasAllItsFields) {
    Fixture fixture({"--fault", "header=x-oss-ec:0026-00000001"});
    const auto outcome =
        fixture.download(GetObjectRequest().setBucket("examplebucket").setKey("missing"));
    ASSERT_FALSE(outcome.has_value());
    const sdk::OperationError &error = outcome.error();
    EXPECT_EQ(error.getCode(), "NoSuchKey");
    EXPECT_FALSE(error.getMessage().empty());
    EXPECT_FALSE(error.getRequestId().empty());
    EXPECT_EQ(error.getHeaders().at("x-oss-request-id"), error.getRequestId());
    EXPECT_FALSE(error.getEC().empty());
    EXPECT_FALSE(error.getErrorFields().at("HostId").empty());
    EXPECT_EQ(error.getStatusCode(), 404);
    EXPECT_EQ(error.getErrorCode(), sdk::make_server_error_code(404));
    EXPECT_EQ(error.getOpName(), "GetObject");
    EXPECT_EQ(error.getMethod(), "GET");
    EXPECT_EQ(error.getRequestTarget(), "oss://examplebucket/missing");
    EXPECT_TRUE(fixture.files().empty());
}

TEST(SdkV2Outcome, TheServicesCodesAreReported) {
    for (const auto &[status, code] :
         {std::make_pair(403, "AccessDenied"), std::make_pair(404, "NoSuchBucket"),
          std::make_pair(500, "InternalError"), std::make_pair(412, "PreconditionFailed")}) {
        const auto outcome = outcomeOf("status=" + std::to_string(status) + ":" + code);
        EXPECT_EQ(codeOf(outcome), code);
        EXPECT_EQ(outcome.error().getStatusCode(), status);
        EXPECT_EQ(outcome.error().getErrorCode() == sdk::ErrorCondition::Retryable, status == 500);
    }
    EXPECT_EQ(codeOf(outcomeOf("html=502")), "ServerError:502");
}

TEST(SdkV2Outcome, TransportErrorsHaveTheSdksCodes) {
    using Code = sdk::TransportErrorCode;
    const auto expect = [](const GetObjectOutcome &outcome, int number, Code code) {
        ASSERT_FALSE(outcome.has_value());
        EXPECT_EQ(codeOf(outcome), "CURLcode " + std::to_string(number));
        EXPECT_EQ(outcome.error().getErrorCode(), make_error_code(code));
        EXPECT_EQ(outcome.error().getStatusCode(), 0);
    };
    expect(outcomeOf("close-before-headers"), 52, Code::SendRecvError);
    expect(outcomeOf("reset-before-headers"), 56, Code::SendRecvError);
    expect(outcomeOf("close-after=1000"), 18, Code::PartialTransfer);
    Fixture fixture;
    auto configuration = fixture.configuration();
    configuration.retryMaxAttempts = 1;
    configuration.endpoint = "http://127.0.0.1:1";
    expect(fixture.download(configuration), 7, Code::ConnectionFailed);
    configuration.endpoint = "http://host.invalid";
    expect(fixture.download(configuration), 6, Code::DnsError);
}

TEST(SdkV2Outcome, AWrongChecksumHasTheSdksCodeAndDoesNotPersist) {
    Fixture fixture({"--fault", "wrong-crc@times:20"});
    const auto outcome = fixture.download(Fixture::request("300000"));
    EXPECT_EQ(codeOf(outcome), "CRCInconsistent");
    EXPECT_EQ(outcome.error().getErrorCode(), make_error_code(sdk::ClientErrorCode::CrcMismatch));
    EXPECT_TRUE(fixture.files().empty()) << "no checkpoint that fails in every run";
}

TEST(SdkV2Outcome, DiskErrorsHaveTheSystemsNumber) {
    Fixture fixture;
    const auto outcome = Downloader(fixture.configuration())
                             .downloadFile(Fixture::request("1000"), "/proc/no-file-here");
    ASSERT_FALSE(outcome.has_value());
    EXPECT_EQ(outcome.error().getErrorCode().category(), std::generic_category())
        << codeOf(outcome);
    EXPECT_NE(messageOf(outcome).find("/proc/no-file-here"), std::string::npos);
}

TEST(SdkV2Outcome, ASecondRunOfTheSameDownloadIsBusy) {
    Fixture fixture({"--rate", "400KB"});
    const Downloader downloader(fixture.configuration());
    auto options = fixture.options();
    std::string second;
    options.progress = [&](const oss_resumable::Status &status) {
        if (status.bytes_done > 0 && second.empty()) {
            const auto outcome = downloader.downloadFile(Fixture::request("1MiB"), fixture.file(),
                                                         fixture.options());
            second = codeOf(outcome);
            EXPECT_TRUE(outcome.error().getErrorCode() == std::errc::device_or_resource_busy);
        }
        return true;
    };
    EXPECT_DOWNLOADED(downloader.downloadFile(Fixture::request("1MiB"), fixture.file(), options),
                      fixture, "1MiB");
    EXPECT_EQ(second, "Busy");
}

TEST(SdkV2Outcome, AnErrorHasNoSnapshotAndOnlyTwoHeaders) {
    const auto outcome = outcomeOf("status=403:AccessDenied");
    EXPECT_EQ(outcome.error().getSnapshot(), "");
    EXPECT_LE(outcome.error().getHeaders().size(), 2u);
    EXPECT_EQ(outcome.error().getHeaders().count("x-oss-request-id"), 1u);
}

TEST(SdkV2Outcome, CurlCodesAreTheSdksErrors) {
    using Code = sdk::TransportErrorCode;
    using oss_resumable::detail::sdk2TransportError;
    for (const int number : {23, 52, 55, 56, 65}) {
        EXPECT_EQ(sdk2TransportError(number), make_error_code(Code::SendRecvError)) << number;
    }
    for (const int number : {35, 51, 53, 60}) {
        EXPECT_EQ(sdk2TransportError(number), make_error_code(Code::SslError)) << number;
    }
    EXPECT_EQ(sdk2TransportError(3), make_error_code(Code::Unknown));
}

#ifdef ALIBABACLOUD_OSS_USE_STD_EXPECTED
TEST(SdkV2Outcome, TheOutcomeIsAStdExpected) {
    Fixture fixture;
    static_assert(std::is_same_v<GetObjectOutcome,
                                 std::expected<sdk::models::GetObjectResult, sdk::OperationError>>);
    const auto right = fixture.download(Fixture::request("1000"));
    EXPECT_EQ(right.value().getContentLength(), 1000);
    const auto wrong = fixture.download(GetObjectRequest().setBucket("examplebucket").setKey("no"));
    EXPECT_THROW(wrong.value(), std::bad_expected_access<sdk::OperationError>);
}
#endif
