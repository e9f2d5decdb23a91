use super::format::FileState;
use super::*;
use crate::model::extent::Extent;

struct Scratch {
    dir: tempfile::TempDir,
}

impl Scratch {
    fn new() -> Self {
        Scratch { dir: tempfile::tempdir().expect("directory") }
    }

    fn path(&self) -> PathBuf {
        self.dir.path().join("manifest")
    }

    fn open(&self) -> Result<Manifest> {
        Manifest::open(&self.path(), self.dir.path())
    }

    fn load(&self) -> Manifest {
        let mut manifest = self.open().expect("open");
        manifest.load().expect("load");
        manifest
    }

    fn len(&self) -> u64 {
        fs::metadata(self.path()).expect("manifest").len()
    }
}

fn record(path: &str, size: u64) -> FileRecord {
    FileRecord {
        path: path.to_owned(),
        bucket: "bucket".to_owned(),
        key: path.to_owned(),
        etag: None,
        version_id: None,
        last_modified: None,
        object_size: size,
        object_crc64: None,
        is_decrypted: false,
        file: FileState { size, inode: 1, modified: (2, 3) },
        unflushed_since_boot: None,
        extents: vec![Extent { offset: 0, len: size, crc: 4 }],
    }
}

#[test]
fn records_are_found_by_a_later_run_and_the_last_one_of_a_path_counts() {
    let scratch = Scratch::new();
    let mut manifest = scratch.load();
    for (path, size) in [("a", 1), ("b", 2), ("a", 3)] {
        manifest.put(&record(path, size)).expect("put");
    }
    for manifest in [manifest, scratch.load_after()] {
        assert_eq!(manifest.find("a"), Some(record("a", 3)));
        assert_eq!(manifest.find("b"), Some(record("b", 2)));
        assert_eq!(manifest.find("c"), None);
    }
}

impl Scratch {
    /// Loaded once the first one has been dropped.
    fn load_after(&self) -> Manifest {
        let copy = Scratch::new();
        fs::copy(self.path(), copy.path()).expect("copy");
        copy.load()
    }
}

#[test]
fn a_second_run_is_busy_at_once() {
    let scratch = Scratch::new();
    let first = scratch.load();
    let error = scratch.open().expect_err("locked");
    assert_eq!((error.kind(), error.code()), (ErrorKind::Busy, "Busy"));
    assert!(error.message().contains(scratch.dir.path().to_str().expect("UTF-8")), "{error}");
    drop(first);
    scratch.load();
}

#[test]
fn a_torn_tail_is_dropped_and_written_over() {
    let scratch = Scratch::new();
    let mut manifest = scratch.load();
    manifest.put(&record("a", 1)).expect("put");
    let whole = scratch.len();
    manifest.put(&record("b", 2)).expect("put");
    drop(manifest);
    let end = scratch.len();
    for len in whole..end {
        let file = File::options().write(true).open(scratch.path()).expect("open");
        file.set_len(len).expect("cut");
        drop(file);
        let mut manifest = scratch.load();
        assert_eq!((manifest.find("a"), manifest.find("b")), (Some(record("a", 1)), None));
        assert_eq!(scratch.len(), whole);
        manifest.put(&record("b", 2)).expect("put");
        assert_eq!(manifest.find("b"), Some(record("b", 2)));
    }
}

#[test]
fn a_damaged_record_costs_no_other() {
    let scratch = Scratch::new();
    let mut manifest = scratch.load();
    let start = scratch.len();
    for path in ["a", "b", "c"] {
        manifest.put(&record(path, 1)).expect("put");
    }
    drop(manifest);
    let file = File::options().write(true).open(scratch.path()).expect("open");
    file.write_all_at(b"\xff", start + 30).expect("damage");
    let manifest = scratch.load();
    assert_eq!(manifest.find("a"), None);
    assert_eq!(
        (manifest.find("b"), manifest.find("c")),
        (Some(record("b", 1)), Some(record("c", 1)))
    );
}

#[test]
fn a_file_that_is_no_manifest_of_this_version_becomes_an_empty_one() {
    let mut other = format::encode_header(b"0123456789abcdef");
    other[8] = 2;
    for contents in [&b"x"[..], &[0; 1000], &other] {
        let scratch = Scratch::new();
        fs::write(scratch.path(), contents).expect("write");
        let mut manifest = scratch.load();
        manifest.put(&record("a", 1)).expect("put");
        drop(manifest);
        assert_eq!(scratch.load().find("a"), Some(record("a", 1)));
    }
}

#[test]
fn a_manifest_whose_records_are_mostly_replaced_or_unwanted_is_written_anew() {
    let scratch = Scratch::new();
    let mut manifest = scratch.load();
    let (few, many) = (10, MANY + 10);
    for number in 0..many {
        manifest.put(&record(&format!("{}", number % few), number + 1)).expect("put");
    }
    manifest.put(&record("unwanted", 1)).expect("put");
    manifest.compact(&|record| record.path != "unwanted").expect("compact");
    assert!(scratch.len() < HEADER as u64 + 200 * few, "{} bytes", scratch.len());
    assert!(!new_path(&scratch.path()).exists() && scratch.open().is_err(), "it stays locked");
    manifest.put(&record("after", 1)).expect("put");
    for manifest in [manifest, scratch.load_after()] {
        assert_eq!(
            (manifest.find("unwanted"), manifest.find("after")),
            (None, Some(record("after", 1)))
        );
        assert_eq!(manifest.find("9"), Some(record("9", many)));
        assert_eq!(manifest.index.len() as u64, few + 1);
    }
}

#[test]
fn a_manifest_with_few_useless_records_is_left_as_it_is() {
    let scratch = Scratch::new();
    let mut manifest = scratch.load();
    for size in 1..MANY {
        manifest.put(&record("a", size)).expect("put");
    }
    let len = scratch.len();
    manifest.compact(&|_| true).expect("compact");
    assert_eq!(scratch.len(), len);
}

#[test]
fn a_manifest_without_records_can_be_removed_and_one_with_records_cannot() {
    let scratch = Scratch::new();
    scratch.load().remove_if_empty();
    assert!(!scratch.path().exists());
    scratch.load().put(&record("a", 1)).expect("put");
    scratch.load().remove_if_empty();
    assert!(scratch.path().exists());
}
