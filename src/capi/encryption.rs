//! Keys of objects that were encrypted on the client side.

use std::ffi::{c_char, c_void};
use std::ptr;
use std::slice;

use zeroize::Zeroizing;

use super::allocation::{self, OutOfMemory, c_string};
use super::answer::{self, Answer};
use super::callbacks::UserData;
use super::codes::oss_resumable_code;
use super::failure::{Failure, Result};
use super::guard;
use super::lists::{self, oss_resumable_pair};
use super::scope;
use super::text;
use crate::model::encryption::{ContentKey, DecryptionKey, KeyUnwrapper, WrappedKey};

/// An RSA private key that unwraps the content keys of encrypted objects (`RSA/NONE/PKCS1Padding`). Copied by the call
/// that reads it.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct oss_resumable_decryption_key {
    /// The key in PEM, PKCS #1 (`RSA PRIVATE KEY`) or PKCS #8 (`PRIVATE KEY`), not protected by a password. Required.
    pub pem: *const c_char,
    /// Description of the key pair, a JSON object of strings, as it was given for the upload. The key is used for
    /// objects with an equal description; the order of its members and blanks do not matter. NULL: the key is used for
    /// every object whose description no other key has.
    pub matdesc: *const c_char,
}

/// What the metadata of an encrypted object says of its content key. Valid during the call that receives it.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct oss_resumable_wrapped_key {
    /// Size of this struct, set by the library; fields beyond it do not exist.
    pub struct_size: usize,
    /// Bucket of the object.
    pub bucket: *const c_char,
    /// Key of the object.
    pub key: *const c_char,
    /// How the content key is wrapped, such as `KMS/ALICLOUD` or `RSA/NONE/PKCS1Padding`.
    pub wrap_algorithm: *const c_char,
    /// Description of the key that wraps it, usually a JSON object of strings; NULL without one.
    pub matdesc: *const c_char,
    /// The members of that object that are strings, numbers or booleans, as text, in the order of their names.
    pub description: *const oss_resumable_pair,
    /// Number of elements of `description`; 0 when `matdesc` is no JSON object.
    pub description_count: usize,
    /// The content key, wrapped; base64 is decoded.
    pub encrypted_key: *const u8,
    /// Number of bytes of `encrypted_key`.
    pub encrypted_key_size: usize,
    /// The initial counter block, wrapped; base64 is decoded.
    pub encrypted_iv: *const u8,
    /// Number of bytes of `encrypted_iv`.
    pub encrypted_iv_size: usize,
}

/// Receives the answer of an ::oss_resumable_key_unwrapper. Valid only during that call; thread-safe.
pub struct oss_resumable_content_key_sink {
    answer: Answer<ContentKey>,
}

/// Unwraps the content key of an encrypted object, by a key management service for instance. Called once for each
/// download of an encrypted object that no decryption key of the client is for, and again if the object is replaced
/// during it, on a thread of its own, for several downloads possibly at once. It may block for as long as a download
/// may wait for its first byte (`first_byte_limit_ms`); neither transfers nor cancellation wait for it, but oss_resumable_client_free() does.
/// While 64 calls whose downloads have ended have not returned, it is not called, and downloads that need it fail.
///
/// Answer with oss_resumable_content_key_set() or oss_resumable_content_key_fail() before returning; without an answer
/// the download fails, and also, without a call, if there is no memory for `wrapped`. `wrapped` is valid during the call. The callback must not start downloads or wait for them, and
/// must not throw: a C++ exception that leaves it ends the program.
pub type oss_resumable_key_unwrapper = Option<
    unsafe extern "C" fn(
        sink: *mut oss_resumable_content_key_sink,
        wrapped: *const oss_resumable_wrapped_key,
        user_data: *mut c_void,
    ),
>;

/// Copies a list of keys.
///
/// # Safety
/// `list` points to `count` keys whose strings are NULL or NUL-terminated.
pub unsafe fn decryption_keys(
    list: *const oss_resumable_decryption_key,
    count: usize,
) -> Result<Vec<DecryptionKey>> {
    // SAFETY: this function's contract.
    let list = unsafe { lists::elements(list, count, "decryption_keys") }?;
    allocation::mapped(list, |key| {
        // SAFETY: each string is NULL or NUL-terminated.
        unsafe {
            let pem = Zeroizing::new(text::required(key.pem, "pem")?);
            Ok(DecryptionKey { pem, matdesc: text::optional(key.matdesc, "matdesc")? })
        }
    })
}

/// An unwrapper that asks `function`; `None` without one.
pub fn key_unwrapper(
    function: oss_resumable_key_unwrapper,
    user_data: UserData,
) -> Option<impl KeyUnwrapper> {
    Some(Unwrapper { function: function?, user_data })
}

struct Unwrapper {
    function: unsafe extern "C" fn(
        *mut oss_resumable_content_key_sink,
        *const oss_resumable_wrapped_key,
        *mut c_void,
    ),
    user_data: UserData,
}

impl KeyUnwrapper for Unwrapper {
    fn unwrap_key(&self, wrapped: &WrappedKey) -> std::result::Result<ContentKey, String> {
        let sink = oss_resumable_content_key_sink { answer: Answer::default() };
        let silence = match self.ask(wrapped, &sink) {
            Ok(()) => "it returned without an answer",
            Err(OutOfMemory) => "there was no memory to ask it",
        };
        answer::given(sink.answer, silence)
    }
}

impl Unwrapper {
    /// Calls the function.
    fn ask(
        &self,
        wrapped: &WrappedKey,
        sink: &oss_resumable_content_key_sink,
    ) -> Result<(), OutOfMemory> {
        let (bucket, key) = (c_string(&wrapped.bucket)?, c_string(&wrapped.object_key)?);
        let wrap_algorithm = c_string(&wrapped.wrap_algorithm)?;
        let matdesc = wrapped.matdesc.as_ref().map(c_string).transpose()?;
        let description = allocation::mapped(&wrapped.description, |(name, value)| {
            Ok((c_string(name)?, c_string(value)?))
        })?;
        let pairs = allocation::mapped(&description, |(name, value)| {
            Ok(oss_resumable_pair { name: name.as_ptr(), value: value.as_ptr() })
        })?;
        let shown = oss_resumable_wrapped_key {
            struct_size: size_of::<oss_resumable_wrapped_key>(),
            bucket: bucket.as_ptr(),
            key: key.as_ptr(),
            wrap_algorithm: wrap_algorithm.as_ptr(),
            matdesc: matdesc.as_ref().map_or(ptr::null(), |matdesc| matdesc.as_ptr()),
            description: pairs.as_ptr(),
            description_count: pairs.len(),
            encrypted_key: wrapped.encrypted_key.as_ptr(),
            encrypted_key_size: wrapped.encrypted_key.len(),
            encrypted_iv: wrapped.encrypted_iv.as_ptr(),
            encrypted_iv_size: wrapped.encrypted_iv.len(),
        };
        let (place, data) = (ptr::from_ref(sink).cast_mut(), self.user_data.pointer());
        // SAFETY: the caller's function; the sink, which is only used shared, and the struct outlive the call.
        scope::callback(|| unsafe { (self.function)(place, &raw const shown, data) });
        Ok(())
    }
}

/// Answers an ::oss_resumable_key_unwrapper with a content key. Of several answers the last one counts.
///
/// Any thread may call it while the unwrapper runs. The bytes are copied; wipe yours afterwards.
///
/// @param sink the unwrapper's parameter; not NULL
/// @param key the content key
/// @param key_size its number of bytes, which must be 32
/// @param iv the initial counter block
/// @param iv_size its number of bytes, which must be 16
/// @return ::OSS_RESUMABLE_OK; ::OSS_RESUMABLE_ERR_VALIDATION for a NULL argument or a wrong size;
/// ::OSS_RESUMABLE_ERR_OUT_OF_MEMORY for a wrong size, without memory for its description. A wrong size is the answer, and
/// the download fails with it
#[unsafe(no_mangle)]
pub unsafe extern "C" fn oss_resumable_content_key_set(
    sink: *mut oss_resumable_content_key_sink,
    key: *const u8,
    key_size: usize,
    iv: *const u8,
    iv_size: usize,
) -> oss_resumable_code {
    // SAFETY: the caller passes the unwrapper's sink, and as many bytes as the sizes say.
    unsafe {
        guard::without_error(|| {
            if key.is_null() || iv.is_null() {
                return Err(Failure::validation(format_args!(
                    "the content key or its initial counter block is NULL"
                )));
            }
            let content_key = ContentKey::check_sizes(key_size, iv_size).and_then(|()| {
                ContentKey::new(
                    slice::from_raw_parts(key, key_size),
                    slice::from_raw_parts(iv, iv_size),
                )
            });
            let sink = sink.as_ref().map(|sink| &sink.answer);
            match content_key {
                Ok(content_key) => answer::give(sink, Ok(content_key)),
                Err(error) => answer::refuse(sink, error),
            }
        })
    }
}

/// Answers an ::oss_resumable_key_unwrapper with a failure.
///
/// Any thread may call it while the unwrapper runs. The string is copied.
///
/// @param sink the unwrapper's parameter; not NULL
/// @param message the reason, which becomes part of the download's error message and must not contain secrets; NULL: no
/// reason
/// @return ::OSS_RESUMABLE_OK, ::OSS_RESUMABLE_ERR_VALIDATION for a NULL sink or a message that is not valid UTF-8, or
/// ::OSS_RESUMABLE_ERR_OUT_OF_MEMORY; the failure is then the answer all the same, without its reason
#[unsafe(no_mangle)]
pub unsafe extern "C" fn oss_resumable_content_key_fail(
    sink: *mut oss_resumable_content_key_sink,
    message: *const c_char,
) -> oss_resumable_code {
    // SAFETY: the caller passes the unwrapper's sink, and a string that is NULL or NUL-terminated.
    unsafe {
        guard::without_error(|| answer::fail(sink.as_ref().map(|sink| &sink.answer), message))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::capi::codes::{OSS_RESUMABLE_ERR_VALIDATION, OSS_RESUMABLE_OK};
    use std::ffi::CStr;

    type Function = unsafe extern "C" fn(
        *mut oss_resumable_content_key_sink,
        *const oss_resumable_wrapped_key,
        *mut c_void,
    );

    fn asked(function: Function) -> std::result::Result<ContentKey, String> {
        let wrapped = WrappedKey::new(
            ("bucket", "key"),
            "KMS/ALICLOUD",
            (Some("{}"), vec![("name".to_owned(), "value".to_owned())]),
            (b"wrapped", b"iv"),
        );
        let user_data = UserData::new(ptr::null_mut(), None);
        key_unwrapper(Some(function), user_data).expect("a function").unwrap_key(&wrapped)
    }

    #[test]
    fn an_unwrapper_sees_what_is_wrapped_and_its_key_is_the_answer() {
        unsafe extern "C" fn unwrap(
            sink: *mut oss_resumable_content_key_sink,
            wrapped: *const oss_resumable_wrapped_key,
            _: *mut c_void,
        ) {
            // SAFETY: the struct and its strings are valid during the call.
            unsafe {
                let w = &*wrapped;
                let strings = [w.bucket, w.key, w.wrap_algorithm, w.matdesc];
                let strings = strings.map(|text| CStr::from_ptr(text).to_str());
                assert_eq!(strings, ["bucket", "key", "KMS/ALICLOUD", "{}"].map(Ok));
                let [pair] = slice::from_raw_parts(w.description, w.description_count) else {
                    panic!("one pair")
                };
                let pair = [pair.name, pair.value].map(|text| CStr::from_ptr(text).to_str());
                assert_eq!(pair, [Ok("name"), Ok("value")]);
                let key = slice::from_raw_parts(w.encrypted_key, w.encrypted_key_size);
                let iv = slice::from_raw_parts(w.encrypted_iv, w.encrypted_iv_size);
                assert_eq!((key, iv), (&b"wrapped"[..], &b"iv"[..]));
                let (key, iv) = ([1; 32], [2; 16]);
                let set = oss_resumable_content_key_set(sink, key.as_ptr(), 32, iv.as_ptr(), 16);
                assert_eq!(set, OSS_RESUMABLE_OK);
            }
        }
        assert_eq!(asked(unwrap), Ok(ContentKey::new(&[1; 32], &[2; 16]).expect("key")));
    }

    #[test]
    fn a_failure_a_wrong_size_and_no_answer_are_told() {
        unsafe extern "C" fn fail(
            sink: *mut oss_resumable_content_key_sink,
            _: *const oss_resumable_wrapped_key,
            _: *mut c_void,
        ) {
            // SAFETY: the sink is live.
            unsafe { oss_resumable_content_key_fail(sink, c"the key is disabled".as_ptr()) };
        }
        unsafe extern "C" fn long(
            sink: *mut oss_resumable_content_key_sink,
            _: *const oss_resumable_wrapped_key,
            _: *mut c_void,
        ) {
            let key = [1; 33];
            // SAFETY: the sink is live.
            let set =
                unsafe { oss_resumable_content_key_set(sink, key.as_ptr(), 33, key.as_ptr(), 16) };
            assert_eq!(set, OSS_RESUMABLE_ERR_VALIDATION);
        }
        unsafe extern "C" fn endless(
            sink: *mut oss_resumable_content_key_sink,
            _: *const oss_resumable_wrapped_key,
            _: *mut c_void,
        ) {
            let (key, size) = ([1; 32], usize::MAX);
            // SAFETY: the sink is live. Nothing is read of a key of a wrong size.
            let set = unsafe {
                oss_resumable_content_key_set(sink, key.as_ptr(), 32, key.as_ptr(), size)
            };
            assert_eq!(set, OSS_RESUMABLE_ERR_VALIDATION);
        }
        unsafe extern "C" fn garbled(
            sink: *mut oss_resumable_content_key_sink,
            _: *const oss_resumable_wrapped_key,
            _: *mut c_void,
        ) {
            // SAFETY: the sink is live.
            let failed = unsafe { oss_resumable_content_key_fail(sink, c"\xff".as_ptr()) };
            assert_eq!(failed, OSS_RESUMABLE_ERR_VALIDATION);
        }
        unsafe extern "C" fn silent(
            _: *mut oss_resumable_content_key_sink,
            _: *const oss_resumable_wrapped_key,
            _: *mut c_void,
        ) {
        }
        assert_eq!(asked(fail).expect_err("failed"), "the key is disabled");
        assert!(asked(long).expect_err("too long").contains("33 bytes"));
        let size = format!("{} bytes", usize::MAX);
        assert!(asked(endless).expect_err("too long").contains(&size));
        assert_eq!(asked(garbled).expect_err("failed"), "the reason was not valid UTF-8");
        assert!(asked(silent).expect_err("silent").contains("without an answer"));
    }

    #[test]
    fn null_is_refused() {
        let sink = oss_resumable_content_key_sink { answer: Answer::default() };
        let (sink, key, null) = (ptr::from_ref(&sink).cast_mut(), [1; 32], ptr::null());
        // SAFETY: live or NULL.
        unsafe {
            for code in [
                oss_resumable_content_key_set(ptr::null_mut(), key.as_ptr(), 32, key.as_ptr(), 16),
                oss_resumable_content_key_set(sink, null, 32, key.as_ptr(), 16),
                oss_resumable_content_key_set(sink, key.as_ptr(), 32, null, 16),
                oss_resumable_content_key_fail(ptr::null_mut(), ptr::null()),
            ] {
                assert_eq!(code, OSS_RESUMABLE_ERR_VALIDATION);
            }
            let list = [oss_resumable_decryption_key { pem: ptr::null(), matdesc: ptr::null() }];
            assert!(decryption_keys(list.as_ptr(), 1).is_err());
            assert!(decryption_keys(ptr::null(), 1).is_err());
        }
    }
}
