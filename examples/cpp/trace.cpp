// Downloads one object to a file and prints a timeline of its connections: a line for each HTTP
// request, with a bar from its start (-) over its first byte (=) to its end.
//
//   OSS_ACCESS_KEY_ID=... OSS_ACCESS_KEY_SECRET=... ./trace
//       https://oss-cn-hangzhou.aliyuncs.com cn-hangzhou examplebucket
//       exampledir/exampleobject.txt examplefile.txt
#include <algorithm>
#include <iomanip>
#include <iostream>
#include <mutex>
#include <string>
#include <vector>

#include <oss_resumable/oss_resumable.hpp>

namespace {

struct Request {
    uint32_t slot;
    int64_t start, firstByte, end;
    uint64_t bytes;
    int32_t status;
};

// The columns from one time to another.
std::string bar(int64_t from, int64_t to, int64_t column, char with) {
    return std::string(static_cast<size_t>(to / column - from / column), with);
}

void print(std::vector<Request> requests) {
    int64_t begin = INT64_MAX, end = 0;
    for (const Request &request : requests) {
        begin = std::min(begin, request.start);
        end = std::max(end, request.end);
    }
    const int64_t column = std::max<int64_t>((end - begin) / 60, 1);
    std::sort(requests.begin(), requests.end(), [](const Request &a, const Request &b) {
        return a.slot != b.slot ? a.slot < b.slot : a.start < b.start;
    });
    for (const Request &request : requests) {
        const int64_t answered = request.firstByte < 0 ? request.end : request.firstByte;
        std::cout << "slot " << std::setw(3) << request.slot << " " << std::setw(4)
                  << request.status << std::setw(12) << request.bytes << " bytes |"
                  << bar(0, request.start - begin, column, ' ')
                  << bar(request.start - begin, answered - begin, column, '-')
                  << bar(answered - begin, request.end - begin, column, '=') << "\n";
    }
}

} // namespace

int main(int argc, char **argv) {
    if (argc != 6) {
        std::cerr << "usage: " << argv[0] << " ENDPOINT REGION BUCKET KEY FILE" << std::endl;
        return 2;
    }
    std::mutex mutex;
    std::vector<Request> requests;
    oss_resumable::ClientConfiguration configuration;
    configuration.region = argv[2];
    // Runs on a thread of the client when a request has ended.
    configuration.trace = [&](const oss_resumable_trace_record &record) {
        const std::lock_guard<std::mutex> lock(mutex);
        requests.push_back(Request{record.slot, record.start_us, record.first_byte_us,
                                   record.end_us, record.bytes, record.status});
    };
    oss_resumable::Client client(argv[1], configuration);
    oss_resumable::DownloadObjectRequest request(argv[3], argv[4], argv[5]);
    // As many connections as make it faster, at most 16.
    request.setAutoConcurrency(true, 16);
    const auto outcome = client.ResumableDownloadObject(request);
    if (!requests.empty()) {
        print(requests);
    }
    if (!outcome.isSuccess()) {
        std::cerr << "download failed, code: " << outcome.error().Code()
                  << ", message: " << outcome.error().Message() << std::endl;
        return 1;
    }
    return 0;
}
