/**
 * @file sdk_v2_proxy.hpp
 * @brief Parses the proxy of the OSS C++ SDK v2, a URL. Not part of the API.
 */
#ifndef OSS_RESUMABLE_SDK_V2_PROXY_HPP
#define OSS_RESUMABLE_SDK_V2_PROXY_HPP

#include <cstddef>
#include <cstdint>
#include <string>

#include "configuration.hpp"

namespace oss_resumable {
namespace detail {

inline std::string sdk2Lower(std::string text) {
    for (char &c : text) {
        c = c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
    }
    return text;
}

/** Parses decimal digits up to `most`; false for anything else. */
inline bool sdk2Number(const std::string &text, std::int64_t most, std::int64_t &number) {
    if (text.empty() || text.size() > 19 ||
        text.find_first_not_of("0123456789") != std::string::npos) {
        return false;
    }
    number = 0;
    for (const char digit : text) {
        if (number > (most - (digit - '0')) / 10) {
            return false;
        }
        number = number * 10 + (digit - '0');
    }
    return true;
}

/** The value of a lower-case hexadecimal digit. */
inline int sdk2HexDigit(char digit) { return digit <= '9' ? digit - '0' : digit - 'a' + 10; }

/** Decodes %XX, as libcurl does in the user name and the password of a proxy. */
inline std::string sdk2Decoded(const std::string &text) {
    static constexpr char hex[] = "0123456789abcdef";
    std::string decoded;
    for (std::size_t i = 0; i < text.size(); ++i) {
        const std::string pair = text[i] == '%' ? sdk2Lower(text.substr(i + 1, 2)) : "";
        if (pair.size() == 2 && pair.find_first_not_of(hex) == std::string::npos) {
            decoded += static_cast<char>(sdk2HexDigit(pair[0]) * 16 + sdk2HexDigit(pair[1]));
            i += 2;
        } else {
            decoded += text[i];
        }
    }
    return decoded;
}

/** Parses `[scheme://][user[:password]@]host[:port]`. Values of `to` that the URL does not contain
 * are kept. Returns the reason for refusing the URL, without the password, or an empty string. */
inline std::string sdk2CopyProxy(const std::string &url, ClientConfiguration &to) {
    if (url.empty()) {
        to.proxyPort = 0;
        to.proxyUserName.clear();
        to.proxyPassword.clear();
        return "";
    }
    const std::size_t mark = url.find("://");
    const std::string scheme = mark == std::string::npos ? "http" : sdk2Lower(url.substr(0, mark));
    if (scheme != "http" && scheme != "https") {
        return "the proxy's scheme is '" + scheme + "'; it must be http or https";
    }
    to.proxyScheme = scheme == "https" ? ProxyScheme::HTTPS : ProxyScheme::HTTP;
    std::string rest = mark == std::string::npos ? url : url.substr(mark + 3);
    rest = rest.substr(0, rest.find_first_of("/?#"));
    const std::size_t at = rest.rfind('@');
    if (at != std::string::npos) {
        const std::size_t colon = rest.find(':');
        to.proxyUserName = sdk2Decoded(rest.substr(0, colon < at ? colon : at));
        to.proxyPassword =
            colon < at ? sdk2Decoded(rest.substr(colon + 1, at - colon - 1)) : std::string();
        rest = rest.substr(at + 1);
    }
    const std::size_t colon = rest.find(':', rest[0] == '[' ? rest.find(']') : 0);
    if (colon != std::string::npos) {
        std::int64_t port = 0;
        if (!sdk2Number(rest.substr(colon + 1), 65535, port)) {
            return "the proxy's port must be a number between 0 and 65535";
        }
        to.proxyPort = static_cast<uint32_t>(port);
        rest = rest.substr(0, colon);
    }
    to.proxyHost = rest;
    return rest.empty() ? "the proxy has no host" : "";
}

} // namespace detail
} // namespace oss_resumable

#endif /* OSS_RESUMABLE_SDK_V2_PROXY_HPP */
