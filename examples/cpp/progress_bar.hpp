// Shows the progress of a download: on a terminal in one line that is redrawn, elsewhere in a new
// line from time to time.
#ifndef EXAMPLE_PROGRESS_BAR_HPP
#define EXAMPLE_PROGRESS_BAR_HPP

#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <deque>
#include <string>

#include <sys/ioctl.h>
#include <unistd.h>

#include <oss_resumable/oss_resumable.hpp>

#include "units.hpp"

class ProgressBar {
public:
    ProgressBar() : terminal_(isatty(STDERR_FILENO) == 1) {}

    void show(const oss_resumable::Status &status) {
        measure(status);
        if (terminal_) {
            draw(status);
        } else if (status.elapsed_ms >= nextLine_) {
            nextLine_ = status.elapsed_ms + lineEveryMs;
            std::fprintf(stderr, "%s\n", text(status).c_str());
        }
    }

    // Clears the terminal's line for the next output.
    void clear() const {
        if (terminal_) {
            std::fputs("\r\033[K", stderr);
        }
    }

private:
    static const uint64_t lineEveryMs = 2000;
    static const uint64_t rateWindowMs = 5000;

    struct Sample {
        uint64_t atMs;
        uint64_t bytes;
    };

    // The rate over the last seconds: it follows the network and does not flicker.
    void measure(const oss_resumable::Status &status) {
        samples_.push_back(Sample{status.elapsed_ms, status.bytes_from_network});
        while (samples_.size() > 2 && status.elapsed_ms - samples_.front().atMs > rateWindowMs) {
            samples_.pop_front();
        }
        const Sample &first = samples_.front();
        const auto ms = static_cast<double>(status.elapsed_ms - first.atMs);
        const auto bytes = static_cast<double>(status.bytes_from_network - first.bytes);
        rate_ = ms > 0 ? bytes / ms * 1000 : 0;
    }

    std::string text(const oss_resumable::Status &status) const {
        const auto done = static_cast<double>(status.bytes_done);
        if (status.bytes_total < 0) {
            // A processed object may come without its size.
            return status.bytes_done == 0 ? "connecting" : units::bytes(done);
        }
        if (status.phase == OSS_RESUMABLE_PHASE_FINISHING) {
            return units::bytes(done) + "  verifying";
        }
        const auto total = static_cast<double>(status.bytes_total);
        char percent[16];
        std::snprintf(percent, sizeof percent, "%3.0f%%", fraction(status) * 100);
        std::string line =
            std::string(percent) + "  " + units::bytes(done) + " of " + units::bytes(total);
        if (rate_ > 0) {
            line +=
                "  " + units::bytes(rate_) + "/s  eta " + units::duration((total - done) / rate_);
        }
        if (status.bytes_reused > 0) {
            line += "  reused " + units::bytes(static_cast<double>(status.bytes_reused));
        }
        return line;
    }

    void draw(const oss_resumable::Status &status) const {
        const std::string figures = text(status);
        const size_t columns = width();
        std::string line;
        if (columns > figures.size() + smallestBar + 4) {
            line = bar(fraction(status), std::min<size_t>(columns - figures.size() - 4, 40)) + "  ";
        }
        line += figures;
        std::fprintf(stderr, "\r%s\033[K", line.substr(0, columns - 1).c_str());
        std::fflush(stderr);
    }

    static std::string bar(double fraction, size_t width) {
        const size_t inside = width - 2;
        const auto full = static_cast<size_t>(fraction * static_cast<double>(inside));
        return "[" + std::string(full, '#') + std::string(inside - full, '.') + "]";
    }

    static double fraction(const oss_resumable::Status &status) {
        if (status.bytes_total <= 0) {
            return 0;
        }
        const auto total = static_cast<double>(status.bytes_total);
        return std::min(1.0, static_cast<double>(status.bytes_done) / total);
    }

    static size_t width() {
        winsize size = winsize();
        const bool known = ioctl(STDERR_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 1;
        return known ? size.ws_col : 80;
    }

    static const size_t smallestBar = 10;

    bool terminal_;
    uint64_t nextLine_ = 0;
    std::deque<Sample> samples_;
    double rate_ = 0;
};

#endif
