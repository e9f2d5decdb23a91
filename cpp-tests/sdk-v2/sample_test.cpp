// The SDK's sample of a resumable download (samples/scenario/sink-factory) continues any file that
// it finds, at the file's length. These are the cases in which the sample's file is wrong.
#include <cstdio>
#include <fstream>

#include <sys/stat.h>

#include "fixture.hpp"

using namespace tests;

namespace {

const size_t SIZE = 1500000;

std::string pattern() {
    std::string bytes(SIZE, '\0');
    for (size_t i = 0; i < SIZE; ++i) {
        bytes[i] = static_cast<char>(131 * i + 17 * (i >> 8) + 7 * (i >> 16));
    }
    return bytes;
}

void write(const std::string &path, const std::string &bytes) {
    std::ofstream(path, std::ios::binary) << bytes;
}

// A server with an object, and a download of it that was cancelled after some bytes.
class Interrupted {
public:
    explicit Interrupted(const std::string &object = pattern()) : object_(object) {
        mkdir(served_.path("served").c_str(), 0755);
        write(object_path(), object);
        fixture.reset(new Fixture(
            {"--rate", "1MB", "--bucket", "served", "--folder", served_.path("served")}));
        auto options = fixture->options();
        options.progress = [](const oss_resumable::Status &status) {
            return status.bytes_done < 3 * PART;
        };
        EXPECT_EQ(codeOf(download(options)), "RequestCanceled");
        EXPECT_EQ(fixture->files().size(), 2u);
    }
    ~Interrupted() {
        unlink(object_path().c_str());
        rmdir(served_.path("served").c_str());
    }
    Interrupted(const Interrupted &) = delete;
    Interrupted &operator=(const Interrupted &) = delete;

    void replaceObject(const std::string &object) {
        object_ = object;
        write(object_path() + ".new", object);
        std::rename((object_path() + ".new").c_str(), object_path().c_str());
    }
    // The contents of the temporary file.
    std::string left() const { return readFile(temporary()); }
    void leave(const std::string &bytes) const { write(temporary(), bytes); }
    // Resumes the download.
    void expectTheObject() const {
        const auto outcome = download(fixture->options());
        EXPECT_TRUE(outcome.has_value()) << codeOf(outcome) << ": " << messageOf(outcome);
        EXPECT_TRUE(readFile(fixture->file()) == object_);
        EXPECT_EQ(fixture->files(), Strings{"file"});
    }

    std::unique_ptr<Fixture> fixture;

private:
    std::string temporary() const { return fixture->file() + ".temp"; }
    std::string object_path() const { return served_.path("served/object"); }
    GetObjectOutcome download(const DownloadOptions &options) const {
        return Downloader(fixture->configuration())
            .downloadFile(GetObjectRequest().setBucket("served").setKey("object"), fixture->file(),
                          options);
    }

    std::string object_;
    TemporaryDirectory served_;
};

} // namespace

TEST(SdkV2Sample, RecordedBytesAreNotFetchedAgain) {
    Interrupted run;
    const size_t before = run.fixture->wire.requests().size();
    run.expectTheObject();
    for (size_t i = before; i < run.fixture->wire.requests().size(); ++i) {
        EXPECT_NE(run.fixture->wire.requests()[i].header("Range").compare(0, 8, "bytes=0-"), 0);
    }
}

TEST(SdkV2Sample, AnObjectReplacedBetweenTheRunsIsFetchedFromItsStart) {
    for (const size_t size : {SIZE, SIZE - 400000, SIZE + 100000}) {
        Interrupted run;
        std::string replaced = pattern();
        replaced.resize(size, 'x');
        replaced[12345] ^= 1;
        run.replaceObject(replaced);
        run.expectTheObject();
    }
}

TEST(SdkV2Sample, DamagedBytesAreFetchedAgain) {
    Interrupted run;
    std::string damaged = run.left();
    ASSERT_GT(damaged.size(), 1000u);
    damaged[1000] ^= 1;
    run.leave(damaged);
    run.expectTheObject();
}

TEST(SdkV2Sample, ATemporaryFileThatIsTooLongIsCut) {
    Interrupted run;
    run.leave(run.left() + std::string(SIZE, 'x'));
    run.expectTheObject();
}

TEST(SdkV2Sample, ATemporaryFileThatIsTooShortIsCompleted) {
    Interrupted run;
    run.leave(run.left().substr(0, 1000));
    run.expectTheObject();
}

TEST(SdkV2Sample, ATailOfZerosIsFetchedAgain) {
    Interrupted run;
    std::string zeros = run.left().substr(0, PART);
    zeros.resize(SIZE, '\0');
    run.leave(zeros);
    run.expectTheObject();
}

TEST(SdkV2Sample, AMissingTemporaryFileIsFetchedAgain) {
    Interrupted run;
    unlink((run.fixture->file() + ".temp").c_str());
    run.expectTheObject();
}

TEST(SdkV2Sample, AFileOfTheSameLengthIsReplaced) {
    Interrupted run;
    write(run.fixture->file(), std::string(SIZE, 'x'));
    run.expectTheObject();
}

TEST(SdkV2Sample, AnObjectReplacedDuringTheRunGivesAFileOfOneGeneration) {
    Fixture fixture({"--rate", "1MB", "--fault", "replace-object-after=1"});
    const auto outcome = fixture.download(Fixture::request("1MiB"));
    ASSERT_TRUE(outcome.has_value()) << codeOf(outcome) << ": " << messageOf(outcome);
    const auto again = Downloader(fixture.configuration())
                           .downloadFile(Fixture::request("1MiB"), fixture.directory.path("again"));
    ASSERT_TRUE(again.has_value()) << messageOf(again);
    EXPECT_EQ(outcome.value().getETag(), again.value().getETag());
    EXPECT_TRUE(readFile(fixture.file()) == readFile(fixture.directory.path("again")));
    EXPECT_FALSE(LocalOss::isGenerated(fixture.file(), "1MiB"))
        << "the file has the new generation";
}
