// Lists the objects of a bucket whose keys begin with a prefix, and what looks like directories
// below it.
//
//   OSS_ACCESS_KEY_ID=... OSS_ACCESS_KEY_SECRET=... ./list
//       https://oss-cn-hangzhou.aliyuncs.com cn-hangzhou examplebucket exampledir/
#include <iomanip>
#include <iostream>
#include <string>

#include <oss_resumable/oss_resumable.hpp>

namespace {

// A key may contain anything; what is printed here is on one line.
std::string onOneLine(std::string key) {
    for (char &c : key) {
        const auto byte = static_cast<unsigned char>(c);
        if (byte < 0x20 || byte == 0x7f) {
            c = '?';
        }
    }
    return key;
}

} // namespace

int main(int argc, char **argv) {
    if (argc != 5) {
        std::cerr << "usage: " << argv[0] << " ENDPOINT REGION BUCKET PREFIX" << std::endl;
        return 2;
    }
    oss_resumable::ClientConfiguration configuration;
    configuration.region = argv[2];
    oss_resumable::Client client(argv[1], configuration);
    oss_resumable::ListObjectsRequest request(argv[3], argv[4]);
    request.setDelimiter("/");
    // The next page is fetched when it is needed.
    auto listing = client.ListObjects(request);
    oss_resumable::ObjectEntry entry;
    while (listing.Next(entry)) {
        const auto size = entry.IsCommonPrefix ? std::string() : std::to_string(entry.Size);
        std::cout << std::setw(14) << size << "  " << onOneLine(entry.Key) << '\n';
    }
    if (listing.error().isSet()) {
        std::cerr << "listing failed, code: " << listing.error().Code()
                  << ", message: " << listing.error().Message() << std::endl;
        return 1;
    }
    return 0;
}
