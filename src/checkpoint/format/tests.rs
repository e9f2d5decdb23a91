use super::*;
use proptest::prelude::*;

const ID: JournalId = *b"0123456789abcdef";

fn header() -> Header {
    Header {
        bucket: "bucket".into(),
        key: "dir/key".into(),
        version_id: None,
        object_version_id: Some("v1".into()),
        etag: "5B3C1A2E053D763E1B002CC607C5A0FE".into(),
        object_size: 1000,
        object_crc64: Some(7),
        last_modified: None,
        pinning: Pinning::IfMatch,
        requested: Some(ByteRange { start: 100, end: -1 }),
        range: 100..1000,
        destination: "/tmp/key".into(),
        temp_name: "key.temp".into(),
    }
}

fn extent(offset: u64, len: u64) -> Extent {
    Extent { offset, len, crc: offset ^ len }
}

fn records_of(id: &JournalId, extents: &[Extent]) -> Vec<[u8; RECORD]> {
    let mut bytes = Vec::new();
    Records::of(id).encode(extents, &mut bytes);
    bytes.chunks(RECORD).map(|chunk| chunk.try_into().expect("whole records")).collect()
}

fn replay(records: &[[u8; RECORD]]) -> Vec<Extent> {
    let mut replay = Replay::new(&header(), &ID);
    for record in records {
        assert!(replay.push(record));
    }
    replay.into_extents()
}

#[test]
fn a_decoded_header_equals_the_encoded_one() {
    let bytes = header().encode(&ID).expect("fits");
    assert_eq!(bytes.len() % RECORD, 0);
    let mut journal = bytes.clone();
    journal.extend(b"and records");
    assert_eq!(Header::decode(&journal), Some((header(), ID, bytes.len())));
}

#[test]
fn a_header_truncated_anywhere_is_invalid() {
    let bytes = header().encode(&ID).expect("fits");
    for len in 0..bytes.len() {
        assert_eq!(Header::decode(&bytes[..len]), None, "{len} bytes");
    }
}

#[test]
fn a_header_with_any_bit_flipped_is_invalid() {
    let bytes = header().encode(&ID).expect("fits");
    for at in 0..bytes.len() {
        for bit in 0..8 {
            let mut flipped = bytes.clone();
            flipped[at] ^= 1 << bit;
            assert_eq!(Header::decode(&flipped), None, "bit {bit} of byte {at}");
        }
    }
}

/// `header()` changed and encoded with a valid checksum, as a forger or a faulty writer would.
fn sealed(change: impl FnOnce(&mut Header)) -> Vec<u8> {
    let mut header = header();
    change(&mut header);
    header.encode(&ID).expect("fits")
}

#[test]
fn an_inconsistent_header_with_a_valid_checksum_is_invalid() {
    let contradictions = [
        sealed(|h| h.range = 100..1001),
        sealed(|h| h.range = Range { start: 500, end: 499 }),
        sealed(|h| (h.object_size, h.range) = (1 << 63, 0..1)),
        sealed(|h| h.destination = "relative".into()),
        sealed(|h| h.destination = "/nul\0".into()),
        sealed(|h| h.temp_name = "".into()),
        sealed(|h| h.temp_name = "../../etc/passwd".into()),
        sealed(|h| h.temp_name = "nul\0".into()),
        sealed(|h| h.etag = String::new()),
        sealed(|h| h.etag = "\"a\"\r\nX-Injected: 1".into()),
    ];
    for bytes in contradictions {
        assert_eq!(Header::decode(&bytes), None);
    }
}

#[test]
fn another_version_unknown_flags_and_nonzero_padding_are_invalid() {
    let bytes = header().encode(&ID).expect("fits");
    let padding = bytes.len() - CHECKSUM - 1;
    for at in [8, 83, padding] {
        let mut changed = bytes.clone();
        changed[at] ^= 0x40;
        let body = changed.len() - CHECKSUM;
        let checksum = crc64::checksum(&changed[..body]);
        changed[body..].copy_from_slice(&checksum.to_le_bytes());
        assert_eq!(Header::decode(&changed), None, "byte {at}");
    }
}

#[test]
fn a_header_has_the_lowest_sufficient_version_and_one_kind_of_pinning() {
    for pinning in [Pinning::IfMatch, Pinning::Comparison, Pinning::Growth] {
        let bytes = sealed(|h| (h.pinning, h.range) = (pinning, 0..1000));
        assert_eq!(Header::decode(&bytes).expect("a header").0.pinning, pinning);
        for (at, flip) in [(8, 3), (80, 4), (80, 8), (80, 12)] {
            let mut changed = bytes.clone();
            changed[at] ^= flip;
            let body = changed.len() - CHECKSUM;
            let checksum = crc64::checksum(&changed[..body]);
            changed[body..].copy_from_slice(&checksum.to_le_bytes());
            let read = Header::decode(&changed).map(|(header, ..)| header.pinning);
            let other = match (pinning, flip) {
                (Pinning::Comparison, 12) => Some(Pinning::Growth),
                (Pinning::Growth, 12) => Some(Pinning::Comparison),
                _ => None,
            };
            assert_eq!(read, other, "{pinning:?}, byte {at} changed by {flip}");
        }
    }
}

#[test]
fn texts_that_do_not_fit_are_not_encoded() {
    let mut header = header();
    header.etag = "x".repeat(MAX_HEADER);
    assert_eq!(header.encode(&ID), None);
}

#[test]
fn decoded_records_are_in_order_and_disjoint() {
    let records = records_of(&ID, &[extent(500, 100), extent(100, 50), extent(150, 50)]);
    assert_eq!(replay(&records), [extent(100, 50), extent(150, 50), extent(500, 100)]);
}

#[test]
fn a_later_record_replaces_what_it_overlaps() {
    let records = records_of(&ID, &[extent(100, 50), extent(150, 50), extent(140, 20)]);
    assert_eq!(replay(&records), [extent(140, 20)]);
}

#[test]
fn records_outside_the_range_are_ignored() {
    let outside =
        [extent(99, 2), extent(999, 2), extent(0, 100), extent(200, 0), extent(u64::MAX, 2)];
    let mut extents = outside.to_vec();
    extents.push(extent(100, 900));
    assert_eq!(replay(&records_of(&ID, &extents)), [extent(100, 900)]);
}

#[test]
fn records_of_another_journal_and_with_any_bit_flipped_are_invalid() {
    let [record] = records_of(&ID, &[extent(100, 50)])[..] else { panic!("one record") };
    let mut other = ID;
    other[15] ^= 1;
    assert_eq!(Records::of(&other).decode(&record), None);
    for at in 0..RECORD {
        for bit in 0..8 {
            let mut flipped = record;
            flipped[at] ^= 1 << bit;
            assert_eq!(Records::of(&ID).decode(&flipped), None, "bit {bit} of byte {at}");
        }
    }
    assert!(!Replay::new(&header(), &ID).push(&[0; RECORD]));
    assert!(!Replay::new(&header(), &[0; 16]).push(&[0; RECORD]));
}

/// Files that another program made from `docs/checkpoint.md`; see `tests/data/checkpoint/make.py`.
mod golden {
    use super::*;

    fn check(bytes: &[u8], expected: &Header, extents: &[Extent]) {
        let (header, id, len) = Header::decode(bytes).expect("a journal");
        assert_eq!(header, *expected);
        let mut replay = Replay::new(&header, &id);
        let (records, torn) = bytes[len..].as_chunks::<RECORD>();
        assert!(records.iter().all(|record| replay.push(record)) && torn.is_empty());
        assert_eq!(replay.into_extents(), extents);

        let mut again = expected.encode(&id).expect("fits");
        Records::of(&id).encode(extents, &mut again);
        assert_eq!(again, bytes);
    }

    #[test]
    fn a_whole_object_in_version_1_stays_readable() {
        let expected = Header {
            bucket: "examplebucket".into(),
            key: "exampledir/exampleobject.txt".into(),
            version_id: None,
            object_version_id: None,
            etag: "5B3C1A2E053D763E1B002CC607C5A0FE".into(),
            object_size: 20_000_000,
            object_crc64: Some(0x995D_C9BB_DF19_39FA),
            last_modified: Some("Fri, 24 Feb 2012 06:07:48 GMT".into()),
            pinning: Pinning::IfMatch,
            requested: None,
            range: 0..20_000_000,
            destination: "/data/examplefile.txt".into(),
            temp_name: "examplefile.txt.temp".into(),
        };
        let extents = [
            Extent { offset: 0, len: 8_388_608, crc: 0x0123_4567_89AB_CDEF },
            Extent { offset: 16_777_216, len: 3_222_784, crc: 0xFEDC_BA98_7654_3210 },
        ];
        let bytes = include_bytes!("../../../tests/data/checkpoint/v1-whole.journal");
        check(bytes, &expected, &extents);
    }

    #[test]
    fn a_range_of_a_version_in_version_1_stays_readable() {
        let expected = Header {
            bucket: "bucket".into(),
            key: "目录/对象".into(),
            version_id: Some("CAEQNhiBgMDJgZCA0BYiIDc4".into()),
            object_version_id: Some("CAEQNhiBgMDJgZCA0BYiIDc4".into()),
            etag: "F2D0-2".into(),
            object_size: 1 << 40,
            object_crc64: None,
            last_modified: None,
            pinning: Pinning::IfMatch,
            requested: Some(ByteRange { start: 1 << 39, end: -1 }),
            range: 1 << 39..1 << 40,
            destination: OsString::from_vec(b"/data/\xFF".to_vec()).into(),
            temp_name: OsString::from_vec(b"\xFF.0123456789abcdef.temp".to_vec()),
        };
        let extents = [Extent { offset: 1 << 39, len: 1 << 26, crc: 1 }];
        let bytes = include_bytes!("../../../tests/data/checkpoint/v1-range.journal");
        check(bytes, &expected, &extents);
    }

    /// The header of an object whose bytes only its CRC-64 pins to one generation.
    fn in_version_2(etag: &str, pinning: Pinning) -> Header {
        Header {
            bucket: "examplebucket".into(),
            key: "log".into(),
            version_id: None,
            object_version_id: None,
            etag: etag.into(),
            object_size: 3_000_000,
            object_crc64: Some(0x995D_C9BB_DF19_39FA),
            last_modified: Some("Fri, 24 Feb 2012 06:07:48 GMT".into()),
            pinning,
            requested: None,
            range: 0..3_000_000,
            destination: "/data/log".into(),
            temp_name: "log.temp".into(),
        }
    }

    #[test]
    fn an_object_that_may_grow_in_version_2_stays_readable() {
        let expected = in_version_2("5B3C1A2E-12", Pinning::Growth);
        let extents = [Extent { offset: 0, len: 1_000_000, crc: 1 }];
        let bytes = include_bytes!("../../../tests/data/checkpoint/v2-growing.journal");
        check(bytes, &expected, &extents);
    }

    #[test]
    fn an_object_with_a_weak_etag_in_version_2_stays_readable() {
        let expected = in_version_2("W/\"5B3C1A2E\"", Pinning::Comparison);
        let extents = [Extent { offset: 2_000_000, len: 1_000_000, crc: 2 }];
        let bytes = include_bytes!("../../../tests/data/checkpoint/v2-compared.journal");
        check(bytes, &expected, &extents);
    }
}

fn any_header() -> impl Strategy<Value = Header> {
    let text = || ".{0,9}";
    let texts = (text(), text(), prop::option::of(text()), prop::option::of(text()), "\\PC{1,9}");
    let more = (prop::option::of(".{0,9}"), "[^/\0]{0,9}", "[^/\0]{1,9}");
    let requested = prop::option::of(any::<(i64, i64)>());
    let pinning = prop::sample::select(&[Pinning::IfMatch, Pinning::Comparison, Pinning::Growth]);
    let numbers = (0u64..1 << 63, any::<(u64, u64)>(), any::<Option<u64>>(), requested, pinning);
    (texts, more, numbers).prop_map(
        |(texts, more, (object_size, cuts, object_crc64, requested, pinning))| {
            let cut = |cut: u64| cut % (object_size + 1);
            let (a, b) = (cut(cuts.0), cut(cuts.1));
            Header {
                bucket: texts.0,
                key: texts.1,
                version_id: texts.2,
                object_version_id: texts.3,
                etag: texts.4,
                object_size,
                object_crc64,
                last_modified: more.0,
                pinning,
                requested: requested.map(|(start, end)| ByteRange { start, end }),
                range: a.min(b)..a.max(b),
                destination: format!("/{}", more.1).into(),
                temp_name: more.2.into(),
            }
        },
    )
}

proptest! {
    #[test]
    fn every_decoded_header_equals_the_encoded_one(header in any_header(), id: JournalId) {
        let bytes = header.encode(&id).expect("fits");
        let len = bytes.len();
        prop_assert_eq!(Header::decode(&bytes), Some((header, id, len)));
    }

    #[test]
    fn any_bytes_are_decoded_without_a_panic(bytes in prop::collection::vec(any::<u8>(), 0..400)) {
        prop_assert_eq!(Header::decode(&bytes), None);
        // A valid magic, version and plausible length let the input reach more of the parser.
        let mut journal = MAGIC.to_vec();
        journal.extend(VERSIONS[0].to_le_bytes());
        journal.extend(256u32.to_le_bytes());
        journal.extend(&bytes);
        prop_assert_eq!(Header::decode(&journal), None);
    }

    #[test]
    fn any_record_bytes_are_decoded_without_a_panic(record: [u8; RECORD], offset: u64, len: u64, crc: u64) {
        let mut replay = Replay::new(&header(), &ID);
        replay.push(&record);
        for sealed in records_of(&ID, &[Extent { offset, len, crc }, Extent { offset: offset % 1200, len: len % 1200, crc }]) {
            prop_assert!(replay.push(&sealed));
        }
        for extent in replay.into_extents() {
            prop_assert!(extent.offset >= 100 && extent.end() <= 1000 && extent.len > 0);
        }
    }
}
