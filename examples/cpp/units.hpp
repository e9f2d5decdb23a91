// Formats and parses sizes and times.
#ifndef EXAMPLE_UNITS_HPP
#define EXAMPLE_UNITS_HPP

#include <cctype>
#include <cstdint>
#include <cstdio>
#include <limits>
#include <string>

namespace units {

// 1536 is "1.5 KiB".
inline std::string bytes(double count) {
    static const char *const names[] = {"B", "KiB", "MiB", "GiB", "TiB"};
    size_t unit = 0;
    while (count >= 1024 && unit + 1 < sizeof names / sizeof *names) {
        count /= 1024;
        ++unit;
    }
    char text[32];
    std::snprintf(text, sizeof text, unit == 0 ? "%.0f %s" : "%.1f %s", count, names[unit]);
    return text;
}

// 3725 is "1:02:05".
inline std::string duration(double seconds) {
    if (!(seconds >= 0 && seconds < 360000)) {
        return "--:--";
    }
    const auto whole = static_cast<int>(seconds);
    char text[32];
    if (whole >= 3600) {
        std::snprintf(text, sizeof text, "%d:%02d:%02d", whole / 3600, whole / 60 % 60, whole % 60);
    } else {
        std::snprintf(text, sizeof text, "%d:%02d", whole / 60, whole % 60);
    }
    return text;
}

// "8MiB", "8M" and "8388608" are the same. False if it is not a size.
inline bool parseBytes(const std::string &text, uint64_t &count) {
    const uint64_t most = std::numeric_limits<uint64_t>::max();
    size_t at = 0;
    uint64_t value = 0;
    for (; at < text.size() && std::isdigit(static_cast<unsigned char>(text[at])); ++at) {
        const auto digit = static_cast<uint64_t>(text[at] - '0');
        if (value > (most - digit) / 10) {
            return false;
        }
        value = value * 10 + digit;
    }
    static const std::string prefixes = "KMGT";
    const std::string suffix = text.substr(at);
    uint64_t factor = 1;
    if (!suffix.empty()) {
        const size_t prefix = prefixes.find(suffix[0]);
        const std::string rest = suffix.substr(1);
        if (prefix == std::string::npos || !(rest.empty() || rest == "B" || rest == "iB")) {
            return false;
        }
        factor = uint64_t{1} << (10 * (prefix + 1));
    }
    if (at == 0 || value > most / factor) {
        return false;
    }
    count = value * factor;
    return true;
}

} // namespace units

#endif
