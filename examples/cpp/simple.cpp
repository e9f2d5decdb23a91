// Downloads one object to a file. Resumes where an earlier run stopped.
//
//   OSS_ACCESS_KEY_ID=... OSS_ACCESS_KEY_SECRET=... ./simple https://oss-cn-hangzhou.aliyuncs.com
//       cn-hangzhou examplebucket exampledir/exampleobject.txt examplefile.txt checkpoints
#include <iostream>

#include <oss_resumable/oss_resumable.hpp>

int main(int argc, char **argv) {
    if (argc != 7) {
        std::cerr << "usage: simple ENDPOINT REGION BUCKET KEY FILE CHECKPOINT-DIRECTORY\n";
        return 2;
    }

    // Reads credentials from OSS_ACCESS_KEY_ID and OSS_ACCESS_KEY_SECRET. Signs with V4.
    oss_resumable::Client client(argv[1]);
    client.SetRegion(argv[2]);

    // The checkpoint directory must exist. The checkpoint in it is deleted after success.
    oss_resumable::DownloadObjectRequest request(argv[3], argv[4], argv[5], argv[6]);
    auto outcome = client.ResumableDownloadObject(request);

    if (!outcome.isSuccess()) {
        std::cerr << "ResumableDownloadObject fail"
                  << ", code: " << outcome.error().Code()
                  << ", message: " << outcome.error().Message()
                  << ", requestId: " << outcome.error().RequestId() << std::endl;
        return 1;
    }
    std::cout << "downloaded " << outcome.result().FilePath() << std::endl;
    return 0;
}
