// Downloads one object to a file, under control: the lines "pause", "resume" and "cancel" on the
// standard input do what they say.
//
//   OSS_ACCESS_KEY_ID=... OSS_ACCESS_KEY_SECRET=... ./pause
//       https://oss-cn-hangzhou.aliyuncs.com cn-hangzhou examplebucket
//       exampledir/exampleobject.txt examplefile.txt checkpoints
#include <iostream>
#include <string>

#include <oss_resumable/oss_resumable.hpp>

namespace {

// Obeys the lines on the standard input up to its end.
void control(oss_resumable::Download &download) {
    std::string line;
    while (std::getline(std::cin, line)) {
        if (line == "pause") {
            // Its connections are closed within a second, and its bytes are kept.
            download.Pause();
        } else if (line == "resume") {
            download.Resume();
        } else if (line == "cancel") {
            download.Cancel();
        }
    }
}

int fail(const oss_resumable::Error &error) {
    std::cerr << "download failed, code: " << error.Code() << ", message: " << error.Message()
              << std::endl;
    return 1;
}

} // namespace

int main(int argc, char **argv) {
    if (argc != 7) {
        std::cerr << "usage: " << argv[0] << " ENDPOINT REGION BUCKET KEY FILE CHECKPOINT-DIRECTORY"
                  << std::endl;
        return 2;
    }
    oss_resumable::ClientConfiguration configuration;
    configuration.region = argv[2];
    oss_resumable::Client client(argv[1], configuration);
    oss_resumable::DownloadObjectRequest request(argv[3], argv[4], argv[5], argv[6]);
    // Nobody reads the file soon: it does not displace other files from memory.
    request.setWriteMode(oss_resumable::WriteMode::Direct);
    auto started = client.StartDownload(request);
    if (!started.isSuccess()) {
        return fail(started.error());
    }
    control(started.result());
    const auto outcome = started.result().Wait();
    if (!outcome.isSuccess()) {
        return fail(outcome.error());
    }
    std::cout << "downloaded " << outcome.result().FilePath() << std::endl;
    return 0;
}
