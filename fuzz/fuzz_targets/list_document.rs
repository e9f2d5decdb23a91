//! Pages of listings: any bytes give a page or an error that fits on one line, and a well-formed page gives its own
//! entries, whatever their names are.
#![no_main]

use libfuzzer_sys::arbitrary::{self, Arbitrary};
use libfuzzer_sys::fuzz_target;
use oss_resumable::fuzzing::list_document::parse;
use oss_resumable::fuzzing::listing::{ListEntry, ListPage, MAX_LIST_KEYS};
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};

#[derive(Arbitrary, Debug)]
struct Input<'a> {
    page: Option<Page<'a>>,
    body: &'a [u8],
}

#[derive(Arbitrary, Debug)]
struct Page<'a> {
    encodes: bool,
    next: Option<&'a str>,
    objects: Vec<(&'a str, u64)>,
    prefixes: Vec<&'a str>,
    /// Cuts off the end.
    cut: u8,
}

fuzz_target!(|input: Input| {
    checked(parse(input.body));
    if let Some(page) = &input.page {
        round_trip(page);
    }
});

/// Asserts what holds for every result.
fn checked(result: Result<ListPage, String>) {
    match result {
        Ok(page) => {
            assert!(page.entries.len() <= MAX_LIST_KEYS as usize);
            assert!(page.entries.iter().all(|entry| !name(entry).is_empty()));
            assert_ne!(page.next.as_deref(), Some(""));
        }
        Err(why) => {
            assert!(!why.is_empty() && why.len() < 2000, "{why}");
            assert!(!why.chars().any(char::is_control), "{why:?}");
        }
    }
}

fn name(entry: &ListEntry) -> &str {
    match entry {
        ListEntry::Object(object) => &object.key,
        ListEntry::CommonPrefix(prefix) => prefix,
        _ => "?",
    }
}

fn round_trip(page: &Page) {
    let xml = page.xml();
    let cut = xml.len() - usize::from(page.cut).min(xml.len());
    let Some(cut) = xml.get(..cut) else { return };
    let parsed = parse(cut.as_bytes());
    if page.cut > 0 {
        assert!(parsed.is_err(), "a part of a page was accepted: {cut}");
        return checked(parsed);
    }
    let names: Vec<&str> =
        page.objects.iter().map(|(key, _)| *key).chain(page.prefixes.iter().copied()).collect();
    if names.iter().any(|name| name.is_empty()) || names.len() > MAX_LIST_KEYS as usize {
        return assert!(parsed.is_err());
    }
    let parsed = parsed.expect("a page");
    assert_eq!(parsed.entries.iter().map(name).collect::<Vec<_>>(), page.shown(&names));
    for (entry, (_, size)) in parsed.entries.iter().zip(&page.objects) {
        assert!(matches!(entry, ListEntry::Object(object) if object.size == *size));
    }
}

impl Page<'_> {
    fn xml(&self) -> String {
        let mut xml = String::from("<?xml version=\"1.0\"?><ListBucketResult>");
        if self.encodes {
            xml.push_str("<EncodingType>url</EncodingType>");
        }
        if let Some(next) = self.next.filter(|next| !self.text(next).is_empty()) {
            let next = self.text(next);
            xml.push_str("<IsTruncated>true</IsTruncated>");
            xml.push_str(&format!("<NextContinuationToken>{next}</NextContinuationToken>"));
        }
        for (key, size) in &self.objects {
            let key = self.text(key);
            xml.push_str(&format!("<Contents><Key>{key}</Key><Size>{size}</Size></Contents>"));
        }
        for prefix in &self.prefixes {
            let prefix = self.text(prefix);
            xml.push_str(&format!("<CommonPrefixes><Prefix>{prefix}</Prefix></CommonPrefixes>"));
        }
        xml + "</ListBucketResult>"
    }

    /// A name as it is written.
    fn text(&self, text: &str) -> String {
        if self.encodes {
            return utf8_percent_encode(text, NON_ALPHANUMERIC).to_string();
        }
        text.chars()
            .map(|c| match c {
                '<' => "&lt;".to_owned(),
                '>' => "&gt;".to_owned(),
                '&' => "&amp;".to_owned(),
                // XML normalises line ends.
                c if c.is_control() || matches!(c, '\u{85}' | '\u{2028}') => "_".to_owned(),
                c => c.to_string(),
            })
            .collect()
    }

    /// The names as they are read.
    fn shown(&self, names: &[&str]) -> Vec<String> {
        let read = |name: &&str| match self.encodes {
            true => (*name).to_owned(),
            false => {
                let is_changed = |c: char| c.is_control() || matches!(c, '\u{85}' | '\u{2028}');
                name.chars().map(|c| if is_changed(c) { '_' } else { c }).collect()
            }
        };
        names.iter().map(read).collect()
    }
}
