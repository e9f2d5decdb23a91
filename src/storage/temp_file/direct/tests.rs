use super::*;
use crate::model::crc64;
use crate::model::extent::Extent;
use proptest::prelude::*;

const UNIT: usize = 4096;
const MIB: u64 = 1 << 20;

/// A file that is written directly where the file system of the tests allows it.
fn direct_file(dir: &tempfile::TempDir, len: Option<u64>) -> TempFile {
    let temp = TempFile::create(&dir.path().join("file"), None).expect("create");
    let said = temp.choose_write_mode(WriteMode::Direct, len).expect("a line for the log");
    assert_eq!(said.contains("page cache"), temp.direct_unit().is_none(), "{said}");
    temp
}

/// `bytes`, at an address that suits `offset`, or at one that suits none.
fn placed(bytes: &[u8], offset: u64, suitable: bool) -> AlignedBuffer {
    let mut buffer = AlignedBuffer::with_capacity(bytes.len());
    let phase = if suitable { offset as usize % UNIT } else { (offset as usize + 1) % UNIT };
    buffer.start(UNIT, phase);
    buffer.tail().extend_from_slice(bytes);
    buffer
}

fn holds(temp: &TempFile, offset: u64, bytes: &[u8], buffer: &mut [u8]) -> bool {
    let extent = Extent { offset, len: bytes.len() as u64, crc: crc64::checksum(bytes) };
    temp.prove(&extent, offset, &mut || Ok(()), buffer, |_| Ok(())).expect("prove")
}

#[test]
fn whole_units_at_suitable_addresses_are_found() {
    let buffer = placed(&[7; 3 * UNIT], 100, true);
    let bytes = buffer.bytes();
    assert_eq!(whole_units(bytes, 100, UNIT), Some((UNIT - 100, 3 * UNIT - 100)));
    assert_eq!(whole_units(&bytes[..2 * UNIT - 101], 100, UNIT), None, "no unit is whole");
    assert_eq!(whole_units(bytes, 101, UNIT), None, "the address does not suit");
    assert_eq!(whole_units(&bytes[..0], 100, UNIT), None);
    assert_eq!(whole_units(bytes, u64::MAX - 10, UNIT), None);
}

#[test]
fn a_download_is_large_beside_the_memory_from_a_quarter_of_it_on() {
    assert!(exceeds_memory(251, Some(1000)));
    assert!(!exceeds_memory(250, Some(1000)));
    assert!(!exceeds_memory(u64::MAX, None), "unknown");
}

#[test]
fn a_small_download_and_one_of_unknown_length_are_buffered_unless_direct_is_asked_for() {
    let dir = tempfile::tempdir().expect("directory");
    let temp = TempFile::create(&dir.path().join("file"), None).expect("create");
    for len in [None, Some(0), Some(MIN_DIRECT - 1)] {
        assert_eq!(temp.choose_write_mode(WriteMode::Auto, len), None);
        assert_eq!(temp.choose_write_mode(WriteMode::Buffered, len), None);
    }
    assert_eq!(temp.choose_write_mode(WriteMode::Buffered, Some(u64::MAX)), None);
    assert_eq!(temp.len().expect("length"), 0, "nothing was reserved");
    assert!(temp.direct_unit().is_none());
}

#[test]
fn no_write_begins_after_they_were_stopped() {
    let dir = tempfile::tempdir().expect("directory");
    let temp = direct_file(&dir, Some(MIB));
    temp.stop_writes();
    for len in [10, 3 * UNIT] {
        let bytes = placed(&vec![7; len], 0, true);
        assert_eq!(temp.write_at(bytes.bytes(), 0).expect_err("stopped").code(), "Cancelled");
    }
}

#[test]
fn a_file_cut_by_another_process_is_noticed() {
    let dir = tempfile::tempdir().expect("directory");
    let temp = direct_file(&dir, None);
    let bytes = placed(&[7; 4 * UNIT], 0, true);
    temp.write_at(bytes.bytes(), 0).expect("write");
    assert!(!temp.was_cut().expect("length"));
    std::fs::OpenOptions::new()
        .write(true)
        .open(dir.path().join("file"))
        .and_then(|file| file.set_len(UNIT as u64))
        .expect("cut");
    temp.write_at(bytes.bytes(), 0).expect("write");
    assert!(temp.was_cut().expect("length"));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(16))]

    #[test]
    fn any_writes_leave_the_bytes_that_were_written_last(
        writes in prop::collection::vec((0..200_000u64, 1..60_000usize, 1u8.., prop::bool::weighted(0.8)), 1..12),
        known in any::<bool>(), block in prop::sample::select(vec![512usize, UNIT, 5000, 65_536]),
    ) {
        let dir = tempfile::tempdir().expect("directory");
        let temp = direct_file(&dir, known.then_some(MIB));
        let mut model = vec![0; if known { MIB as usize } else { 0 }];
        for (offset, len, seed, suitable) in writes {
            let bytes: Vec<u8> = (0..len).map(|at| (at % 251) as u8 ^ seed).collect();
            let end = offset as usize + len;
            model.resize(model.len().max(end), 0);
            model[offset as usize..end].copy_from_slice(&bytes);
            temp.write_at(placed(&bytes, offset, suitable).bytes(), offset).expect("write");
            prop_assert!(holds(&temp, offset, &bytes, AlignedBuffer::zeroed(block).bytes_mut()));
        }
        prop_assert!(std::fs::read(dir.path().join("file")).expect("read") == model);
        // A comparison that begins and ends anywhere, and one that finds another byte.
        for at in [0, 1, UNIT - 1, model.len() / 2] {
            let rest = &model[at.min(model.len())..];
            let mut aligned = AlignedBuffer::zeroed(block);
            prop_assert!(holds(&temp, at as u64, rest, aligned.bytes_mut()));
            prop_assert!(holds(&temp, at as u64, rest, &mut vec![0; block]), "through the page cache");
            let mut more = rest.to_vec();
            more.push(1);
            prop_assert!(!holds(&temp, at as u64, &more, aligned.bytes_mut()), "beyond the end");
            if let Some(byte) = more.first_mut() {
                *byte ^= 1;
            }
            more.pop();
            prop_assert!(more.is_empty() || !holds(&temp, at as u64, &more, aligned.bytes_mut()));
        }
    }
}
