// Resuming, through the SDK's own types, from the records that the SDK leaves when it is stopped.
#include <csignal>
#include <fstream>

#include <sys/stat.h>

#include "fixture.hpp"

using namespace tests;

namespace {

const size_t SIZE = 1500000;
// The parts in the records of tests/data/checkpoint/cpp-sdk-record: nine parts of the whole object,
// and those of a range.
const size_t HELD = 9 * PART;
const char *const RECORD = "E235A58FD2FE3EB5AB84EF9F23644983--41704C2848F9F2D9EC9D20EB1BA2BB8F";

std::string pattern() {
    std::string bytes(SIZE, '\0');
    for (size_t i = 0; i < SIZE; ++i) {
        bytes[i] = static_cast<char>(131 * i + 17 * (i >> 8) + 7 * (i >> 16));
    }
    return bytes;
}

// A server with the object, and a directory that becomes the current one: the record's name depends
// on the path that was passed to the SDK, "download.bin".
class Left {
public:
    explicit Left(const std::string &object, const Strings &arguments = {}) : object_(object) {
        mkdir(served_.path("slow").c_str(), 0755);
        std::ofstream(served_.path("slow/pattern.bin"), std::ios::binary) << object;
        fixture.reset(new Fixture(with(arguments, served_.path("slow"))));
        char before[4096];
        before_ = getcwd(before, sizeof before);
        EXPECT_EQ(chdir(here.path().c_str()), 0);
    }
    ~Left() {
        EXPECT_EQ(chdir(before_.c_str()), 0);
        unlink(served_.path("slow/pattern.bin").c_str());
        rmdir(served_.path("slow").c_str());
    }
    Left(const Left &) = delete;
    Left &operator=(const Left &) = delete;

    // Copies the SDK's files into the directory.
    void copy(const std::string &kind) {
        const std::string data = SDK_RECORDS "/" + kind;
        std::ofstream(here.path(RECORD), std::ios::binary) << readFile(data + ".json");
        std::ofstream(here.path("download.bin.temp"), std::ios::binary) << readFile(data + ".temp");
    }
    sdk::DownloadObjectRequest request() const {
        return sdk::DownloadObjectRequest("slow", "pattern.bin", "download.bin", ".", PART, 1);
    }
    // Expects the download to end with the object and no other file; returns the Range of the first
    // request.
    std::string resume(const sdk::DownloadObjectRequest &request) {
        const auto outcome = fixture->client().ResumableDownloadObject(request);
        EXPECT_TRUE(outcome.isSuccess()) << outcome.error().Message();
        const size_t start = request.RangeIsSet() ? static_cast<size_t>(request.RangeStart()) : 0;
        const size_t end =
            request.RangeIsSet() ? static_cast<size_t>(request.RangeEnd()) + 1 : object_.size();
        EXPECT_TRUE(readFile("download.bin") == object_.substr(start, end - start));
        EXPECT_EQ(here.names(), Strings{"download.bin"});
        return fixture->firstRequest().header("Range");
    }
    // The record, if there is one.
    std::string record() const { return readFile(here.path(RECORD)); }

    TemporaryDirectory here;
    std::unique_ptr<Fixture> fixture;

private:
    static Strings with(Strings arguments, const std::string &folder) {
        arguments.insert(arguments.end(), {"--bucket", "slow", "--folder", folder});
        return arguments;
    }

    const std::string object_;
    TemporaryDirectory served_;
    std::string before_;
};

} // namespace

TEST(SdkRecovery, AnInterruptedDownloadOfTheSdksIsContinued) {
    Left left(pattern());
    left.copy("plain");
    EXPECT_EQ(left.resume(left.request()).compare(0, 13, "bytes=921600-"), 0) << "after its parts";
}

TEST(SdkRecovery, ItsRecordOfARangeIsIgnored) {
    Left left(pattern());
    left.copy("range");
    auto request = left.request();
    request.setRange(150000, 1200000);
    EXPECT_EQ(left.resume(request).compare(0, 13, "bytes=150000-"), 0) << "from the range's start";
}

TEST(SdkRecovery, ItsRecordOfAReplacedObjectEndsInTheRightFile) {
    std::string replaced = pattern();
    replaced[12345] ^= 1;
    Left left(replaced);
    left.copy("plain");
    left.resume(left.request());
}

TEST(SdkRecovery, PartsThatDoNotMatchTheDiskAreFetchedAgain) {
    Left left(pattern());
    left.copy("plain");
    std::string temp = readFile("download.bin.temp");
    temp.replace(0, HELD, HELD, '\0');
    std::ofstream("download.bin.temp", std::ios::binary) << temp;
    left.resume(left.request());
}

TEST(SdkRecovery, RecordsWithAnotherFormatAreIgnored) {
    for (const char *shape : {"", "[1,2]", "{}", "null", "{\"parts\":[[]]}", "{\"size\":-1}",
                              "{\"parts\":{\"a\":1},\"md5Sum\":7}", "not json"}) {
        Left left(pattern());
        left.copy("plain");
        std::ofstream(RECORD, std::ios::binary) << shape;
        EXPECT_EQ(left.resume(left.request()).compare(0, 8, "bytes=0-"), 0) << shape;
    }
}

#ifdef TESTS_REAL_SDK
// A record that the SDK itself writes before it is killed.
TEST(SdkRecovery, ADownloadOfTheSdksOwnThatIsKilledIsContinued) {
    for (const bool ranged : {false, true}) {
        Left left(pattern(), {"--rate", "400KB"});
        auto request = left.request();
        if (ranged) {
            request.setRange(150000, 1200000);
        }
        const std::string endpoint = left.fixture->oss.endpoint();
        const pid_t child = fork();
        if (child == 0) {
            const sdk::OssClient own(endpoint, "id", "secret", sdk::ClientConfiguration());
            own.ResumableDownloadObject(request);
            _exit(0);
        }
        while (left.record().find("\"partNumber\" : 3") == std::string::npos) {
            usleep(1000);
        }
        kill(child, SIGKILL);
        int status = 0;
        waitpid(child, &status, 0);
        ASSERT_TRUE(WIFSIGNALED(status)) << "it was to be interrupted";
        const std::string first = left.resume(request);
        if (ranged) {
            EXPECT_EQ(first.compare(0, 13, "bytes=150000-"), 0) << first;
        } else {
            EXPECT_NE(first.compare(0, 8, "bytes=0-"), 0) << first;
        }
    }
}
#endif
