/**
 * @file detail.hpp
 * @brief Shared by the other .hpp files. Not part of the API.
 */
#ifndef OSS_RESUMABLE_DETAIL_HPP
#define OSS_RESUMABLE_DETAIL_HPP

#include <cstdint>
#include <exception>
#include <string>
#include <utility>
#include <vector>

#include "oss_resumable.h"

namespace oss_resumable {
namespace detail {

using Pairs = std::vector<std::pair<std::string, std::string>>;

inline std::string text(const char *text) { return text ? std::string(text) : std::string(); }

/** NULL, the default, for an empty string. */
inline const char *optional(const std::string &text) {
    return text.empty() ? nullptr : text.c_str();
}

/** C would read only the part before the NUL and use another object or another file. */
inline bool hasNul(const std::string &text) { return text.find('\0') != std::string::npos; }

inline int32_t on(bool value) { return value ? OSS_RESUMABLE_ON : OSS_RESUMABLE_OFF; }

/** A text as a string of JSON. */
inline std::string quoted(const std::string &text) {
    static const char digits[] = "0123456789abcdef";
    std::string quoted = "\"";
    for (const char c : text) {
        const auto byte = static_cast<unsigned char>(c);
        if (byte < 0x20) {
            quoted += "\\u00";
            quoted += digits[byte >> 4];
            quoted += digits[byte & 15];
        } else {
            quoted += c == '"' || c == '\\' ? "\\" : "";
            quoted += c;
        }
    }
    return quoted + '"';
}

/** Runs `body` and keeps exceptions out of C: an exception is stored in `thrown`, and `fallback` is
 * returned. */
template <typename T, typename Body>
T contained(T fallback, std::exception_ptr &thrown, Body body) {
#if defined(__cpp_exceptions) || defined(__EXCEPTIONS)
    try {
        return body();
    } catch (...) {
        thrown = std::current_exception();
        return fallback;
    }
#else
    (void)fallback;
    (void)thrown;
    return body();
#endif
}

/** Rethrows a stored exception, once. */
inline void rethrow(std::exception_ptr &thrown) {
#if defined(__cpp_exceptions) || defined(__EXCEPTIONS)
    if (thrown) {
        std::exception_ptr leaving;
        std::swap(leaving, thrown);
        std::rethrow_exception(leaving);
    }
#else
    (void)thrown;
#endif
}

} // namespace detail
} // namespace oss_resumable

#endif /* OSS_RESUMABLE_DETAIL_HPP */
