// Downloads the object at a presigned or public URL. Resumes where an earlier run stopped, also
// with another signature.
//
// The URL is a secret, so it is a line of standard input and not an argument. When it expires
// during the download, the next line is used.
//
//   echo 'https://examplebucket.oss-cn-hangzhou.aliyuncs.com/exampleobject.txt?...' |
//       ./url examplefile.txt checkpoints
#include <iostream>
#include <string>

#include <oss_resumable/oss_resumable.hpp>

int main(int argc, char **argv) {
    if (argc != 3) {
        std::cerr << "usage: url FILE CHECKPOINT-DIRECTORY < FILE-WITH-URLS\n";
        return 2;
    }
    std::string url;
    std::getline(std::cin, url);

    auto request = oss_resumable::DownloadObjectRequest::FromUrl(url, argv[1], argv[2]);
    request.setUrlProvider([](std::string &next, std::string &reason) {
        reason = "there is no other URL";
        return static_cast<bool>(std::getline(std::cin, next));
    });

    // Needs neither an endpoint nor credentials.
    auto client = oss_resumable::Client::ForUrls();
    auto outcome = client.ResumableDownloadObject(request);
    if (!outcome.isSuccess()) {
        std::cerr << "download failed, code: " << outcome.error().Code()
                  << ", message: " << outcome.error().Message() << std::endl;
        return 1;
    }
    std::cout << "downloaded " << outcome.result().FilePath() << std::endl;
    return 0;
}
