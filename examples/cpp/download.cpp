// A download tool: shows progress, keeps a checkpoint when interrupted, and resumes from it.
#include <csignal>
#include <cstdio>
#include <string>

#include <oss_resumable/oss_resumable.hpp>

#include "download_options.hpp"
#include "progress_bar.hpp"
#include "units.hpp"

namespace {

const int exitFailed = 1;
const int exitUsage = 2;
const int exitSignalBase = 128;

volatile std::sig_atomic_t caughtSignal = 0;

extern "C" void onSignal(int number) { caughtSignal = number; }

// The first signal cancels the download; a second one ends the process at once.
void catchSignals() {
    struct sigaction action = {};
    action.sa_handler = onSignal;
    action.sa_flags = SA_RESETHAND;
    for (int number : {SIGINT, SIGTERM, SIGHUP}) {
        sigaction(number, &action, nullptr);
    }
}

oss_resumable::DownloadObjectRequest makeRequest(const DownloadOptions &options) {
    oss_resumable::DownloadObjectRequest request(options.bucket, options.key, options.file);
    request.setCheckpointDir(options.checkpointDir);
    request.setEnableCheckpoint(true);
    request.setPartSize(options.partSize);
    request.setThreadNum(options.threads);
    if (options.shared) {
        request.setWhenBusy(oss_resumable::BusyPolicy::Wait);
        request.setOverwrite(oss_resumable::OverwritePolicy::IfDifferent);
    }
    return request;
}

std::string proof(const oss_resumable::Result &result) {
    switch (result.Proof()) {
    case OSS_RESUMABLE_PROOF_OBJECT_CRC:
        return "CRC-64 equals the object's";
    case OSS_RESUMABLE_PROOF_GENERATION:
        return "bytes on disk equal those received; the service sent no CRC-64 to compare";
    case OSS_RESUMABLE_PROOF_EXPECTED_DIGEST:
        return "it has the expected digest";
    default:
        return "bytes on disk equal those received";
    }
}

void report(const oss_resumable::Result &result) {
    const auto statistics = result.Statistics();
    const auto seconds = static_cast<double>(statistics.elapsed_ms) / 1000;
    std::printf("%s: %s in %.1f s", result.FilePath().c_str(),
                units::bytes(static_cast<double>(result.Size())).c_str(), seconds);
    if (statistics.bytes_reused > 0) {
        std::printf(", %s of it from an earlier run",
                    units::bytes(static_cast<double>(statistics.bytes_reused)).c_str());
    }
    std::printf("; %s\n", proof(result).c_str());
}

void reportStatistics(const oss_resumable::Statistics &statistics) {
    const struct {
        const char *name;
        uint64_t value;
    } figures[] = {
        {"bytes from network", statistics.bytes_from_network},
        {"bytes reused", statistics.bytes_reused},
        {"bytes discarded", statistics.bytes_discarded},
        {"requests", statistics.requests},
        {"connections", statistics.connections},
        {"retries: connect", statistics.retries_connect},
        {"retries: broken", statistics.retries_broken},
        {"retries: time-out", statistics.retries_timeout},
        {"retries: service", statistics.retries_service},
        {"retries: credentials or clock", statistics.retries_auth},
        {"retries: unusable reply", statistics.retries_reply},
        {"elapsed ms", statistics.elapsed_ms},
    };
    for (const auto &figure : figures) {
        std::printf("%-30s %20llu\n", figure.name, static_cast<unsigned long long>(figure.value));
    }
}

void reportError(const oss_resumable::Error &error) {
    std::fprintf(stderr, "download: %s: %s\n", error.Code().c_str(), error.Message().c_str());
    if (!error.RequestId().empty()) {
        std::fprintf(stderr, "download: request id %s\n", error.RequestId().c_str());
    }
}

int run(const DownloadOptions &options) {
    oss_resumable::Client client(options.endpoint, options.client);
    auto request = makeRequest(options);
    ProgressBar bar;
    uint64_t onDisk = 0;
    request.setProgress([&bar, &onDisk](const oss_resumable::Status &status) {
        onDisk = status.bytes_done;
        bar.show(status);
        return caughtSignal == 0;
    });

    catchSignals();
    const auto outcome = client.ResumableDownloadObject(request);
    bar.clear();

    if (outcome.isSuccess()) {
        report(outcome.result());
        if (options.statistics) {
            reportStatistics(outcome.result().Statistics());
        }
        return 0;
    }
    if (caughtSignal != 0 && outcome.error().Kind() == OSS_RESUMABLE_ERR_CANCELLED) {
        std::fprintf(stderr,
                     "download: interrupted with %s on disk; run the same command to resume\n",
                     units::bytes(static_cast<double>(onDisk)).c_str());
        return exitSignalBase + caughtSignal;
    }
    reportError(outcome.error());
    return exitFailed;
}

} // namespace

int main(int argc, char **argv) {
    DownloadOptions options;
    const std::string problem = options.parse(argc, argv);
    if (!problem.empty()) {
        std::fprintf(stderr, "download: %s\nTry 'download --help'.\n", problem.c_str());
        return exitUsage;
    }
    if (options.help) {
        std::fputs(DownloadOptions::usage(), stdout);
        return 0;
    }
    return run(options);
}
