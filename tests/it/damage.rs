//! Files of an interrupted download are damaged before the next run: it ends with the right file or a typed error.

use std::fs;
use std::os::unix::fs::{FileExt, symlink};
use std::path::Path;
use std::time::Duration;

use local_oss::{Fault, Matcher, Object};
use oss_resumable::{Client, DownloadRequest, Error, ErrorKind, Outcome, Status};
use proptest::prelude::*;

use crate::effort::{cases, runner};
use crate::fixture::{BUCKET, Fixture, KEY, PART};
use crate::interrupted::Leftovers;

const SIZE: u64 = 3 * PART;
/// Bytes of the interrupted run: one extent of a part, and one of this length.
const SECOND: u64 = 50_000;
const HELD: u64 = PART + SECOND;
/// Size of a record in the checkpoint, in bytes.
const RECORD: usize = 32;

/// An interrupted download that can be damaged repeatedly.
struct Damaged {
    fixture: Fixture,
    client: Client,
    left: Leftovers,
}

impl Damaged {
    fn new() -> Self {
        let fixture = Fixture::new(SIZE);
        fixture.interrupt(&fixture.request(), SECOND);
        let left = fixture.leftovers();
        Damaged { client: fixture.client(), fixture, left }
    }

    /// Restores the files, damages them and downloads.
    fn after(&self, damage: impl FnOnce(&Fixture, &Leftovers)) -> Result<Outcome, Error> {
        self.fixture.put_back(&self.left);
        damage(&self.fixture, &self.left);
        // Flushing takes most of the time and is not under test.
        let request = self.fixture.request_with(|request| request.flush = false);
        self.client.download(&request)
    }

    /// As [`Damaged::after`]; asserts that the file is right and returns how many bytes were reused.
    fn reused_after(&self, damage: impl FnOnce(&Fixture, &Leftovers)) -> u64 {
        let outcome = self.after(damage).expect("the right file");
        self.fixture.assert_whole(&outcome);
        let figures = &outcome.statistics;
        assert_eq!(figures.bytes_reused + figures.bytes_from_network, SIZE);
        figures.bytes_reused
    }

    fn reused_with_journal(&self, bytes: &[u8]) -> u64 {
        self.reused_after(|_, left| fs::write(&left.journal_path, bytes).expect("write"))
    }

    fn reused_with_temp(&self, bytes: &[u8]) -> u64 {
        self.reused_after(|fixture, _| fs::write(fixture.temp(), bytes).expect("write"))
    }
}

#[test]
fn without_damage_everything_is_reused() {
    let damaged = Damaged::new();
    assert_eq!(damaged.reused_after(|_, _| {}), HELD);
    assert_eq!(damaged.reused_with_journal(&damaged.left.journal), HELD);
}

#[test]
fn a_deleted_temporary_file_costs_its_bytes() {
    let damaged = Damaged::new();
    assert_eq!(
        damaged.reused_after(|fixture, _| fs::remove_file(fixture.temp()).expect("remove")),
        0
    );
}

#[test]
fn a_truncated_temporary_file_costs_the_extents_it_does_not_hold() {
    let damaged = Damaged::new();
    let part = PART as usize;
    for (len, reused) in [
        (0, 0),
        (1, 0),
        (part - 1, 0),
        (part, PART),
        (part + 1, PART),
        (HELD as usize - 1, PART),
        (HELD as usize, HELD),
    ] {
        assert_eq!(damaged.reused_with_temp(&damaged.left.temp[..len]), reused, "{len} bytes");
    }
}

#[test]
fn a_lengthened_temporary_file_gives_a_file_of_the_right_length() {
    let damaged = Damaged::new();
    for len in [HELD + 1, SIZE, SIZE + 1, 10 * SIZE] {
        let mut temp = damaged.left.temp.clone();
        temp.resize(len as usize, 0xA5);
        assert_eq!(damaged.reused_with_temp(&temp), HELD, "{len} bytes");
    }
}

#[test]
fn a_zero_filled_temporary_file_of_full_length_is_not_reused() {
    let damaged = Damaged::new();
    for len in [damaged.left.temp.len(), SIZE as usize] {
        assert_eq!(damaged.reused_with_temp(&vec![0; len]), 0);
    }
}

#[test]
fn one_flipped_byte_costs_its_extent_and_no_other() {
    let damaged = Damaged::new();
    for at in [0, 1, 54_321, PART - 1, PART, PART + 1, HELD - 1] {
        let mut temp = damaged.left.temp.clone();
        temp[at as usize] ^= 1;
        let reused = if at < PART { SECOND } else { PART };
        assert_eq!(damaged.reused_with_temp(&temp), reused, "byte {at}");
    }
}

#[test]
fn bytes_fetched_after_damage_was_found_are_recorded() {
    let damaged = Damaged::new();
    let fixture = &damaged.fixture;
    let mut temp = damaged.left.temp.clone();
    temp[1000] ^= 1;
    fixture.put_back(&Leftovers { temp, ..damaged.left.clone() });
    // The second reply is for the damaged bytes, now the largest hole; it is delayed until everything is verified.
    fixture.server.inject_when(Matcher::any().nth(2), Fault::RoundTrip(Duration::from_millis(800)));
    let (_, second) = fixture.interrupt(&fixture.request(), 12_345);
    assert_eq!(second.bytes_reused, SECOND);
    assert_eq!(second.bytes_from_network, PART + 12_345);
    let outcome = fixture.client().download(&fixture.request()).expect("resume");
    fixture.assert_whole(&outcome);
    assert_eq!(outcome.statistics.bytes_reused, SECOND + PART + 12_345);
}

#[test]
fn bytes_beyond_the_recorded_ones_are_never_reused() {
    // As after a crash: written, but not recorded. Here they are wrong.
    let damaged = Damaged::new();
    let mut temp = damaged.left.temp.clone();
    temp.resize(SIZE as usize, 0);
    assert_eq!(damaged.reused_with_temp(&temp), HELD);
}

#[test]
fn a_checkpoint_truncated_at_any_byte_costs_the_lost_records() {
    let damaged = Damaged::new();
    let journal = &damaged.left.journal;
    let header = journal.len() - 2 * RECORD;
    for len in 0..=journal.len() {
        let reused = damaged.reused_with_journal(&journal[..len]);
        let expected = match len.checked_sub(header).map(|records| records / RECORD) {
            None | Some(0) => 0,
            Some(1) => PART,
            Some(_) => HELD,
        };
        assert_eq!(reused, expected, "{len} of {} bytes", journal.len());
    }
}

#[test]
fn a_checkpoint_with_any_byte_flipped_costs_the_lost_records() {
    let damaged = Damaged::new();
    let journal = &damaged.left.journal;
    let header = journal.len() - 2 * RECORD;
    for at in 0..journal.len() {
        let mut flipped = journal.clone();
        flipped[at] ^= 1 << (at % 8);
        let reused = damaged.reused_with_journal(&flipped);
        let expected = if at < header + RECORD { 0 } else { PART };
        assert_eq!(reused, expected, "byte {at} of {}", journal.len());
    }
}

#[test]
fn a_checkpoint_of_random_bytes_is_ignored() {
    let damaged = Damaged::new();
    let bytes = proptest::collection::vec(any::<u8>(), 0..2000);
    runner(cases(32, 1000))
        .run(&bytes, |bytes| {
            prop_assert_eq!(damaged.reused_with_journal(&bytes), 0);
            Ok(())
        })
        .expect("no checkpoint");
}

#[test]
fn records_followed_by_random_bytes_are_read_up_to_them() {
    let damaged = Damaged::new();
    let tail = proptest::collection::vec(any::<u8>(), 0..200);
    runner(cases(32, 1000))
        .run(&tail, |tail| {
            let journal = [damaged.left.journal.as_slice(), &tail].concat();
            prop_assert_eq!(damaged.reused_with_journal(&journal), HELD);
            Ok(())
        })
        .expect("records before a torn tail");
}

#[test]
fn a_checkpoint_with_another_format_is_ignored() {
    let damaged = Damaged::new();
    let data = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/checkpoint");
    let of_sdk = fs::read(data.join("cpp-sdk-record/plain.json")).expect("the SDK's record");
    let golden = fs::read(data.join("v1-whole.journal")).expect("a checkpoint");
    let shapes =
        [of_sdk.as_slice(), &golden, b"", b"{}", b"null", b"{\"parts\":[1]}", b"\n", &[0; 4096]];
    for shape in shapes {
        assert_eq!(damaged.reused_with_journal(shape), 0);
    }
}

#[test]
fn the_checkpoint_of_another_object_or_range_is_not_used() {
    let fixture = Fixture::new(SIZE);
    fixture.server.put(BUCKET, "other", Object::pattern(SIZE, 7));
    let other = fixture.request_with(|request| request.key = "other".into());
    let requests = [
        fixture.request(),
        other,
        fixture.request().range(0, -1),
        fixture.request().range(0, 200_000),
    ];
    // The same bytes in the same file: only the record differs.
    let left: Vec<_> = requests
        .iter()
        .map(|request| {
            fixture.interrupt(request, SECOND);
            let left = fixture.leftovers();
            fs::remove_file(&left.journal_path).expect("remove");
            left
        })
        .collect();
    let [whole, foreign @ ..] = left.as_slice() else { panic!("four checkpoints") };
    for foreign in foreign {
        fixture.put_back(whole);
        fs::write(&whole.journal_path, &foreign.journal).expect("write");
        let outcome = fixture.client().download(&fixture.request()).expect("download");
        fixture.assert_whole(&outcome);
        // "0 to the end" is the whole object, and so the same download.
        let same = foreign.journal_path == whole.journal_path;
        assert_eq!(outcome.statistics.bytes_reused, if same { HELD } else { 0 });
    }
}

#[test]
fn a_checkpoint_with_the_temporary_file_of_another_run_is_detected() {
    let fixture = Fixture::new(SIZE);
    fixture.interrupt(&fixture.request(), SECOND);
    let older = fixture.leftovers();
    fixture.server.replace(BUCKET, KEY);
    fixture.interrupt(&fixture.request(), 2 * SECOND);
    let newer = fixture.leftovers();
    assert_eq!(older.journal_path, newer.journal_path);

    for (journal, temp) in [(&newer.journal, &older.temp), (&older.journal, &newer.temp)] {
        let mixed = Leftovers {
            journal_path: newer.journal_path.clone(),
            journal: journal.clone(),
            temp: temp.clone(),
        };
        fixture.put_back(&mixed);
        let outcome = fixture.client().download(&fixture.request()).expect("download");
        fixture.assert_whole(&outcome);
        assert_eq!(outcome.statistics.bytes_reused, 0);
    }
}

/// A download that must end with the right file or a typed error.
fn right_file_or_typed_error(damaged: &Damaged, damage: impl FnOnce(&Fixture, &Leftovers)) {
    match damaged.after(damage) {
        Ok(_) => damaged.fixture.assert_range(0..SIZE),
        Err(error) => {
            assert!(matches!(error.kind(), ErrorKind::Io | ErrorKind::Validation), "{error}");
            assert!(!damaged.fixture.target().exists());
        }
    }
}

#[test]
fn a_symbolic_link_in_place_of_a_file_does_not_lead_to_another_file() {
    let damaged = Damaged::new();
    let elsewhere = tempfile::tempdir().expect("directory");
    let donor = elsewhere.path().join("donor");
    for content in [&b"precious"[..], &damaged.left.temp, &damaged.left.journal] {
        fs::write(&donor, content).expect("write");
        for replaced in [damaged.fixture.temp(), damaged.left.journal_path.clone()] {
            right_file_or_typed_error(&damaged, |_, _| {
                fs::remove_file(&replaced).expect("remove");
                symlink(&donor, &replaced).expect("link");
            });
            assert!(fs::read(&donor).expect("donor") == content, "the donor was written to");
        }
    }
}

#[test]
fn a_dangling_link_in_place_of_a_file_creates_no_file() {
    let damaged = Damaged::new();
    let elsewhere = tempfile::tempdir().expect("directory");
    let nothing = elsewhere.path().join("nothing");
    for replaced in [damaged.fixture.temp(), damaged.left.journal_path.clone()] {
        right_file_or_typed_error(&damaged, |_, _| {
            fs::remove_file(&replaced).expect("remove");
            symlink(&nothing, &replaced).expect("link");
        });
        assert!(!nothing.exists());
    }
}

#[test]
fn a_directory_or_a_pipe_in_place_of_a_file_is_an_error_and_does_not_block() {
    let damaged = Damaged::new();
    for replaced in [damaged.fixture.temp(), damaged.left.journal_path.clone()] {
        right_file_or_typed_error(&damaged, |_, _| {
            fs::remove_file(&replaced).expect("remove");
            fs::create_dir(&replaced).expect("directory");
        });
        right_file_or_typed_error(&damaged, |_, _| {
            fs::remove_file(&replaced).expect("remove");
            let (kind, mode) = (rustix::fs::FileType::Fifo, rustix::fs::Mode::RWXU);
            rustix::fs::mknodat(rustix::fs::CWD, &replaced, kind, mode, 0).expect("pipe");
        });
    }
}

#[test]
fn a_checkpoint_that_was_deleted_costs_everything() {
    let damaged = Damaged::new();
    let remove =
        |_: &Fixture, left: &Leftovers| fs::remove_file(&left.journal_path).expect("remove");
    assert_eq!(damaged.reused_after(remove), 0);
}

#[test]
fn a_checkpoint_directory_that_is_missing_or_a_file_is_refused() {
    let fixture = Fixture::new(SIZE);
    let file = fixture.dir().join("file");
    fs::write(&file, "").expect("write");
    for directory in [fixture.dir().join("missing"), file] {
        let request: DownloadRequest = fixture.request().checkpoint_dir(&directory);
        let error = fixture.client().download(&request).expect_err("refused");
        assert_eq!((error.kind(), error.code()), (ErrorKind::Validation, "ValidateError"));
        assert!(error.message().contains(&directory.display().to_string()), "{error}");
    }
    assert!(fixture.server.requests().is_empty());
}

#[test]
fn a_checkpoint_directory_that_is_not_writable_is_an_error() {
    let fixture = Fixture::new(SIZE);
    // Not even root can create a file there.
    let error =
        fixture.client().download(&fixture.request().checkpoint_dir("/proc")).expect_err("refused");
    assert_eq!((error.kind(), error.code()), (ErrorKind::Io, "LocalIoError"));
    assert!(error.errno().is_some() && error.path().is_some());
    assert!(fixture.files().is_empty());
}

#[test]
fn damage_during_the_run_is_repaired_by_verify_before_rename() {
    let fixture = Fixture::new(SIZE);
    let slow = Fault::RoundTrip(Duration::from_millis(300));
    fixture.server.inject_when(Matcher::any().nth(2), slow);
    let mut flip = |status: &Status| {
        if status.bytes_done == PART {
            let temp = fs::OpenOptions::new().write(true).open(fixture.temp()).expect("open");
            temp.write_all_at(b"damage", 1000).expect("write");
        }
        true
    };
    let mut request = fixture.request().thread_num(1);
    request.verify_before_rename = true;
    let outcome = fixture.client().download_with(&request, &mut flip).expect("mended");
    fixture.assert_whole(&outcome);
    assert!(outcome.statistics.bytes_discarded > 0, "nothing was damaged");
}
