// Downloads every object whose key begins with a prefix into a directory. Run again, it fetches
// only what is missing.
//
//   OSS_ACCESS_KEY_ID=... OSS_ACCESS_KEY_SECRET=... ./prefix
//       https://oss-cn-hangzhou.aliyuncs.com cn-hangzhou examplebucket exampledir/ examples
#include <iostream>

#include <oss_resumable/oss_resumable.hpp>

int main(int argc, char **argv) {
    if (argc != 6) {
        std::cerr << "usage: " << argv[0] << " ENDPOINT REGION BUCKET PREFIX DIRECTORY"
                  << std::endl;
        return 2;
    }
    oss_resumable::ClientConfiguration configuration;
    configuration.region = argv[2];
    oss_resumable::Client client(argv[1], configuration);
    const oss_resumable::DownloadPrefixRequest request(argv[3], argv[4], argv[5]);
    const auto outcome = client.DownloadPrefix(request);
    if (!outcome.hasResult()) {
        std::cerr << "download failed, code: " << outcome.error().Code()
                  << ", message: " << outcome.error().Message() << std::endl;
        return 1;
    }
    oss_resumable::PrefixObject object;
    for (uint64_t i = 0; outcome.result().Object(i, object); ++i) {
        if (object.Failure.isSet()) {
            // Messages show keys on one line.
            std::cerr << object.Failure.Code() << ": " << object.Failure.Message() << '\n';
        }
    }
    const auto counts = outcome.result().Counts();
    std::cout << counts.fetched << " fetched, " << counts.unchanged << " unchanged, "
              << counts.failed << " failed" << std::endl;
    return outcome.isSuccess() ? 0 : 1;
}
