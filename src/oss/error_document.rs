//! The XML document of an OSS error.

use quick_xml::Reader;
use quick_xml::escape::resolve_predefined_entity;
use quick_xml::events::{BytesRef, Event};

/// Longest document that is parsed, in bytes; OSS's are below 2 KiB.
const MAX_DOCUMENT: usize = 64 * 1024;

/// The text of each element directly below `<Error>`.
#[derive(Debug, Default)]
pub struct ErrorDocument {
    elements: Vec<(String, String)>,
}

impl ErrorDocument {
    /// The text of the first element with that name.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.elements.iter().find(|(candidate, _)| candidate == name).map(|(_, text)| text.as_str())
    }
}

/// Parses a document whose root is `<Error>`; `None` for anything else. A truncated document gives its complete
/// elements.
pub fn parse(bytes: &[u8]) -> Option<ErrorDocument> {
    let text = String::from_utf8_lossy(bytes.get(..MAX_DOCUMENT).unwrap_or(bytes));
    let mut reader = Reader::from_str(text.trim_start_matches('\u{feff}'));
    let mut document = ErrorDocument::default();
    // Open elements: 1 inside <Error>, 2 inside one of its children.
    let mut depth = 0_usize;
    loop {
        match reader.read_event() {
            Ok(Event::Start(tag)) => {
                depth += 1;
                let name = tag.local_name();
                match depth {
                    1 if name.as_ref() != "Error" => return None,
                    2 => document.elements.push((name.as_ref().to_owned(), String::new())),
                    _ => {}
                }
            }
            Ok(Event::End(_)) => depth = depth.saturating_sub(1),
            Ok(Event::Text(text)) if depth == 2 => document.append(&text.xml10_content()),
            Ok(Event::CData(text)) if depth == 2 => document.append(&text.xml10_content()),
            Ok(Event::GeneralRef(reference)) if depth == 2 => document.append(&resolve(&reference)),
            Ok(Event::Eof) | Err(_) => break,
            Ok(_) => {}
        }
    }
    if depth >= 2 {
        document.elements.pop();
    }
    (!document.elements.is_empty()).then_some(document)
}

impl ErrorDocument {
    fn append(&mut self, text: &str) {
        if let Some((_, value)) = self.elements.last_mut() {
            value.push_str(text);
        }
    }
}

fn resolve(reference: &BytesRef<'_>) -> String {
    match reference.resolve_char_ref() {
        Ok(Some(character)) => character.to_string(),
        Ok(None) => resolve_predefined_entity(reference).unwrap_or_default().to_owned(),
        Err(_) => String::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const DOCUMENT: &str = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\r\n<Error xmlns=\"http://doc.oss-cn-hangzhou.aliyuncs.com\">\n  <Code>NoSuchKey</Code>\n  <Message>The key &quot;a&amp;b&#x263A;&quot; <![CDATA[<is>]]> unknown.</Message>\n  <Nested><Code>Inner</Code></Nested>\n  <RequestId>534B</RequestId>\n</Error>";

    #[test]
    fn the_elements_of_an_error_are_read() {
        let document = parse(DOCUMENT.as_bytes()).unwrap();
        assert_eq!(document.get("Code"), Some("NoSuchKey"));
        assert_eq!(document.get("Message"), Some("The key \"a&b\u{263a}\" <is> unknown."));
        assert_eq!(document.get("Nested"), Some(""));
        assert_eq!(document.get("RequestId"), Some("534B"));
        assert_eq!(document.get("EC"), None);
    }

    #[test]
    fn other_documents_are_not_error_documents() {
        for text in [
            "",
            "busy",
            "<html><body><h1>502 Bad Gateway</h1></body></html>",
            "<Result><Code>NoSuchKey</Code></Result>",
            "<Error></Error>",
            "{\"Code\":\"NoSuchKey\"}",
        ] {
            assert!(parse(text.as_bytes()).is_none(), "{text}");
        }
    }

    #[test]
    fn a_byte_order_mark_does_not_hide_the_document() {
        let marked = format!("\u{feff}{DOCUMENT}");
        assert_eq!(parse(marked.as_bytes()).unwrap().get("Code"), Some("NoSuchKey"));
    }

    #[test]
    fn a_document_truncated_anywhere_gives_complete_elements_only() {
        let whole = parse(DOCUMENT.as_bytes()).unwrap();
        for length in 0..DOCUMENT.len() {
            let Some(cut) = parse(&DOCUMENT.as_bytes()[..length]) else { continue };
            for (name, text) in &cut.elements {
                assert_eq!(whole.get(name), Some(text.as_str()), "cut at {length}");
            }
        }
    }

    proptest! {
        #[test]
        fn any_bytes_are_parsed_without_a_panic(bytes in any::<Vec<u8>>(), text in "<Error>[<>/&;#x!?A-Z0-9 \\[\\]]{0,60}") {
            let _ = (parse(&bytes), parse(text.as_bytes()));
        }
    }
}
