// The SDK's log, for the few lines that tell what happens to its clients. The SDK keeps the level
// and the callback to itself, so the calls that set them are watched.
#ifndef OSS_RESUMABLE_SDK_LOG_HPP
#define OSS_RESUMABLE_SDK_LOG_HPP

#include <atomic>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <iostream>
#include <string>

#include <strings.h>

#pragma GCC visibility push(hidden)
namespace oss_resumable {
namespace linked {

// The numbers of the SDK's LogLevel.
enum Level : int { OFF = 0, WARN = 3, INFO = 4 };

class Log {
public:
    // As the SDK's LogCallback.
    using Callback = void (*)(int level, const std::string &line);

    // Never destroyed: clients in static storage may end after everything else.
    static Log &instance() {
        static Log *const log = new Log;
        return *log;
    }

    // The first of several calls has an effect, as in the SDK, which then reads the
    // environment.
    void initialized() {
        if (isInitialized_.exchange(true)) {
            return;
        }
        level_ = environmentLevel();
        callback_ = level_ == NONE ? nullptr : writeToStandardError;
    }
    void shutDown() {
        if (isInitialized_.exchange(false)) {
            level_ = OFF;
            callback_ = nullptr;
        }
    }
    void setLevel(int level) { level_ = level; }
    void setCallback(Callback callback) { callback_ = callback; }

    void write(Level level, const std::string &text) const {
        const Callback callback = callback_;
        if (callback && level_ >= level) {
            callback(level, prefix(level) + text + "\n");
        }
    }

private:
    static const int NONE = -1;

    static int environmentLevel() {
        static const char *const names[] = {"off",  "fatal", "error", "warn",
                                            "info", "debug", "trace", "all"};
        const char *const value = std::getenv("OSS_SDK_LOG_LEVEL");
        for (int level = 0; value && level < 8; ++level) {
            if (strcasecmp(value, names[level]) == 0) {
                return level;
            }
        }
        return NONE;
    }

    static void writeToStandardError(int, const std::string &line) { std::cerr << line; }

    // What the SDK's own lines begin with.
    static std::string prefix(Level level) {
        const auto now = std::chrono::system_clock::now();
        const std::time_t seconds = std::chrono::system_clock::to_time_t(now);
        const auto sinceEpoch =
            std::chrono::duration_cast<std::chrono::milliseconds>(now.time_since_epoch());
        std::tm local = std::tm();
        localtime_r(&seconds, &local);
        char day[32], text[96];
        std::strftime(day, sizeof day, "%Y-%m-%d %H:%M:%S", &local);
        std::snprintf(text, sizeof text, "[%s.%03d][%s][oss_resumable]", day,
                      static_cast<int>(sinceEpoch.count() % 1000), level == WARN ? "WARN" : "INFO");
        return text;
    }

    std::atomic<bool> isInitialized_{false};
    std::atomic<int> level_{OFF};
    std::atomic<Callback> callback_{nullptr};
};

} // namespace linked
} // namespace oss_resumable
#pragma GCC visibility pop

#endif
