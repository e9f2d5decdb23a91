/**
 * @file url_provider.hpp
 * @brief The provider of newer URLs for a download. Include oss_resumable.hpp instead.
 */
#ifndef OSS_RESUMABLE_URL_PROVIDER_HPP
#define OSS_RESUMABLE_URL_PROVIDER_HPP

#include <exception>
#include <functional>
#include <string>

#include "detail.hpp"
#include "oss_resumable.h"

namespace oss_resumable {

/** Supplies a new URL of the same object when the one of a download has expired. Returns false
 * without one, and may then set `reason`, which becomes part of the error's message and must not
 * contain secrets. Runs on a thread of the library; see ::oss_resumable_url_provider. */
using UrlProvider = std::function<bool(std::string &url, std::string &reason)>;

namespace detail {

/** The URL provider of a C request; `data` is a UrlProvider. */
inline void provideUrl(oss_resumable_url_sink *sink, void *data) {
    std::exception_ptr thrown;
    contained(0, thrown, [sink, data] {
        std::string url, reason;
        if (!(*static_cast<const UrlProvider *>(data))(url, reason)) {
            return oss_resumable_url_fail(sink, optional(reason));
        }
        return hasNul(url) ? oss_resumable_url_fail(sink, "the URL holds a NUL byte")
                           : oss_resumable_url_set(sink, url.c_str());
    });
    if (thrown) {
        oss_resumable_url_fail(sink, "the provider threw an exception");
    }
}

} // namespace detail
} // namespace oss_resumable

#endif /* OSS_RESUMABLE_URL_PROVIDER_HPP */
