// The program of the corpus in C++; bindings/corpus/README.md describes its arguments and its
// output.
#include <cstdint>
#include <cstdlib>
#include <fstream>
#include <iostream>
#include <map>
#include <string>
#include <vector>

#include <oss_resumable/oss_resumable.hpp>

using namespace oss_resumable;

namespace {

/** The options, `--name value`. */
class Arguments {
public:
    /** The first argument is the kind of download. */
    static bool parse(int argc, char **argv, Arguments &to) {
        for (int i = 2; i + 1 < argc; i += 2) {
            const std::string name = argv[i];
            if (name.compare(0, 2, "--") != 0) {
                return false;
            }
            to.values_[name.substr(2)] = argv[i + 1];
        }
        return argc >= 2 && argc % 2 == 0;
    }
    bool has(const std::string &name) const { return values_.count(name) != 0; }
    std::string text(const std::string &name) const {
        return has(name) ? values_.at(name) : std::string();
    }
    uint64_t number(const std::string &name) const {
        return std::strtoull(text(name).c_str(), nullptr, 10);
    }

private:
    std::map<std::string, std::string> values_;
};

/** The answers to a provider, one in each line of a file. The library does not call a provider
 * concurrently. */
struct Answers {
    std::ifstream file;
    unsigned calls = 0;
};

/** The next key, "ID SECRET TOKEN". Runs on a thread of the library. */
bool nextKey(Answers &answers, Credentials &key, std::string &reason) {
    ++answers.calls;
    key.expiresUnixMs = 0;
    reason = "there is no other key";
    return static_cast<bool>(answers.file >> key.accessKeyId >> key.accessKeySecret >>
                             key.securityToken);
}

/** The next URL. Runs on a thread of the library. */
bool nextUrl(Answers &answers, std::string &url, std::string &reason) {
    ++answers.calls;
    reason = "there is no other URL";
    return static_cast<bool>(std::getline(answers.file, url));
}

/** Observes a download; pauses or cancels it once this many bytes are there. */
struct Watch {
    Watch(uint64_t pauseAt, uint64_t cancelAt) : pauseAt(pauseAt), cancelAt(cancelAt) {}

    uint64_t pauseAt, cancelAt;
    Download download;
    uint64_t done = 0, fromNetwork = 0, whilePaused = 0;
    unsigned calls = 0, decreases = 0, callsWhilePaused = 0;

    /** Runs in Download::Wait(). Returns false to cancel the download. */
    bool observe(const Status &status) {
        ++calls;
        decreases += status.bytes_done < done;
        done = status.bytes_done;
        if (status.phase == OSS_RESUMABLE_PHASE_PAUSED) {
            if (callsWhilePaused++ == 0) {
                fromNetwork = status.bytes_from_network;
            } else if (callsWhilePaused == 3) {
                whilePaused = status.bytes_from_network - fromNetwork;
                download.Resume();
            }
        } else if (pauseAt > 0 && status.bytes_done >= pauseAt) {
            pauseAt = 0;
            download.Pause();
        }
        return cancelAt == 0 || status.bytes_done < cancelAt;
    }
};

/** Prints how an object ended; returns whether it is there. */
bool report(uint64_t tag, const DownloadOutcome &outcome) {
    std::cout << "{\"tag\": " << tag
              << ", \"result\": " << (outcome.isSuccess() ? outcome.result().Json() : "null")
              << ", \"error\": " << (outcome.isSuccess() ? "null" : outcome.error().Json())
              << "}\n";
    return outcome.isSuccess();
}

void describe(const Arguments &from, DownloadObjectRequest &to) {
    if (from.has("thread-num")) {
        to.setThreadNum(static_cast<uint32_t>(from.number("thread-num")));
    }
    if (from.has("range-start")) {
        to.setRange(static_cast<int64_t>(from.number("range-start")),
                    static_cast<int64_t>(from.number("range-end")));
    }
    if (from.has("expected-sha256")) {
        to.setExpectedSha256(from.text("expected-sha256"));
    }
    if (from.text("overwrite") == "fail") {
        to.setOverwrite(OverwritePolicy::Fail);
    } else if (from.text("overwrite") == "if-different") {
        to.setOverwrite(OverwritePolicy::IfDifferent);
    }
    if (from.text("when-busy") == "wait") {
        to.setWhenBusy(BusyPolicy::Wait);
    }
}

bool downloadObject(Client &client, const Arguments &arguments, const unsigned &keyCalls) {
    DownloadObjectRequest request(arguments.text("bucket"), arguments.text("key"),
                                  arguments.text("file-path"), arguments.text("checkpoint-dir"));
    describe(arguments, request);
    Answers urls;
    if (arguments.has("url")) {
        urls.file.open(arguments.text("url"));
        std::string first;
        std::getline(urls.file, first);
        request.setUrl(first);
        request.setUrlProvider(
            [&urls](std::string &url, std::string &reason) { return nextUrl(urls, url, reason); });
    }
    Watch watch(arguments.number("pause-at"), arguments.number("cancel-at"));
    request.setProgress([&watch](const Status &status) { return watch.observe(status); });

    auto started = client.StartDownload(request);
    DownloadOutcome outcome(started.error());
    if (started.isSuccess()) {
        watch.download = std::move(started.result());
        outcome = watch.download.Wait();
    }
    const bool isThere = report(0, outcome);
    std::cout << "{\"progress_calls\": " << watch.calls
              << ", \"progress_decreases\": " << watch.decreases
              << ", \"last_bytes_done\": " << watch.done
              << ", \"was_paused\": " << (watch.callsWhilePaused > 0 ? "true" : "false")
              << ", \"bytes_while_paused\": " << watch.whilePaused
              << ", \"provider_calls\": " << keyCalls + urls.calls << "}\n";
    return isThere;
}

/** Starts the download of every key in a file, each to the directory, and follows them in this
 * thread. */
bool downloadMany(Client &client, const Arguments &arguments) {
    std::ifstream keys(arguments.text("objects"));
    std::vector<Download> downloads;
    EventQueue queue;
    bool areThere = true;
    size_t ended = 0;
    for (std::string key; std::getline(keys, key);) {
        const std::string path =
            arguments.text("directory") + "/" + key.substr(key.find_last_of('/') + 1);
        DownloadObjectRequest request(arguments.text("bucket"), key, path);
        describe(arguments, request);
        request.setEventQueue(queue, downloads.size());
        auto started = client.StartDownload(request);
        if (!started.isSuccess()) {
            areThere = report(downloads.size(), started.error());
            ++ended;
        }
        downloads.push_back(std::move(started.result()));
    }
    Event event = OSS_RESUMABLE_EVENT_INIT;
    while (ended < downloads.size() && queue.Next(event)) {
        if (event.kind == OSS_RESUMABLE_EVENT_ENDED) {
            // Returns at once.
            areThere = report(event.tag, downloads[event.tag].Wait()) && areThere;
            ++ended;
        }
    }
    std::cout << "{\"ended\": " << ended << "}\n";
    return areThere;
}

bool downloadPrefix(Client &client, const Arguments &arguments) {
    const DownloadPrefixRequest request(arguments.text("bucket"), arguments.text("prefix"),
                                        arguments.text("directory"));
    const PrefixOutcome outcome = client.DownloadPrefix(request);
    if (!outcome.hasResult()) {
        return report(0, outcome.error());
    }
    PrefixObject object;
    for (uint64_t i = 0; outcome.result().Object(i, object); ++i) {
        if (object.Failure.isSet()) {
            report(i, object.Failure);
        }
    }
    const PrefixCounts counts = outcome.result().Counts();
    std::cout << "{\"objects\": " << counts.objects << ", \"fetched\": " << counts.fetched
              << ", \"unchanged\": " << counts.unchanged << ", \"failed\": " << counts.failed
              << ", \"bytes_from_network\": " << counts.bytes_from_network << "}\n";
    return outcome.isSuccess();
}

bool download(const std::string &kind, const Arguments &arguments) {
    // Without a provider, the key comes from OSS_ACCESS_KEY_ID and OSS_ACCESS_KEY_SECRET.
    ClientConfiguration configuration;
    configuration.region = arguments.text("region");
    configuration.caFile = arguments.text("ca-file");
    configuration.maxBandwidth = arguments.number("max-bandwidth");
    Answers keys;
    if (arguments.has("keys")) {
        keys.file.open(arguments.text("keys"));
        configuration.credentialsSource = [&keys](Credentials &key, std::string &reason) {
            return nextKey(keys, key, reason);
        };
    }
    Client client = arguments.has("endpoint") ? Client(arguments.text("endpoint"), configuration)
                                              : Client::ForUrls(configuration);
    if (kind == "many") {
        return downloadMany(client, arguments);
    }
    return kind == "prefix" ? downloadPrefix(client, arguments)
                            : downloadObject(client, arguments, keys.calls);
}

} // namespace

int main(int argc, char **argv) {
    Arguments arguments;
    if (!Arguments::parse(argc, argv, arguments)) {
        std::cerr << "usage: " << argv[0] << " object|many|prefix [--OPTION VALUE]...\n";
        return 2;
    }
    return download(argv[1], arguments) ? 0 : 1;
}
