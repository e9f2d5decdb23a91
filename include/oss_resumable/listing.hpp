/**
 * @file listing.hpp
 * @brief Listings. Include oss_resumable.hpp instead.
 */
#ifndef OSS_RESUMABLE_LISTING_HPP
#define OSS_RESUMABLE_LISTING_HPP

#include <cstdint>
#include <memory>
#include <string>
#include <utility>

#include "detail.hpp"
#include "oss_resumable.h"
#include "outcome.hpp"
#include "request.hpp"

namespace oss_resumable {

/** Says what to list; has the setters of the OSS C++ SDK's request. Copyable. Fields and defaults
 * are those of ::oss_resumable_list_request. */
class ListObjectsRequest {
public:
    explicit ListObjectsRequest(const std::string &bucket, const std::string &prefix = "")
        : bucket_(bucket), prefix_(prefix) {}

    const std::string &Bucket() const { return bucket_; }
    const std::string &Prefix() const { return prefix_; }
    void setPrefix(const std::string &prefix) { prefix_ = prefix; }
    /** What keys have in common up to this text behind the prefix is listed once; empty: none. */
    const std::string &Delimiter() const { return delimiter_; }
    void setDelimiter(const std::string &delimiter) { delimiter_ = delimiter; }
    /** Only keys behind this one; empty: from the first one. */
    const std::string &StartAfter() const { return startAfter_; }
    void setStartAfter(const std::string &key) { startAfter_ = key; }
    /** Largest number of entries in one page, at most 1000; 0: the default. */
    uint32_t MaxKeys() const { return maxKeys_; }
    void setMaxKeys(uint32_t count) { maxKeys_ = count; }
    oss_resumable::RequestPayer RequestPayer() const { return requestPayer_; }
    void setRequestPayer(oss_resumable::RequestPayer payer) { requestPayer_ = payer; }
    /** Longest time for the whole listing in milliseconds; 0: no limit. */
    int64_t DeadlineMs() const { return deadlineMs_; }
    void setDeadlineMs(int64_t milliseconds) { deadlineMs_ = milliseconds; }

private:
    std::string bucket_, prefix_, delimiter_, startAfter_;
    uint32_t maxKeys_ = 0;
    oss_resumable::RequestPayer requestPayer_ = oss_resumable::RequestPayer::NotSet;
    int64_t deadlineMs_ = 0;
};

/** One entry of a listing. Strings that the service did not send are empty. */
struct ObjectEntry {
    /** Whether `Key` is the common beginning of keys, up to the delimiter and with it, and not that
     * of an object. The other members are then not set. */
    bool IsCommonPrefix = false;
    /** It may contain control characters, backslashes or segments such as `..`. Check it before
     * making a path of it. */
    std::string Key;
    /** In bytes. */
    uint64_t Size = 0;
    /** Without quotes. */
    std::string ETag;
    /** In milliseconds since 1970-01-01 UTC; -1 if it is not known. */
    int64_t LastModifiedMs = -1;
    std::string StorageClass;
    /** `Normal`, `Multipart`, `Appendable` or `Symlink`. */
    std::string Type;
    /** Such as `ongoing-request="true"`. */
    std::string RestoreInfo;
    /** Whether the service sent `Crc64`. */
    bool HasCrc64 = false;
    uint64_t Crc64 = 0;
};

/** The objects of a bucket, one after the other:
 * @code
 * auto listing = client.ListObjects(request);
 * oss_resumable::ObjectEntry entry;
 * while (listing.Next(entry)) { … }
 * if (listing.error().isSet()) { … }
 * @endcode
 * Move-only. Used by one thread at a time; any thread may call Cancel(). It may outlive its client.
 */
class Listing {
public:
    /** A listing that has failed. */
    explicit Listing(Error error) : error_(std::move(error)) {}
    /** Takes ownership of `listing`. */
    explicit Listing(oss_resumable_listing *listing) : handle_(listing) {}

    /** Gives the next entry; waits for the service if a page has to be fetched. Returns false after
     * the last entry and after a failure, and does not write `entry` then; error() tells which it
     * was. */
    bool Next(ObjectEntry &entry) {
        if (!handle_ || error_.isSet()) {
            return false;
        }
        oss_resumable_object_entry c = OSS_RESUMABLE_OBJECT_ENTRY_INIT;
        oss_resumable_error *error = nullptr;
        const auto code = oss_resumable_listing_next(handle_.get(), &c, &error);
        if (code != OSS_RESUMABLE_OK) {
            error_ = Error(error);
            return false;
        }
        entry = converted(c);
        return true;
    }

    /** Why the listing ended early; not set while it goes on and after its last entry. */
    const Error &error() const { return error_; }

    /** Makes Next() fail: at once if it waits, otherwise when it needs the next page. */
    void Cancel() const {
        if (handle_) {
            oss_resumable_listing_cancel(handle_.get());
        }
    }

    oss_resumable_listing *get() const { return handle_.get(); }

private:
    struct Free {
        void operator()(oss_resumable_listing *listing) const {
            oss_resumable_listing_free(listing);
        }
    };

    static ObjectEntry converted(const oss_resumable_object_entry &c) {
        ObjectEntry entry;
        entry.IsCommonPrefix = c.kind == OSS_RESUMABLE_ENTRY_COMMON_PREFIX;
        entry.Key = detail::text(c.key);
        entry.Size = c.size;
        entry.ETag = detail::text(c.etag);
        entry.LastModifiedMs = c.last_modified_ms;
        entry.StorageClass = detail::text(c.storage_class);
        entry.Type = detail::text(c.object_type);
        entry.RestoreInfo = detail::text(c.restore_info);
        entry.HasCrc64 = c.has_crc64 != 0;
        entry.Crc64 = c.crc64;
        return entry;
    }

    std::unique_ptr<oss_resumable_listing, Free> handle_;
    Error error_;
};

namespace detail {

/** Starts a listing with a client, which may be NULL. */
inline Listing list(oss_resumable_client *client, const ListObjectsRequest &from) {
    for (const std::string *text :
         {&from.Bucket(), &from.Prefix(), &from.Delimiter(), &from.StartAfter()}) {
        if (hasNul(*text)) {
            return Listing(Error::validation("a text of the request contains a NUL byte"));
        }
    }
    oss_resumable_list_request request = OSS_RESUMABLE_LIST_REQUEST_INIT;
    request.bucket = from.Bucket().c_str();
    request.prefix = optional(from.Prefix());
    request.delimiter = optional(from.Delimiter());
    request.start_after = optional(from.StartAfter());
    request.max_keys = from.MaxKeys();
    request.requester_pays = on(from.RequestPayer() == RequestPayer::Requester);
    request.deadline_ms = from.DeadlineMs();
    oss_resumable_listing *listing = nullptr;
    oss_resumable_error *error = nullptr;
    if (oss_resumable_list_objects(client, &request, &listing, &error) != OSS_RESUMABLE_OK) {
        return Listing(Error(error));
    }
    return Listing(listing);
}

} // namespace detail

} // namespace oss_resumable

#endif /* OSS_RESUMABLE_LISTING_HPP */
