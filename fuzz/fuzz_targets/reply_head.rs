//! Complete reply heads: a reply is accepted only if it consistently declares itself to be the requested one.
#![no_main]

use libfuzzer_sys::arbitrary::{self, Arbitrary};
use libfuzzer_sys::fuzz_target;
use oss_resumable::fuzzing::pinning::Pinning;
use oss_resumable::fuzzing::reply::{ContentRange, ReplyHead};
use oss_resumable::fuzzing::reply_check::{self, Generation};

#[derive(Arbitrary, Debug)]
struct Input<'a> {
    first: u32,
    len: u16,
    lines: &'a [u8],
}

fuzz_target!(|input: Input| {
    let mut head = ReplyHead::default();
    for line in input.lines.split_inclusive(|byte| *byte == b'\n') {
        head.push_line(line);
    }
    for (name, value) in &head.headers {
        assert!(!name.contains(['\n', ':']) && !value.contains('\n'), "{name:?}: {value:?}");
    }

    let (first, last) = (u64::from(input.first), u64::from(input.first) + u64::from(input.len));
    let asked = first..last + 1;
    if let Ok(first_reply) = reply_check::first_reply(&head, Some((first, last))) {
        let size = first_reply.generation.size;
        assert!(first_reply.body.end <= size, "{first_reply:?}");
        match head.status {
            206 => {
                assert_eq!(first_reply.body, first..(last + 1).min(size), "{first_reply:?}");
                assert!(is_range(&head, &first_reply.body, size));
            }
            200 => assert_eq!(first_reply.body, 0..size, "{first_reply:?}"),
            status => panic!("{status} is no answer"),
        }
        assert!(first == 0 || size == 0 || head.status == 206, "{first_reply:?}");
        // A reply accepted as this generation is of this generation.
        if head.status == 206 {
            for pinning in [Pinning::IfMatch, Pinning::Comparison, Pinning::Growth] {
                let again = reply_check::later_reply(
                    &head,
                    &first_reply.body,
                    &first_reply.generation,
                    pinning,
                );
                assert_eq!(again, Ok(()), "{pinning:?}");
            }
        }
        let other = Generation { size: size ^ 1, ..first_reply.generation.clone() };
        for pinning in [Pinning::IfMatch, Pinning::Comparison] {
            assert!(reply_check::later_reply(&head, &first_reply.body, &other, pinning).is_err());
        }
        if reply_check::later_reply(&head, &first_reply.body, &other, Pinning::Growth).is_ok() {
            assert!(first_reply.generation.appendable && size > other.size);
        }
    }
    if let Ok(first_reply) = reply_check::first_reply(&head, None) {
        assert_eq!((head.status, first_reply.body), (200, 0..first_reply.generation.size));
    }
    let generation =
        Generation { etag: Some("5B3C".to_owned()), size: 1 << 20, ..Generation::default() };
    if reply_check::later_reply(&head, &asked, &generation, Pinning::IfMatch).is_ok() {
        assert_eq!((head.status, head.etag()), (206, Some("5B3C")));
        assert!(is_range(&head, &asked, generation.size));
        assert!(head.content_coding().is_none());
    }
});

/// Whether the head declares that its body is `body` of `size` bytes.
fn is_range(head: &ReplyHead, body: &std::ops::Range<u64>, size: u64) -> bool {
    let says = ContentRange::Satisfied { first: body.start, last: body.end - 1, total: Some(size) };
    let length = head.content_length().expect("no contradiction");
    head.content_range().expect("no contradiction") == Some(says)
        && length.is_none_or(|length| length == body.end - body.start)
}
