//! Listings.

use std::ffi::{CString, c_char};
use std::time::{SystemTime, UNIX_EPOCH};

use parking_lot::Mutex;

use super::allocation;
use super::client::oss_resumable_client;
use super::codes::{OSS_RESUMABLE_END_OF_LIST, OSS_RESUMABLE_OK, oss_resumable_code};
use super::counted::Counted;
use super::error_object::oss_resumable_error;
use super::failure::{Failure, Result};
use super::guard;
use super::handle::{Birthplace, Handle};
use super::list_request::{self, oss_resumable_list_request};
use super::scope::{self, Next, Release};
use super::sized::{self, size_first};
use super::text::borrowed;
use crate::listing::{ListCanceller, Listing, name_with_nul};
use crate::model::listing::ListEntry;

/// oss_resumable_object_entry: an object.
pub const OSS_RESUMABLE_ENTRY_OBJECT: i32 = 1;
/// oss_resumable_object_entry: the common beginning of one or more keys, up to the delimiter and with it. Only `key` is
/// set.
pub const OSS_RESUMABLE_ENTRY_COMMON_PREFIX: i32 = 2;

/// One entry of a listing, filled in by oss_resumable_listing_next(); set `struct_size` first. Its strings belong to the
/// listing, and are valid until the next call of oss_resumable_listing_next() for the same listing or until that is freed.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct oss_resumable_object_entry {
    /// `sizeof(oss_resumable_object_entry)`, set by the caller.
    pub struct_size: usize,
    /// The key of the object, or the common prefix; never NULL. It is as it is in the service: it may contain control
    /// characters, backslashes or segments such as `..`. Check it before making a path of it.
    pub key: *const c_char,
    /// The ETag without quotes; NULL if the service did not send it.
    pub etag: *const c_char,
    /// `Standard`, `IA`, `Archive` …; NULL if the service did not send it.
    pub storage_class: *const c_char,
    /// `Normal`, `Multipart`, `Appendable` or `Symlink`; NULL if the service did not send it.
    pub object_type: *const c_char,
    /// The state of the restoration of an archived object, such as `ongoing-request="true"`; NULL if the service did not
    /// send it.
    pub restore_info: *const c_char,
    /// Size of the object in bytes.
    pub size: u64,
    /// When the object was last modified, in milliseconds since 1970-01-01 UTC; −1 if the service did not send it.
    pub last_modified_ms: i64,
    /// CRC-64/XZ of the object, if `has_crc64` is 1.
    pub crc64: u64,
    /// One of the `OSS_RESUMABLE_ENTRY_…` values. Ignore those that you do not know.
    pub kind: i32,
    /// 1 if the service sent the object's CRC-64 (`OSSCRC64`), which OSS itself does not do in listings; otherwise 0.
    pub has_crc64: i32,
}
size_first!(oss_resumable_object_entry);

/// The objects of a bucket, one after the other.
///
/// May be used by one thread at a time, which need not always be the same; oss_resumable_listing_cancel() may be called
/// by any thread at any time. oss_resumable_listing_free() must be the last call. It may outlive the handle of its client.
pub struct oss_resumable_listing {
    state: Mutex<State>,
    canceller: ListCanceller,
    next: Next,
    birthplace: Birthplace,
}

struct State {
    listing: Listing,
    /// Taken from the listing, but not given to the caller yet.
    pending: Option<ListEntry>,
    /// What the caller's last entry refers to.
    shown: Texts,
}

#[derive(Default)]
struct Texts {
    key: Option<CString>,
    etag: Option<CString>,
    storage_class: Option<CString>,
    object_type: Option<CString>,
    restore_info: Option<CString>,
}

impl Handle for oss_resumable_listing {
    const NAME: &'static str = "oss_resumable_listing";

    fn birthplace(&self) -> Birthplace {
        self.birthplace
    }
}

impl Release for oss_resumable_listing {
    fn next(&self) -> &Next {
        &self.next
    }
}

impl State {
    /// The next entry, whose strings stay here. Without memory for them it is still the next one.
    fn next(&mut self) -> Result<Option<oss_resumable_object_entry>> {
        if self.pending.is_none() {
            self.pending = self.listing.next_entry()?;
        }
        let Some(entry) = &self.pending else { return Ok(None) };
        let name = name(entry);
        if name.contains('\0') {
            let refused = name_with_nul(name);
            self.pending = None;
            return Err(Failure::Library(refused));
        }
        let (shown, values) = show(entry)?;
        self.pending = None;
        self.shown = shown;
        Ok(Some(oss_resumable_object_entry {
            key: borrowed(self.shown.key.as_deref()),
            etag: borrowed(self.shown.etag.as_deref()),
            storage_class: borrowed(self.shown.storage_class.as_deref()),
            object_type: borrowed(self.shown.object_type.as_deref()),
            restore_info: borrowed(self.shown.restore_info.as_deref()),
            ..values
        }))
    }
}

fn name(entry: &ListEntry) -> &str {
    match entry {
        ListEntry::Object(object) => &object.key,
        ListEntry::CommonPrefix(prefix) => prefix,
    }
}

/// The strings of an entry, and the entry without them.
fn show(entry: &ListEntry) -> Result<(Texts, oss_resumable_object_entry)> {
    let key = Some(allocation::c_string(name(entry))?);
    let null = std::ptr::null();
    let mut values = oss_resumable_object_entry {
        struct_size: size_of::<oss_resumable_object_entry>(),
        key: null,
        etag: null,
        storage_class: null,
        object_type: null,
        restore_info: null,
        size: 0,
        last_modified_ms: -1,
        crc64: 0,
        kind: OSS_RESUMABLE_ENTRY_COMMON_PREFIX,
        has_crc64: 0,
    };
    let ListEntry::Object(object) = entry else {
        return Ok((Texts { key, ..Texts::default() }, values));
    };
    values.kind = OSS_RESUMABLE_ENTRY_OBJECT;
    values.size = object.size;
    values.last_modified_ms = object.last_modified.map_or(-1, milliseconds);
    values.crc64 = object.crc64.unwrap_or_default();
    values.has_crc64 = object.crc64.is_some().into();
    let text = |text: &Option<String>| text.as_ref().map(allocation::c_string).transpose();
    let texts = Texts {
        key,
        etag: text(&object.etag)?,
        storage_class: text(&object.storage_class)?,
        object_type: text(&object.object_type)?,
        restore_info: text(&object.restore_info)?,
    };
    Ok((texts, values))
}

/// Since 1970.
fn milliseconds(time: SystemTime) -> i64 {
    match time.duration_since(UNIX_EPOCH) {
        Ok(after) => i64::try_from(after.as_millis()).unwrap_or(i64::MAX),
        Err(before) => {
            i64::try_from(before.duration().as_millis()).map_or(i64::MIN, |before| -before)
        }
    }
}

/// Starts to list the objects of a bucket whose keys have a prefix, with ListObjectsV2. Validates the request; nothing is
/// sent before oss_resumable_listing_next() is called. Requires the permission `oss:ListObjects`.
///
/// Thread-safe.
///
/// @param client not NULL
/// @param request not NULL; everything is copied
/// @param out receives the listing, to be freed with oss_resumable_listing_free(); written on success only; NULL: the
/// request is validated and no listing is made
/// @param err receives an error, to be freed with oss_resumable_error_free(); written on failure only; may be NULL
/// @return ::OSS_RESUMABLE_OK; ::OSS_RESUMABLE_ERR_VALIDATION; ::OSS_RESUMABLE_ERR_DISABLED; ::OSS_RESUMABLE_ERR_FORKED
#[unsafe(no_mangle)]
pub unsafe extern "C" fn oss_resumable_list_objects(
    client: *mut oss_resumable_client,
    request: *const oss_resumable_list_request,
    out: *mut *mut oss_resumable_listing,
    err: *mut *mut oss_resumable_error,
) -> oss_resumable_code {
    // SAFETY: the caller passes a live client, a valid request, and outputs that are NULL or writable.
    unsafe {
        guard::fallible(err, || {
            let request = list_request::read(request)?;
            let client = oss_resumable_client::hold(client)?;
            let listing = client.inner().list_objects(&request)?;
            guard::output(out, || {
                let canceller = listing.canceller();
                let state = State { listing, pending: None, shown: Texts::default() };
                Ok(oss_resumable_listing {
                    state: Mutex::new(state),
                    canceller,
                    next: Next::default(),
                    birthplace: Birthplace::here(),
                }
                .give()?)
            })?;
            Ok(OSS_RESUMABLE_OK)
        })
    }
}

/// Gives the next entry of a listing. Asks the service for the next page when all entries of the last one have been given,
/// and waits for it. Entries come in the order of their names' bytes within each page; objects and common prefixes of a page
/// come one after the other. Objects that are created or deleted meanwhile may be listed or not.
///
/// Broken connections, throttling and other failures are retried as those of a download. A page's request counts as one of
/// the client's `max_connections`, and waits for one if downloads use all of them. A pause of the client does not concern
/// listings. The memory that a listing needs is that of one page: at most 8 MiB as sent.
///
/// Not to be called by two threads at the same time for one listing, which is ::OSS_RESUMABLE_ERR_VALIDATION. Thread-safe
/// otherwise. Must not be called inside a callback that runs on one of the library's threads.
///
/// @param listing not NULL
/// @param entry not NULL, with its `struct_size` set; filled in up to that size on ::OSS_RESUMABLE_OK, otherwise not
/// written. Its strings are valid until the next call for this listing.
/// @param err receives an error, to be freed with oss_resumable_error_free(); written on failure only; may be NULL
/// @return ::OSS_RESUMABLE_OK; ::OSS_RESUMABLE_END_OF_LIST after the last entry; otherwise the code of the failure, such as
/// ::OSS_RESUMABLE_ERR_SERVICE, or ::OSS_RESUMABLE_ERR_INTEGRITY for a reply that is not a listing. A failure is final, and
/// later calls return it again, with three exceptions: wrong arguments, ::OSS_RESUMABLE_ERR_OUT_OF_MEMORY, and a key with a
/// NUL byte (::OSS_RESUMABLE_ERR_INTEGRITY), behind which the next call goes on.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn oss_resumable_listing_next(
    listing: *mut oss_resumable_listing,
    entry: *mut oss_resumable_object_entry,
    err: *mut *mut oss_resumable_error,
) -> oss_resumable_code {
    // SAFETY: the caller passes a live listing, a struct as long as it says, and an output that is NULL or writable.
    unsafe {
        guard::fallible(err, || {
            let handle = oss_resumable_listing::hold(listing)?;
            // Before an entry is taken that could then not be given.
            sized::check(entry)?;
            scope::may_wait()?;
            let Some(mut state) = handle.state.try_lock() else {
                return Err(Failure::validation(format_args!(
                    "another call for this listing has not returned yet"
                )));
            };
            let Some(next) = state.next()? else { return Ok(OSS_RESUMABLE_END_OF_LIST) };
            sized::write(entry, next)?;
            Ok(OSS_RESUMABLE_OK)
        })
    }
}

/// Cancels a listing: a call of oss_resumable_listing_next() that waits returns ::OSS_RESUMABLE_ERR_CANCELLED within 100 ms,
/// otherwise the one that needs the next page does. Returns immediately.
///
/// Thread-safe; callable inside callbacks.
///
/// @param listing not NULL
/// @return ::OSS_RESUMABLE_OK, ::OSS_RESUMABLE_ERR_VALIDATION or ::OSS_RESUMABLE_ERR_FORKED
#[unsafe(no_mangle)]
pub unsafe extern "C" fn oss_resumable_listing_cancel(
    listing: *mut oss_resumable_listing,
) -> oss_resumable_code {
    // SAFETY: the caller passes a live listing.
    unsafe {
        guard::without_error(|| {
            oss_resumable_listing::hold(listing)?.canceller.cancel();
            Ok(OSS_RESUMABLE_OK)
        })
    }
}

/// Frees a listing, at any point of it, and the strings of its last entry.
///
/// Any thread may call it, once, before or after its client is freed. When called inside a callback it returns immediately,
/// and the handle is freed after the callback. In a forked child it does nothing.
///
/// @param listing a listing, or NULL, which does nothing
#[unsafe(no_mangle)]
pub unsafe extern "C" fn oss_resumable_listing_free(listing: *mut oss_resumable_listing) {
    guard::plain((), || {
        // SAFETY: the caller passes NULL or a live listing that it does not use again.
        if let Some(listing) = unsafe { oss_resumable_listing::take(listing) } {
            free(listing);
        }
    });
}

fn free(listing: Counted<oss_resumable_listing>) {
    // A call that waits, which a callback of its own frees.
    listing.canceller.cancel();
    scope::after_callbacks(listing);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::listing::ListedObject;
    use std::ffi::CStr;
    use std::time::Duration;

    #[test]
    fn each_value_of_an_object_reaches_its_field() {
        let text = |text: &str| Some(text.to_owned());
        let mut object = ListedObject { key: "k".to_owned(), size: 1, ..ListedObject::default() };
        let (texts, values) = show(&ListEntry::Object(object.clone())).expect("memory");
        assert_eq!(
            (values.kind, values.size, values.has_crc64),
            (OSS_RESUMABLE_ENTRY_OBJECT, 1, 0)
        );
        assert_eq!((values.last_modified_ms, texts.etag), (-1, None));

        (object.etag, object.storage_class) = (text("e"), text("s"));
        (object.object_type, object.restore_info) = (text("t"), text("r"));
        (object.crc64, object.last_modified) =
            (Some(2), Some(UNIX_EPOCH + Duration::from_millis(3)));
        let (texts, values) = show(&ListEntry::Object(object)).expect("memory");
        assert_eq!((values.crc64, values.has_crc64, values.last_modified_ms), (2, 1, 3));
        let shown = [texts.etag, texts.storage_class, texts.object_type, texts.restore_info];
        let shown = shown.each_ref().map(|text| text.as_deref().map(CStr::to_bytes));
        assert_eq!(shown, [b"e", b"s", b"t", b"r"].map(|text| Some(text.as_slice())));
    }

    #[test]
    fn a_common_prefix_has_nothing_but_its_name() {
        let (texts, values) = show(&ListEntry::CommonPrefix("p/".to_owned())).expect("memory");
        assert_eq!(texts.key.as_deref(), Some(c"p/"));
        assert_eq!((values.kind, values.size), (OSS_RESUMABLE_ENTRY_COMMON_PREFIX, 0));
    }

    #[test]
    fn a_time_before_1970_is_negative() {
        assert_eq!(milliseconds(UNIX_EPOCH - Duration::from_secs(1)), -1000);
    }
}
