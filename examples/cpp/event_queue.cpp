// Downloads several objects at once to the current directory. One thread follows them all.
//
//   OSS_ACCESS_KEY_ID=... OSS_ACCESS_KEY_SECRET=... ./event_queue
//       https://oss-cn-hangzhou.aliyuncs.com cn-hangzhou examplebucket first.bin second.bin
#include <iostream>
#include <map>
#include <utility>

#include <oss_resumable/oss_resumable.hpp>

int main(int argc, char **argv) {
    if (argc < 5) {
        std::cerr << "usage: event_queue ENDPOINT REGION BUCKET KEY...\n";
        return 2;
    }
    // Four at a time; the others wait.
    oss_resumable::ClientConfiguration configuration;
    configuration.maxActiveDownloads = 4;
    oss_resumable::Client client(argv[1], configuration);
    client.SetRegion(argv[2]);

    oss_resumable::EventQueue queue;
    std::map<uint64_t, oss_resumable::Download> running;
    int failed = 0;
    for (int i = 4; i < argc; ++i) {
        oss_resumable::DownloadObjectRequest request(argv[3], argv[i]);
        request.setEventQueue(queue, static_cast<uint64_t>(i));
        // The last object is the most urgent one of those that wait.
        request.setPriority(i == argc - 1 ? 1 : 0);
        auto started = client.StartDownload(request);
        if (started.isSuccess()) {
            running.emplace(i, std::move(started.result()));
        } else {
            std::cout << argv[i] << ": " << started.error().Message() << std::endl;
            failed = 1;
        }
    }

    oss_resumable::Event event = OSS_RESUMABLE_EVENT_INIT;
    while (!running.empty() && queue.Next(event)) {
        std::cout << argv[event.tag] << ": ";
        if (event.kind == OSS_RESUMABLE_EVENT_ENDED) {
            auto outcome = running[event.tag].Wait(); // returns at once
            running.erase(event.tag);
            std::cout << (outcome.isSuccess() ? "downloaded" : outcome.error().Message());
            failed |= !outcome.isSuccess();
        } else {
            std::cout << event.bytes_done << " of " << event.bytes_total << " bytes, "
                      << event.bytes_per_second << " bytes/s, " << event.eta_ms << " ms left";
        }
        std::cout << std::endl;
    }
    return failed;
}
