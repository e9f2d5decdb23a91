use super::*;
use crate::model::crc64;
use crate::model::error::ErrorKind;
use crate::model::pinning::Pinning;
use std::ops::Range;
use std::os::unix::fs::symlink;

struct Scratch {
    dir: tempfile::TempDir,
}

impl Scratch {
    fn new() -> Self {
        Scratch { dir: tempfile::tempdir().expect("directory") }
    }

    fn place(&self) -> JournalLocation {
        JournalLocation::new(self.dir.path(), &request(), Path::new("/data/file"))
    }

    /// A journal of four extents, the last two appended.
    fn written(&self) -> JournalLocation {
        let place = self.place();
        let mut journal = place.start(None, &header(), &extents(0..2)).expect("start");
        journal.append(&extents(2..4)).expect("append");
        place
    }

    fn names(&self) -> Vec<String> {
        let entries = fs::read_dir(self.dir.path()).expect("list");
        entries.map(|e| e.expect("entry").file_name().into_string().expect("UTF-8")).collect()
    }
}

fn request() -> DownloadRequest {
    DownloadRequest::new("bucket", "key")
}

fn header() -> Header {
    Header {
        bucket: "bucket".into(),
        key: "key".into(),
        version_id: None,
        object_version_id: None,
        etag: "ETAG".into(),
        object_size: 1_000_000,
        object_crc64: Some(1),
        last_modified: None,
        pinning: Pinning::IfMatch,
        requested: None,
        range: 0..1_000_000,
        destination: "/data/file".into(),
        temp_name: "file.temp".into(),
    }
}

/// Extents that do not touch, each a thousand bytes.
fn extents(numbers: Range<u64>) -> Vec<Extent> {
    let extent = |n: u64| Extent { offset: n * 2000, len: 1000, crc: crc64::checksum(&[n as u8]) };
    numbers.map(extent).collect()
}

/// What `take` finds and then lets go.
fn found(place: &JournalLocation) -> Option<(Header, Vec<Extent>)> {
    place.take().expect("take").expect("there").contents
}

fn kind<T>(result: Result<T>) -> ErrorKind {
    result.err().expect("must be refused").kind()
}

#[test]
fn what_is_started_and_appended_is_found_again() {
    let scratch = Scratch::new();
    assert!(scratch.place().take().expect("take").is_none());
    let place = scratch.written();
    assert_eq!(found(&place), Some((header(), extents(0..4))));
    assert_eq!(place.look().expect("look"), Some((header(), extents(0..4))));
    assert_eq!(scratch.names().len(), 1);
}

#[test]
fn a_journal_torn_anywhere_gives_the_records_before_the_tear() {
    let scratch = Scratch::new();
    let place = scratch.written();
    let whole = fs::read(place.path()).expect("read");
    let records = whole.len() - 4 * RECORD;
    for len in 0..whole.len() {
        fs::write(place.path(), &whole[..len]).expect("write");
        let expected =
            len.checked_sub(records).map(|len| (header(), extents(0..(len / RECORD) as u64)));
        assert_eq!(found(&place), expected, "{len} bytes");
    }
}

#[test]
fn a_journal_with_any_byte_flipped_gives_nothing_untrue() {
    let scratch = Scratch::new();
    let place = scratch.written();
    let whole = fs::read(place.path()).expect("read");
    let records = whole.len() - 4 * RECORD;
    for at in 0..whole.len() {
        let mut flipped = whole.clone();
        flipped[at] ^= 0x10;
        fs::write(place.path(), &flipped).expect("write");
        let expected =
            at.checked_sub(records).map(|at| (header(), extents(0..(at / RECORD) as u64)));
        assert_eq!(found(&place), expected, "byte {at}");
    }
}

#[test]
fn zeros_and_foreign_bytes_after_the_records_are_ignored() {
    let scratch = Scratch::new();
    let place = scratch.written();
    let whole = fs::read(place.path()).expect("read");
    for tail in [vec![0; 5000], vec![0xFF; 31], b"{\"json\": true}".repeat(9)] {
        fs::write(place.path(), [&whole[..], &tail].concat()).expect("write");
        assert_eq!(found(&place), Some((header(), extents(0..4))));
    }
}

#[test]
fn records_of_an_earlier_journal_are_not_taken_for_this_ones() {
    let scratch = Scratch::new();
    let place = scratch.written();
    let old = fs::read(place.path()).expect("read");
    let previous = place.take().expect("take");
    drop(place.start(previous, &header(), &[]).expect("start"));
    let new = fs::read(place.path()).expect("read");
    assert_eq!(new.len() + 4 * RECORD, old.len());

    let mixed = [&new[..], &old[new.len()..]].concat();
    fs::write(place.path(), mixed).expect("write");
    assert_eq!(found(&place), Some((header(), Vec::new())));
}

#[test]
fn files_that_are_no_journal_are_found_as_nothing() {
    let scratch = Scratch::new();
    let place = scratch.place();
    for content in [&b""[..], b"x", b"[1,2]", &[0; 100_000], b"\x89OSSR\r\n\x1a\x02\0\0\0"] {
        fs::write(place.path(), content).expect("write");
        assert_eq!(found(&place), None);
    }
}

#[test]
fn every_download_has_a_journal_of_its_own() {
    let scratch = Scratch::new();
    let place = scratch.written();
    let whole = fs::read(place.path()).expect("read");
    let target = Path::new("/data/file");
    let other = |request: DownloadRequest, target: &Path| {
        JournalLocation::new(scratch.dir.path(), &request, target)
    };
    let mut version = request();
    version.version_id = Some(String::new());
    let others = [
        other(DownloadRequest::new("bucke", "tkey"), target),
        other(DownloadRequest::new("bucket", "key2"), target),
        other(version, target),
        other(request().range(0, 10), target),
        other(request(), Path::new("/data/other")),
    ];
    for (n, other) in others.iter().enumerate() {
        assert!(others[..n].iter().all(|earlier| earlier.path() != other.path()));
        assert!(other.take().expect("take").is_none());
        // Even under another's name a journal is not another's.
        fs::write(other.path(), &whole).expect("write");
        assert_eq!(found(other), None);
    }
    // The range of everything is no other download.
    assert_eq!(other(request().range(0, -1), target).path(), place.path());
}

#[test]
fn a_second_run_is_told_busy_while_the_first_works() {
    let scratch = Scratch::new();
    let place = scratch.place();
    let mut journal = place.start(None, &header(), &extents(0..1)).expect("start");
    assert_eq!(kind(place.take()), ErrorKind::Busy);
    assert_eq!(kind(place.start(None, &header(), &[])), ErrorKind::Busy);
    journal.append(&extents(1..2)).expect("append");
    assert_eq!(place.look().expect("look"), Some((header(), extents(0..2))));
    drop(journal);

    let taken = place.take().expect("take").expect("there");
    assert_eq!(kind(place.take()), ErrorKind::Busy);
    let journal = place.start(Some(taken), &header(), &[]).expect("start");
    assert_eq!(kind(place.take()), ErrorKind::Busy);
    journal.remove().expect("remove");
    assert!(scratch.names().is_empty());
}

#[test]
fn a_journal_that_appeared_meanwhile_is_not_overwritten() {
    let scratch = Scratch::new();
    let place = scratch.written();
    assert_eq!(kind(place.start(None, &header(), &[])), ErrorKind::Busy);
    assert_eq!(found(&place), Some((header(), extents(0..4))));
    assert_eq!(scratch.names().len(), 1);
}

#[test]
fn a_journal_replaced_or_deleted_under_the_lock_is_left_to_its_new_owner() {
    let scratch = Scratch::new();
    let place = scratch.written();
    let taken = place.take().expect("take").expect("there");
    let journal = fs::read(place.path()).expect("read");
    fs::remove_file(place.path()).expect("remove");
    fs::write(place.path(), &journal).expect("write");
    assert_eq!(kind(place.start(Some(taken), &header(), &[])), ErrorKind::Busy);
    assert_eq!(found(&place), Some((header(), extents(0..4))));

    let taken = place.take().expect("take").expect("there");
    fs::remove_file(place.path()).expect("remove");
    let journal = place.start(Some(taken), &header(), &extents(0..1)).expect("start");
    fs::remove_file(place.path()).expect("remove");
    fs::write(place.path(), "another's").expect("write");
    journal.remove().expect("remove");
    assert_eq!(fs::read(place.path()).expect("read"), b"another's");
}

#[test]
fn a_journal_may_be_rewritten_while_it_is_used() {
    let scratch = Scratch::new();
    let place = scratch.place();
    let journal = place.start(None, &header(), &extents(0..4)).expect("start");
    let mut journal = journal.rewrite(&place, &header(), &extents(0..1)).expect("rewrite");
    journal.append(&extents(7..8)).expect("append");
    assert_eq!(kind(place.take()), ErrorKind::Busy);
    drop(journal);
    assert_eq!(found(&place).expect("journal").1, [extents(0..1), extents(7..8)].concat());
}

#[test]
fn an_unfinished_journal_of_a_run_that_died_is_replaced() {
    let scratch = Scratch::new();
    let place = scratch.place();
    let unfinished = with_ending(place.path(), UNFINISHED);
    fs::write(&unfinished, "torn").expect("write");
    drop(place.start(None, &header(), &extents(0..1)).expect("start"));
    assert_eq!(scratch.names().len(), 1);

    let held = LockedFile::create_new(&unfinished, MODE).expect("create");
    let previous = place.take().expect("take");
    assert_eq!(kind(place.start(previous, &header(), &[])), ErrorKind::Busy);
    drop(held);
    assert_eq!(found(&place), Some((header(), extents(0..1))));
}

#[test]
fn planted_links_are_refused_and_what_they_lead_to_unharmed() {
    let scratch = Scratch::new();
    let place = scratch.place();
    let donor = scratch.dir.path().join("donor");
    fs::write(&donor, "precious").expect("write");

    symlink(&donor, place.path()).expect("link");
    assert_eq!(kind(place.take()), ErrorKind::Io);
    assert_eq!(kind(place.look()), ErrorKind::Io);
    assert_eq!(kind(place.start(None, &header(), &[])), ErrorKind::Busy);
    fs::remove_file(place.path()).expect("remove");

    symlink(&donor, with_ending(place.path(), UNFINISHED)).expect("link");
    assert_eq!(kind(place.start(None, &header(), &[])), ErrorKind::Io);
    assert_eq!(fs::read(&donor).expect("read"), b"precious");
}

#[test]
fn a_journal_without_a_directory_is_an_error_with_its_path() {
    let scratch = Scratch::new();
    let place =
        JournalLocation::new(&scratch.dir.path().join("gone"), &request(), Path::new("/data/file"));
    assert!(place.take().expect("take").is_none());
    let error = place.start(None, &header(), &[]).expect_err("must fail");
    assert_eq!(error.kind(), ErrorKind::Io);
    assert!(error.message().contains(ENDING), "{error}");
}

#[test]
fn an_append_costs_the_same_however_long_the_journal_is() {
    let scratch = Scratch::new();
    let place = scratch.place();
    let mut journal = place.start(None, &header(), &[]).expect("start");
    let before = fs::metadata(place.path()).expect("stat").len();
    for n in 0..500 {
        journal.append(&extents(n..n + 1)).expect("append");
    }
    let after = fs::metadata(place.path()).expect("stat").len();
    assert_eq!(after - before, 500 * RECORD as u64);
    drop(journal);
    assert_eq!(found(&place).expect("journal").1, extents(0..500));
}
