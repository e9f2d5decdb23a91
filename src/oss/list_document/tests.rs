use std::time::{Duration, UNIX_EPOCH};

use proptest::prelude::*;

use super::*;
use crate::oss::escape;

/// As in OSS's documentation of ListObjectsV2, with names that are percent-encoded.
const PAGE: &str = r#"<?xml version="1.0" encoding="UTF-8"?>
<ListBucketResult>
  <Name>examplebucket</Name>
  <Prefix>fun%2F</Prefix>
  <MaxKeys>3</MaxKeys>
  <Delimiter>%2F</Delimiter>
  <EncodingType>url</EncodingType>
  <IsTruncated>true</IsTruncated>
  <NextContinuationToken>CgJiYw%2B%3D</NextContinuationToken>
  <Contents>
    <Key>fun%2Fa%20b%2Bc%0A..%2F%E4%BD%A0</Key>
    <LastModified>2012-02-24T08:43:07.000Z</LastModified>
    <ETag>"5B3C1A2E053D763E1B002CC607C5A0FE1"</ETag>
    <Type>Normal</Type>
    <Size>344606</Size>
    <StorageClass>Archive</StorageClass>
    <Owner><ID>1</ID><DisplayName>x</DisplayName></Owner>
    <RestoreInfo>ongoing-request="true"</RestoreInfo>
  </Contents>
  <Contents><Key>fun%2Fz</Key><Size>0</Size><OSSCRC64>18446744073709551615</OSSCRC64></Contents>
  <CommonPrefixes>
    <Prefix>fun%2Fmovie%2F</Prefix>
  </CommonPrefixes>
  <KeyCount>3</KeyCount>
</ListBucketResult>
"#;

/// A page with this content.
fn page(content: &str) -> Result<ListPage, String> {
    parse(format!("<ListBucketResult>{content}</ListBucketResult>").as_bytes())
}

fn object(fields: &str) -> Result<ListPage, String> {
    page(&format!("<Contents>{fields}</Contents>"))
}

fn text(text: &str) -> Option<String> {
    Some(text.to_owned())
}

#[test]
fn a_page_is_read() {
    let modified = UNIX_EPOCH + Duration::from_secs(1_330_072_987);
    let first = ListedObject {
        key: "fun/a b+c\n../\u{4f60}".to_owned(),
        size: 344_606,
        etag: text("5B3C1A2E053D763E1B002CC607C5A0FE1"),
        last_modified: Some(modified),
        storage_class: text("Archive"),
        object_type: text("Normal"),
        crc64: None,
        restore_info: text("ongoing-request=\"true\""),
    };
    let second =
        ListedObject { key: "fun/z".to_owned(), crc64: Some(u64::MAX), ..ListedObject::default() };
    let entries = vec![
        ListEntry::Object(first),
        ListEntry::Object(second),
        ListEntry::CommonPrefix("fun/movie/".to_owned()),
    ];
    assert_eq!(parse(PAGE.as_bytes()), Ok(ListPage { entries, next: text("CgJiYw+=") }));
}

#[test]
fn names_are_decoded_only_if_the_service_says_that_it_encoded_them() {
    let key = |content: &str| match page(content).expect("a page").entries.remove(0) {
        ListEntry::Object(object) => object.key,
        ListEntry::CommonPrefix(prefix) => prefix,
    };
    let object = "<Contents><Key>a%2Bb+&amp;&#x26;<![CDATA[<]]></Key><Size>1</Size></Contents>";
    assert_eq!(key(object), "a%2Bb+&&<");
    // The element may follow the names.
    assert_eq!(key(&format!("{object}<EncodingType>url</EncodingType>")), "a+b &&<");
}

#[test]
fn a_document_that_ends_anywhere_before_its_end_is_refused() {
    let whole = PAGE.trim_end();
    for length in (0..whole.len()).filter(|&length| whole.is_char_boundary(length)) {
        assert!(parse(&whole.as_bytes()[..length]).is_err(), "cut at {length}");
    }
    assert!(parse(whole.as_bytes()).is_ok());
}

#[test]
fn what_is_not_a_listing_is_refused_with_the_reason() {
    let many = "<Contents><Key>k</Key><Size>1</Size></Contents>".repeat(1001);
    for (refused, reason) in [
        (parse(b""), "ends within"),
        (parse(b"busy"), "ends within"),
        (parse(b"\xff"), "not UTF-8"),
        (parse(b"<html><body>502</body></html>"), "not a listing, but <html>"),
        (parse(b"<ListBucketResult></ListBucketResult><x/>"), "not a listing, but <x>"),
        (parse(b"<ListBucketResult><a></b></ListBucketResult>"), "not XML"),
        (page("&hostile;"), "unknown entity"),
        (parse(&vec![b' '; MAX_DOCUMENT + 1]), "longer than"),
        (page(&many), "more than 1000 entries"),
        (object("<Size>1</Size>"), "no key"),
        (object("<Key></Key><Size>1</Size>"), "no key"),
        (object("<Key>k</Key>"), "the size of 'k'"),
        (object("<Key>k</Key><Size>-1</Size>"), "'-1', not a number"),
        (object("<Key>k</Key><Size>18446744073709551616</Size>"), "not a number"),
        (object("<Key>k</Key><Size>1</Size><OSSCRC64>x</OSSCRC64>"), "the CRC-64 of 'k'"),
        (object("<Key>k</Key><Key>l</Key><Size>1</Size>"), "two Key"),
        (object("<Key>k<b/>l</Key><Size>1</Size>"), "elements inside"),
        (page("<CommonPrefixes/>"), "common prefix is empty"),
        (page("<IsTruncated>true</IsTruncated>"), "where it goes on"),
        (page("<IsTruncated>maybe</IsTruncated>"), "'maybe'"),
        (page("<EncodingType>rot13\n</EncodingType>"), "'rot13' is unknown"),
        (
            page(
                "<EncodingType>url</EncodingType><CommonPrefixes><Prefix>%FF</Prefix></CommonPrefixes>",
            ),
            "not UTF-8",
        ),
        (
            page(
                "<EncodingType>url</EncodingType><CommonPrefixes><Prefix>%2x</Prefix></CommonPrefixes>",
            ),
            "not percent-encoded",
        ),
    ] {
        let error = refused.expect_err(reason);
        assert!(error.contains(reason), "{error:?} instead of {reason:?}");
    }
}

#[test]
fn the_last_page_has_no_successor_whatever_token_it_names() {
    let next = "<NextContinuationToken>t</NextContinuationToken>";
    let of = |truncated: &str| page(&format!("{truncated}{next}")).expect("a page").next;
    assert_eq!(of("<IsTruncated>false</IsTruncated>"), None);
    assert_eq!(of("<IsTruncated>true</IsTruncated>"), text("t"));
    assert_eq!(of(""), text("t"));
    assert_eq!(page("").expect("a page"), ListPage::default());
}

#[test]
fn messages_show_hostile_texts_on_one_line_and_shortened() {
    let long = format!("<Key>a\u{1b}\n{}</Key><Size>x</Size>", "k".repeat(1000));
    let error = object(&long).expect_err("no size");
    assert!(error.len() < 300 && !error.chars().any(char::is_control), "{error:?}");
}

proptest! {
    #[test]
    fn a_key_comes_back_as_it_was_encoded(key in ".{1,40}") {
        let encoded = escape::component(&key);
        let content = format!(
            "<EncodingType>url</EncodingType><Contents><Key>{encoded}</Key><Size>7</Size></Contents>"
        );
        let expected = ListEntry::Object(ListedObject { key, size: 7, ..ListedObject::default() });
        prop_assert_eq!(page(&content).expect("a page").entries, [expected]);
    }

    #[test]
    fn any_bytes_are_parsed_without_a_panic(
        bytes in any::<Vec<u8>>(), text in "(</?(Contents|Key|Size|CommonPrefixes|Prefix|x)/?>|[&;#%+A-F0-9<>\\[!-]){0,40}",
    ) {
        let _ = (parse(&bytes), page(&text), page(&format!("<EncodingType>url</EncodingType>{text}")));
    }
}
