// A plugin that uses the SDK, which the program that loads it may do as well.
#include <string>

#include <alibabacloud/oss/OssClient.h>

using namespace AlibabaCloud::OSS;

namespace {

std::string download(const OssClient &client, const char *file) {
    const GetObjectOutcome outcome = client.ResumableDownloadObject(
        DownloadObjectRequest("examplebucket", "generated/300000", file));
    return outcome.isSuccess() ? "ok" : outcome.error().Code();
}

} // namespace

extern "C" __attribute__((visibility("default"))) void
downloadWithOwnClient(const char *endpoint, const char *file, std::string &code) {
    code = download(OssClient(endpoint, "id", "secret", ClientConfiguration()), file);
}

extern "C" __attribute__((visibility("default"))) void
downloadWithGivenClient(const OssClient &client, const char *file, std::string &code) {
    code = download(client, file);
}

extern "C" __attribute__((visibility("default"))) OssClient *newClient(const char *endpoint) {
    return new OssClient(endpoint, "id", "secret", ClientConfiguration());
}
