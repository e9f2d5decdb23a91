// The example of the OSS C++ SDK's page on resumable download, with this library's downloads.
//
// Two lines differ from the program that uses the SDK alone; each is below the line it replaces.
// Everything else, from InitializeSdk() to the error's code, is the SDK's. docs/migration.md
// describes the differences.
//
//   sdk_migration ENDPOINT REGION BUCKET OBJECT FILE CHECKPOINT-DIRECTORY
//
// Credentials come from OSS_ACCESS_KEY_ID and OSS_ACCESS_KEY_SECRET.
#include <iostream>
#include <memory>
#include <string>

// #include <alibabacloud/oss/OssClient.h>
#include <oss_resumable/oss_resumable_sdk.hpp>

using namespace AlibabaCloud::OSS;

int main(int argc, char **argv) {
    if (argc != 7) {
        std::cerr << "usage: sdk_migration ENDPOINT REGION BUCKET OBJECT FILE CHECKPOINT-DIRECTORY"
                  << std::endl;
        return 2;
    }
    const std::string Endpoint = argv[1], Region = argv[2];
    const std::string BucketName = argv[3], ObjectName = argv[4];
    const std::string DownloadFilePath = argv[5], CheckpointFilePath = argv[6];

    InitializeSdk();

    ClientConfiguration conf;
    conf.signatureVersion = SignatureVersionType::V4;
    auto credentialsProvider = std::make_shared<EnvironmentVariableCredentialsProvider>();
    // OssClient client(Endpoint, credentialsProvider, conf);
    oss_resumable::OssClient client(Endpoint, credentialsProvider, conf);
    client.SetRegion(Region);

    DownloadObjectRequest request(BucketName, ObjectName, DownloadFilePath, CheckpointFilePath);
    auto outcome = client.ResumableDownloadObject(request);
    if (!outcome.isSuccess()) {
        std::cout << "ResumableDownloadObject fail,code:" << outcome.error().Code()
                  << ",message:" << outcome.error().Message()
                  << ",requestId:" << outcome.error().RequestId() << std::endl;
        return 1;
    }

    ShutdownSdk();
    return 0;
}
