// Downloads one object whose SHA-256 is known, for example from the list that a model or a release
// comes with. The file is there only if it has that digest:
//
//   OSS_ACCESS_KEY_ID=... OSS_ACCESS_KEY_SECRET=... ./digest
//       https://oss-cn-hangzhou.aliyuncs.com cn-hangzhou examplebucket model.safetensors
//       model.safetensors sha256:5891b5b522d5df086d0ff0b110fbd9d21bb4fc7163af34d08286a2e846f6be03
#include <iostream>

#include <oss_resumable/oss_resumable.hpp>

int main(int argc, char **argv) {
    if (argc != 7) {
        std::cerr << "usage: " << argv[0] << " ENDPOINT REGION BUCKET KEY FILE SHA256\n";
        return 2;
    }
    oss_resumable::Client client(argv[1]);
    client.SetRegion(argv[2]);

    oss_resumable::DownloadObjectRequest request(argv[3], argv[4], argv[5]);
    request.setEnableCheckpoint(true);
    // In hexadecimal digits or base64, with or without "sha256:".
    request.setExpectedSha256(argv[6]);

    const auto outcome = client.ResumableDownloadObject(request);
    if (outcome.isSuccess()) {
        std::cout << "downloaded " << outcome.result().FilePath()
                  << ", which has the expected SHA-256\n";
        return 0;
    }
    const auto &error = outcome.error();
    if (error.Code() == "DigestMismatch") {
        std::cerr << "this is another file: " << error.Message() << "\n";
    } else {
        std::cerr << "download failed, code: " << error.Code() << ", message: " << error.Message()
                  << "\n";
    }
    return 1;
}
