// Downloads one object to a file and writes its bytes to the standard output meanwhile, for a
// program that can begin before everything is there:
//
//   OSS_ACCESS_KEY_ID=... OSS_ACCESS_KEY_SECRET=... ./follow
//       https://oss-cn-hangzhou.aliyuncs.com cn-hangzhou examplebucket film.mp4 film.mp4 | player
//
// What it writes is proven only by its exit status 0.
#include <chrono>
#include <fstream>
#include <iostream>
#include <string>
#include <vector>

#include <oss_resumable/oss_resumable.hpp>

namespace {

class Reader {
public:
    Reader(const oss_resumable::Download &download, const std::string &filePath)
        : download_(download), filePath_(filePath) {}

    // Writes what is new. False if bytes that were written turned out to be useless or cannot be
    // read or written.
    bool look() {
        const oss_resumable::Status status = download_.GetStatus();
        if (!file_.is_open()) {
            open(status);
        }
        std::vector<char> buffer(1 << 16);
        while (file_.is_open() && written_ < status.contiguous_bytes) {
            const uint64_t left = status.contiguous_bytes - written_;
            const uint64_t most = left < buffer.size() ? left : buffer.size();
            file_.clear();
            file_.seekg(static_cast<std::streamoff>(written_));
            file_.read(buffer.data(), static_cast<std::streamsize>(most));
            const std::streamsize got = file_.gcount();
            // As long as nothing has been reset, the bytes are those that the status has promised.
            if (download_.GetStatus().contiguous_resets != 0 || got <= 0 ||
                !std::cout.write(buffer.data(), got)) {
                return false;
            }
            written_ += static_cast<uint64_t>(got);
        }
        return static_cast<bool>(std::cout.flush());
    }

private:
    void open(const oss_resumable::Status &status) {
        if (status.phase == OSS_RESUMABLE_PHASE_SUCCEEDED) {
            file_.open(filePath_, std::ios::binary);
        } else if (status.temp_path) {
            // It may have been renamed a moment ago: the next look finds it.
            file_.open(status.temp_path, std::ios::binary);
        }
    }

    const oss_resumable::Download &download_;
    std::string filePath_;
    std::ifstream file_;
    uint64_t written_ = 0;
};

int fail(const oss_resumable::Error &error) {
    std::cerr << "download failed, code: " << error.Code() << ", message: " << error.Message()
              << std::endl;
    return 1;
}

} // namespace

int main(int argc, char **argv) {
    if (argc != 6) {
        std::cerr << "usage: " << argv[0] << " ENDPOINT REGION BUCKET KEY FILE" << std::endl;
        return 2;
    }
    oss_resumable::ClientConfiguration configuration;
    configuration.region = argv[2];
    oss_resumable::Client client(argv[1], configuration);
    oss_resumable::DownloadObjectRequest request(argv[3], argv[4], argv[5]);
    request.setPartSize(1024 * 1024);
    request.setOrder(oss_resumable::FetchOrder::Sequential);
    auto started = client.StartDownload(request);
    if (!started.isSuccess()) {
        return fail(started.error());
    }
    oss_resumable::Download download = std::move(started.result());
    Reader reader(download, argv[5]);
    oss_resumable::DownloadOutcome outcome{oss_resumable::Error()};
    bool ended = false;
    while (!ended) {
        ended = download.Wait(std::chrono::milliseconds(20), outcome);
        if (!reader.look()) {
            std::cerr << "what was written cannot be continued" << std::endl;
            return 1;
        }
    }
    return outcome.isSuccess() ? 0 : fail(outcome.error());
}
