//! The XML document of one page of a listing (ListObjectsV2).

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use jiff::Timestamp;
use percent_encoding::percent_decode_str;
use quick_xml::Reader;
use quick_xml::escape::resolve_predefined_entity;
use quick_xml::events::{BytesRef, Event};

use super::clock;
use crate::model::listing::{ListEntry, ListPage, ListedObject, MAX_LIST_KEYS};

/// Longest document that is accepted, in bytes. A thousand of the longest keys, percent-encoded, need 4 MiB.
pub const MAX_DOCUMENT: usize = 8 * 1024 * 1024;
/// Longest text of an element that is shown in a message, in characters.
const MAX_SHOWN: usize = 80;

/// Parses a page; the error says what is wrong with it. A document that is not complete is refused, because nothing
/// else shows that its end is missing.
pub fn parse(bytes: &[u8]) -> Result<ListPage, String> {
    if bytes.len() > MAX_DOCUMENT {
        return Err(format!("its body is longer than {MAX_DOCUMENT} bytes"));
    }
    let text = std::str::from_utf8(bytes).map_err(|_| "its body is not UTF-8".to_owned())?;
    let document = read(text.trim_start_matches('\u{feff}'))?;
    document.page()
}

/// The texts of a page, as they are in the document.
#[derive(Default)]
struct Document {
    encoding: Option<String>,
    is_truncated: Option<String>,
    next: Option<String>,
    entries: Vec<Entry>,
}

enum Entry {
    Object(Fields),
    CommonPrefix(Option<String>),
}

/// The texts of the elements of an object.
#[derive(Default)]
struct Fields {
    key: Option<String>,
    size: Option<String>,
    etag: Option<String>,
    last_modified: Option<String>,
    storage_class: Option<String>,
    object_type: Option<String>,
    crc64: Option<String>,
    restore_info: Option<String>,
}

/// Where the reader is.
#[derive(Default)]
struct Place {
    /// The number of open elements: 1 inside the root, 2 inside one of its children, 3 inside one of an entry's.
    depth: usize,
    /// The last element at depth 2.
    child: String,
    /// The last element at depth 3.
    field: String,
    /// The text since the last of these two was opened.
    text: String,
    /// There are elements inside that one.
    is_nested: bool,
}

fn read(text: &str) -> Result<Document, String> {
    let mut reader = Reader::from_str(text);
    reader.config_mut().expand_empty_elements = true;
    let mut document = Document::default();
    let mut place = Place::default();
    let mut is_complete = false;
    loop {
        match reader.read_event() {
            Ok(Event::Start(tag)) => {
                let name = tag.local_name();
                document.open(&mut place, name.as_ref(), is_complete)?;
            }
            Ok(Event::End(_)) => {
                document.close(&mut place)?;
                is_complete = place.depth == 0;
            }
            Ok(Event::Text(text)) => place.text.push_str(&text.xml10_content()),
            Ok(Event::CData(text)) => place.text.push_str(&text.xml10_content()),
            Ok(Event::GeneralRef(reference)) => place.text.push_str(&resolve(&reference)?),
            Ok(Event::Eof) if is_complete => return Ok(document),
            Ok(Event::Eof) => return Err("its body ends within the listing".to_owned()),
            Ok(_) => {}
            Err(error) => {
                return Err(format!("its body is not XML: {}", shown(&error.to_string())));
            }
        }
    }
}

impl Document {
    fn open(&mut self, place: &mut Place, name: &str, is_complete: bool) -> Result<(), String> {
        place.depth += 1;
        match place.depth {
            1 if is_complete || name != "ListBucketResult" => {
                return Err(format!("its body is not a listing, but <{}>", shown(name)));
            }
            1 => return Ok(()),
            2 => {
                name.clone_into(&mut place.child);
                self.begin_entry(name)?;
            }
            3 => name.clone_into(&mut place.field),
            _ => {
                place.is_nested = true;
                return Ok(());
            }
        }
        place.text.clear();
        place.is_nested = false;
        Ok(())
    }

    fn begin_entry(&mut self, name: &str) -> Result<(), String> {
        let entry = match name {
            "Contents" => Entry::Object(Fields::default()),
            "CommonPrefixes" => Entry::CommonPrefix(None),
            _ => return Ok(()),
        };
        if self.entries.len() >= usize::try_from(MAX_LIST_KEYS).unwrap_or(usize::MAX) {
            return Err(format!("it has more than {MAX_LIST_KEYS} entries"));
        }
        self.entries.push(entry);
        Ok(())
    }

    fn close(&mut self, place: &mut Place) -> Result<(), String> {
        match place.depth {
            2 => self.set(&place.child, std::mem::take(&mut place.text))?,
            3 if matches!(place.child.as_str(), "Contents" | "CommonPrefixes") => {
                let text = std::mem::take(&mut place.text);
                if self.set_of_entry(&place.field, text)? && place.is_nested {
                    return Err(format!("its {} has elements inside", shown(&place.field)));
                }
            }
            _ => {}
        }
        place.depth = place.depth.saturating_sub(1);
        Ok(())
    }

    /// The text of an element directly below the root.
    fn set(&mut self, name: &str, text: String) -> Result<(), String> {
        match name {
            "EncodingType" => once(&mut self.encoding, name, text),
            "IsTruncated" => once(&mut self.is_truncated, name, text),
            "NextContinuationToken" => once(&mut self.next, name, text),
            _ => Ok(()),
        }
    }

    /// The text of an element of the last entry; `false` if it is of no interest.
    fn set_of_entry(&mut self, name: &str, text: String) -> Result<bool, String> {
        let field = match self.entries.last_mut() {
            Some(Entry::Object(fields)) => fields.named(name),
            Some(Entry::CommonPrefix(prefix)) => Some(prefix).filter(|_| name == "Prefix"),
            None => None,
        };
        field.map_or(Ok(false), |field| once(field, name, text).map(|()| true))
    }

    fn page(self) -> Result<ListPage, String> {
        let encodes = match self.encoding.as_deref().map(str::trim) {
            None | Some("") => false,
            Some("url") => true,
            Some(other) => return Err(format!("its encoding '{}' is unknown", shown(other))),
        };
        let name = |text: String| if encodes { decode(&text) } else { Ok(text) };
        let next = self.next.filter(|token| !token.is_empty()).map(name).transpose()?;
        let next = match self.is_truncated.as_deref().map(str::trim) {
            Some("true") if next.is_none() => {
                return Err("it is truncated, but does not say where it goes on".to_owned());
            }
            Some("true") | None => next,
            Some("false") => None,
            Some(other) => return Err(format!("its IsTruncated is '{}'", shown(other))),
        };
        let entries = self.entries.into_iter().map(|entry| match entry {
            Entry::Object(fields) => Ok(ListEntry::Object(fields.object(name)?)),
            Entry::CommonPrefix(Some(prefix)) if !prefix.is_empty() => {
                Ok(ListEntry::CommonPrefix(name(prefix)?))
            }
            Entry::CommonPrefix(_) => Err("a common prefix is empty".to_owned()),
        });
        Ok(ListPage { entries: entries.collect::<Result<_, _>>()?, next })
    }
}

impl Fields {
    /// The field of the element `name`.
    fn named(&mut self, name: &str) -> Option<&mut Option<String>> {
        Some(match name {
            "Key" => &mut self.key,
            "Size" => &mut self.size,
            "ETag" => &mut self.etag,
            "LastModified" => &mut self.last_modified,
            "StorageClass" => &mut self.storage_class,
            "Type" => &mut self.object_type,
            "OSSCRC64" => &mut self.crc64,
            "RestoreInfo" => &mut self.restore_info,
            _ => return None,
        })
    }

    fn object(
        self,
        name: impl Fn(String) -> Result<String, String>,
    ) -> Result<ListedObject, String> {
        let key = name(self.key.unwrap_or_default())?;
        if key.is_empty() {
            return Err("an object has no key".to_owned());
        }
        let number = |what: &str, text: &str| {
            let number =
                text.trim().bytes().all(|b| b.is_ascii_digit()).then(|| text.trim().parse());
            number.and_then(Result::ok).ok_or_else(|| {
                format!("the {what} of '{}' is '{}', not a number", shown(&key), shown(text))
            })
        };
        let size = number("size", self.size.as_deref().unwrap_or_default())?;
        let crc64 = self.crc64.filter(|text| !text.trim().is_empty());
        let crc64 = crc64.map(|text| number("CRC-64", &text)).transpose()?;
        let given = |text: Option<String>| {
            let text = text?.trim().to_owned();
            (!text.is_empty()).then_some(text)
        };
        let etag = given(self.etag);
        let unquoted = |etag: String| {
            let inside = etag.strip_prefix('"').and_then(|etag| etag.strip_suffix('"'));
            inside.map(str::to_owned).unwrap_or(etag)
        };
        let time = self.last_modified.as_deref().and_then(clock::parse_iso8601);
        Ok(ListedObject {
            size,
            etag: etag.map(unquoted),
            last_modified: time.and_then(system_time),
            storage_class: given(self.storage_class),
            object_type: given(self.object_type),
            crc64,
            restore_info: given(self.restore_info),
            key,
        })
    }
}

/// `None` for a time that the system cannot express.
fn system_time(time: Timestamp) -> Option<SystemTime> {
    let distance = Duration::from_millis(time.as_millisecond().unsigned_abs());
    match time >= Timestamp::UNIX_EPOCH {
        true => UNIX_EPOCH.checked_add(distance),
        false => UNIX_EPOCH.checked_sub(distance),
    }
}

/// Sets a field that an element may have once.
fn once(field: &mut Option<String>, name: &str, text: String) -> Result<(), String> {
    match field.replace(text) {
        None => Ok(()),
        Some(_) => Err(format!("it has two {name} where there can be one")),
    }
}

/// The text of a percent-encoded name, in which `+` is a blank, as in all of Alibaba's SDKs that decode it.
fn decode(text: &str) -> Result<String, String> {
    let is_escape = |rest: &str| rest.bytes().take(2).filter(u8::is_ascii_hexdigit).count() == 2;
    if !text.split('%').skip(1).all(is_escape) {
        return Err(format!("the name '{}' is not percent-encoded", shown(text)));
    }
    let text = text.replace('+', " ");
    let decoded = percent_decode_str(&text).decode_utf8();
    decoded
        .map(std::borrow::Cow::into_owned)
        .map_err(|_| format!("the name '{}' is not UTF-8", shown(&text)))
}

fn resolve(reference: &BytesRef<'_>) -> Result<String, String> {
    match reference.resolve_char_ref() {
        Ok(Some(character)) => return Ok(character.to_string()),
        Ok(None) => {
            if let Some(text) = resolve_predefined_entity(reference) {
                return Ok(text.to_owned());
            }
        }
        Err(_) => {}
    }
    Err("its body is not XML: it has an unknown entity".to_owned())
}

/// A text of the service as a message may show it.
fn shown(text: &str) -> String {
    text.chars().take(MAX_SHOWN).collect::<String>().escape_debug().to_string()
}

#[cfg(test)]
mod tests;
