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

    fn location(&self) -> JournalLocation {
        JournalLocation::new(self.dir.path(), &request(), Path::new("/data/file"))
    }

    /// A journal of four extents, the last two appended.
    fn written(&self) -> JournalLocation {
        let location = self.location();
        let mut journal = location.start(None, &header(), &extents(0..2)).expect("start");
        journal.append(&extents(2..4)).expect("append");
        location
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

/// Disjoint, non-adjacent extents of a thousand bytes each.
fn extents(numbers: Range<u64>) -> Vec<Extent> {
    let extent = |n: u64| Extent { offset: n * 2000, len: 1000, crc: crc64::checksum(&[n as u8]) };
    numbers.map(extent).collect()
}

/// Locks the journal, returns its contents and releases it.
fn contents(location: &JournalLocation) -> Option<(Header, Vec<Extent>)> {
    location.lock().expect("lock").expect("there").contents
}

fn kind<T>(result: Result<T>) -> ErrorKind {
    result.err().expect("must be refused").kind()
}

#[test]
fn started_and_appended_extents_are_read_back() {
    let scratch = Scratch::new();
    assert!(scratch.location().lock().expect("lock").is_none());
    let location = scratch.written();
    assert_eq!(contents(&location), Some((header(), extents(0..4))));
    assert_eq!(location.read_unlocked().expect("read_unlocked"), Some((header(), extents(0..4))));
    assert_eq!(scratch.names().len(), 1);
}

#[test]
fn a_journal_truncated_anywhere_gives_its_complete_records() {
    let scratch = Scratch::new();
    let location = scratch.written();
    let whole = fs::read(location.path()).expect("read");
    let records = whole.len() - 4 * RECORD;
    for len in 0..whole.len() {
        fs::write(location.path(), &whole[..len]).expect("write");
        let expected =
            len.checked_sub(records).map(|len| (header(), extents(0..(len / RECORD) as u64)));
        assert_eq!(contents(&location), expected, "{len} bytes");
    }
}

#[test]
fn a_journal_with_any_byte_flipped_gives_no_wrong_extent() {
    let scratch = Scratch::new();
    let location = scratch.written();
    let whole = fs::read(location.path()).expect("read");
    let records = whole.len() - 4 * RECORD;
    for at in 0..whole.len() {
        let mut flipped = whole.clone();
        flipped[at] ^= 0x10;
        fs::write(location.path(), &flipped).expect("write");
        let expected =
            at.checked_sub(records).map(|at| (header(), extents(0..(at / RECORD) as u64)));
        assert_eq!(contents(&location), expected, "byte {at}");
    }
}

#[test]
fn zeros_and_foreign_bytes_after_the_records_are_ignored() {
    let scratch = Scratch::new();
    let location = scratch.written();
    let whole = fs::read(location.path()).expect("read");
    for tail in [vec![0; 5000], vec![0xFF; 31], b"{\"json\": true}".repeat(9)] {
        fs::write(location.path(), [&whole[..], &tail].concat()).expect("write");
        assert_eq!(contents(&location), Some((header(), extents(0..4))));
    }
}

#[test]
fn records_of_an_earlier_journal_are_ignored() {
    let scratch = Scratch::new();
    let location = scratch.written();
    let old = fs::read(location.path()).expect("read");
    let previous = location.lock().expect("lock");
    drop(location.start(previous, &header(), &[]).expect("start"));
    let new = fs::read(location.path()).expect("read");
    assert_eq!(new.len() + 4 * RECORD, old.len());

    let mixed = [&new[..], &old[new.len()..]].concat();
    fs::write(location.path(), mixed).expect("write");
    assert_eq!(contents(&location), Some((header(), Vec::new())));
}

#[test]
fn files_that_are_not_journals_have_no_contents() {
    let scratch = Scratch::new();
    let location = scratch.location();
    for content in [&b""[..], b"x", b"[1,2]", &[0; 100_000], b"\x89OSSR\r\n\x1a\x02\0\0\0"] {
        fs::write(location.path(), content).expect("write");
        assert_eq!(contents(&location), None);
    }
}

#[test]
fn every_download_has_a_journal_of_its_own() {
    let scratch = Scratch::new();
    let location = scratch.written();
    let whole = fs::read(location.path()).expect("read");
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
        assert!(other.lock().expect("lock").is_none());
        // A journal under another download's name is not used.
        fs::write(other.path(), &whole).expect("write");
        assert_eq!(contents(other), None);
    }
    // The range of all bytes is not another download.
    assert_eq!(other(request().range(0, -1), target).path(), location.path());
}

#[test]
fn a_second_run_is_busy_while_the_first_runs() {
    let scratch = Scratch::new();
    let location = scratch.location();
    let mut journal = location.start(None, &header(), &extents(0..1)).expect("start");
    assert_eq!(kind(location.lock()), ErrorKind::Busy);
    assert_eq!(kind(location.start(None, &header(), &[])), ErrorKind::Busy);
    journal.append(&extents(1..2)).expect("append");
    assert_eq!(location.read_unlocked().expect("read_unlocked"), Some((header(), extents(0..2))));
    drop(journal);

    let locked = location.lock().expect("lock").expect("there");
    assert_eq!(kind(location.lock()), ErrorKind::Busy);
    let journal = location.start(Some(locked), &header(), &[]).expect("start");
    assert_eq!(kind(location.lock()), ErrorKind::Busy);
    journal.remove().expect("remove");
    assert!(scratch.names().is_empty());
}

#[test]
fn a_journal_that_appeared_meanwhile_is_not_overwritten() {
    let scratch = Scratch::new();
    let location = scratch.written();
    assert_eq!(kind(location.start(None, &header(), &[])), ErrorKind::Busy);
    assert_eq!(contents(&location), Some((header(), extents(0..4))));
    assert_eq!(scratch.names().len(), 1);
}

#[test]
fn a_journal_replaced_or_deleted_under_the_lock_is_left_to_its_new_owner() {
    let scratch = Scratch::new();
    let location = scratch.written();
    let locked = location.lock().expect("lock").expect("there");
    let journal = fs::read(location.path()).expect("read");
    fs::remove_file(location.path()).expect("remove");
    fs::write(location.path(), &journal).expect("write");
    assert_eq!(kind(location.start(Some(locked), &header(), &[])), ErrorKind::Busy);
    assert_eq!(contents(&location), Some((header(), extents(0..4))));

    let locked = location.lock().expect("lock").expect("there");
    fs::remove_file(location.path()).expect("remove");
    let journal = location.start(Some(locked), &header(), &extents(0..1)).expect("start");
    fs::remove_file(location.path()).expect("remove");
    fs::write(location.path(), "another's").expect("write");
    journal.remove().expect("remove");
    assert_eq!(fs::read(location.path()).expect("read"), b"another's");
}

#[test]
fn a_journal_may_be_rewritten_while_it_is_used() {
    let scratch = Scratch::new();
    let location = scratch.location();
    let journal = location.start(None, &header(), &extents(0..4)).expect("start");
    let mut journal = journal.rewrite(&location, &header(), &extents(0..1)).expect("rewrite");
    journal.append(&extents(7..8)).expect("append");
    assert_eq!(kind(location.lock()), ErrorKind::Busy);
    drop(journal);
    assert_eq!(contents(&location).expect("journal").1, [extents(0..1), extents(7..8)].concat());
}

#[test]
fn an_unfinished_journal_of_a_run_that_died_is_replaced() {
    let scratch = Scratch::new();
    let location = scratch.location();
    let unfinished = with_suffix(location.path(), NEW_SUFFIX);
    fs::write(&unfinished, "torn").expect("write");
    drop(location.start(None, &header(), &extents(0..1)).expect("start"));
    assert_eq!(scratch.names().len(), 1);

    let held = LockedFile::create_new(&unfinished, MODE).expect("create");
    let previous = location.lock().expect("lock");
    assert_eq!(kind(location.start(previous, &header(), &[])), ErrorKind::Busy);
    drop(held);
    assert_eq!(contents(&location), Some((header(), extents(0..1))));
}

#[test]
fn planted_links_are_refused_and_their_targets_unchanged() {
    let scratch = Scratch::new();
    let location = scratch.location();
    let donor = scratch.dir.path().join("donor");
    fs::write(&donor, "precious").expect("write");

    symlink(&donor, location.path()).expect("link");
    assert_eq!(kind(location.lock()), ErrorKind::Io);
    assert_eq!(kind(location.read_unlocked()), ErrorKind::Io);
    assert_eq!(kind(location.start(None, &header(), &[])), ErrorKind::Busy);
    fs::remove_file(location.path()).expect("remove");

    symlink(&donor, with_suffix(location.path(), NEW_SUFFIX)).expect("link");
    assert_eq!(kind(location.start(None, &header(), &[])), ErrorKind::Io);
    assert_eq!(fs::read(&donor).expect("read"), b"precious");
}

#[test]
fn a_journal_without_a_directory_is_an_error_with_its_path() {
    let scratch = Scratch::new();
    let location =
        JournalLocation::new(&scratch.dir.path().join("gone"), &request(), Path::new("/data/file"));
    assert!(location.lock().expect("lock").is_none());
    let error = location.start(None, &header(), &[]).expect_err("must fail");
    assert_eq!(error.kind(), ErrorKind::Io);
    assert!(error.message().contains(SUFFIX), "{error}");
}

#[test]
fn the_cost_of_an_append_does_not_depend_on_the_journals_length() {
    let scratch = Scratch::new();
    let location = scratch.location();
    let mut journal = location.start(None, &header(), &[]).expect("start");
    let before = fs::metadata(location.path()).expect("stat").len();
    for n in 0..500 {
        journal.append(&extents(n..n + 1)).expect("append");
    }
    let after = fs::metadata(location.path()).expect("stat").len();
    assert_eq!(after - before, 500 * RECORD as u64);
    drop(journal);
    assert_eq!(contents(&location).expect("journal").1, extents(0..500));
}
