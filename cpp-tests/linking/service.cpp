// A program in the style of those that use the OSS C++ SDK: a service that holds its client by a
// pointer and downloads on a pool of threads through a reference, a client made before main, a
// class of its own derived from the SDK's, and copies. It knows nothing of this library. The
// endpoint is in OSS_ENDPOINT.
//
//   service DIRECTORY
//
// Prints the SDK's log, and "NAME ok" or "NAME CODE" for each download.
#include <cstdlib>
#include <deque>
#include <functional>
#include <iostream>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include <alibabacloud/oss/OssClient.h>

using namespace AlibabaCloud::OSS;

namespace {

std::string endpoint() {
    const char *value = std::getenv("OSS_ENDPOINT");
    return value ? value : "";
}

std::mutex output;

void print(const std::string &line) {
    std::lock_guard<std::mutex> lock(output);
    std::cout << line << std::endl;
}

void download(const OssClient &client, const DownloadObjectRequest &request,
              const std::string &name) {
    const GetObjectOutcome outcome = client.ResumableDownloadObject(request);
    print(name + " " + (outcome.isSuccess() ? "ok" : outcome.error().Code()));
}

class Service {
public:
    explicit Service(std::shared_ptr<OssClient> client) : client_(std::move(client)) {}

    void add(const DownloadObjectRequest &request, const std::string &name) {
        work_.push_back([this, request, name] { download(*client_, request, name); });
    }
    void run(int threads) {
        std::vector<std::thread> pool;
        for (int i = 0; i < threads; ++i) {
            pool.emplace_back([this] {
                while (const std::function<void()> next = take()) {
                    next();
                }
            });
        }
        for (std::thread &thread : pool) {
            thread.join();
        }
    }

private:
    std::function<void()> take() {
        std::lock_guard<std::mutex> lock(mutex_);
        if (work_.empty()) {
            return nullptr;
        }
        const std::function<void()> next = work_.front();
        work_.pop_front();
        return next;
    }

    const std::shared_ptr<OssClient> client_;
    std::mutex mutex_;
    std::deque<std::function<void()>> work_;
};

class TunedClient : public OssClient {
public:
    TunedClient() : OssClient(endpoint(), Credentials("id", "secret"), ClientConfiguration()) {}
};

const OssClient beforeMain(endpoint(), "id", "secret", "", ClientConfiguration());

void writeLog(LogLevel, const std::string &line) {
    print("log: " + line.substr(0, line.find('\n')));
}

} // namespace

int main(int argc, char **argv) {
    if (argc != 2) {
        return 2;
    }
    const std::string directory = argv[1];
    const auto request = [&directory](const std::string &name, const std::string &size) {
        return DownloadObjectRequest("examplebucket", "generated/" + size, directory + "/" + name,
                                     directory, 102400, 3);
    };
    InitializeSdk();
    SetLogLevel(LogLevel::LogInfo);
    SetLogCallback(writeLog);
    {
        Service service(std::make_shared<OssClient>(
            endpoint(), std::make_shared<SimpleCredentialsProvider>("id", "secret"),
            ClientConfiguration()));
        for (int i = 0; i < 6; ++i) {
            const std::string name = "pooled" + std::to_string(i);
            service.add(request(name, "300000"), name);
        }
        service.run(3);
        std::vector<OssClient> copies(2,
                                      OssClient(endpoint(), "id", "secret", ClientConfiguration()));
        download(copies[1], request("copy", "300000"), "copy");
        const TunedClient tuned;
        download(tuned, request("derived", "300000"), "derived");
        download(beforeMain, request("before-main", "300000"), "before-main");
        download(tuned, DownloadObjectRequest("examplebucket", "missing", directory + "/missing"),
                 "missing");
    }
    ShutdownSdk();
    return 0;
}
