use super::*;
use crate::model::crc64;
use std::os::unix::fs::symlink;
use std::path::PathBuf;

const PLAIN: FinishOptions = FinishOptions { flush: true, modified: None, replace: true };

struct Scratch {
    dir: tempfile::TempDir,
}

impl Scratch {
    fn new() -> Self {
        Scratch { dir: tempfile::tempdir().expect("directory") }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    fn temp(&self, content: &[u8]) -> TempFile {
        let temp = TempFile::create(&self.path("file.temp"), None).expect("create");
        temp.write_at(content, 0).expect("write");
        temp
    }

    fn read(&self, name: &str) -> Vec<u8> {
        fs::read(self.path(name)).expect("read")
    }

    fn names(&self) -> Vec<String> {
        let entries = fs::read_dir(self.dir.path()).expect("list");
        let mut names: Vec<_> =
            entries.map(|e| e.expect("entry").file_name().into_string().expect("UTF-8")).collect();
        names.sort();
        names
    }
}

fn proven(temp: &TempFile, offset: u64, content: &[u8], buffer: usize) -> bool {
    let extent = Extent { offset, len: content.len() as u64, crc: crc64::checksum(content) };
    temp.prove(&extent, offset, &mut || Ok(()), &mut vec![0; buffer], |_| Ok(())).expect("prove")
}

#[test]
fn the_finished_file_replaces_the_old_one_and_leaves_no_temporary() {
    let scratch = Scratch::new();
    fs::write(scratch.path("file"), "old").expect("write");
    let temp = scratch.temp(b"new");
    temp.finish(&scratch.path("file"), &PLAIN).expect("finish");
    assert_eq!(scratch.names(), ["file"]);
    assert_eq!(scratch.read("file"), b"new");
}

#[test]
fn an_existing_target_is_left_alone_when_it_must_be() {
    let scratch = Scratch::new();
    fs::write(scratch.path("file"), "old").expect("write");
    let temp = scratch.temp(b"new");
    let options = FinishOptions { replace: false, ..PLAIN };
    let error = temp.finish(&scratch.path("file"), &options).expect_err("must be refused");
    assert_eq!(error.code(), "FileAlreadyExists");
    assert_eq!(scratch.read("file"), b"old");
    assert_eq!(scratch.read("file.temp"), b"new");

    temp.finish(&scratch.path("other"), &options).expect("finish");
    assert_eq!(scratch.names(), ["file", "other"]);
}

#[test]
fn the_rename_replaces_a_link_and_not_its_target() {
    let scratch = Scratch::new();
    fs::write(scratch.path("elsewhere"), "old").expect("write");
    symlink(scratch.path("elsewhere"), scratch.path("file")).expect("link");
    scratch.temp(b"new").finish(&scratch.path("file"), &PLAIN).expect("finish");
    assert!(fs::symlink_metadata(scratch.path("file")).expect("stat").is_file());
    assert_eq!(scratch.read("elsewhere"), b"old");
}

#[test]
fn a_target_that_cannot_be_replaced_is_a_rename_error() {
    let scratch = Scratch::new();
    fs::create_dir(scratch.path("file")).expect("directory");
    let error = scratch.temp(b"new").finish(&scratch.path("file"), &PLAIN).expect_err("must fail");
    assert_eq!(error.code(), "RenameError");
    assert_eq!(error.errno(), Some(Errno::ISDIR.raw_os_error()));
}

#[test]
fn a_foreign_file_at_the_temporary_path_never_becomes_the_target() {
    let scratch = Scratch::new();
    let temp = scratch.temp(b"new");
    fs::write(scratch.path("foreign"), "foreign").expect("write");
    fs::rename(scratch.path("foreign"), scratch.path("file.temp")).expect("rename");
    let error = temp.finish(&scratch.path("file"), &PLAIN).expect_err("must fail");
    assert_eq!(error.code(), "RenameError");
    temp.remove().expect("remove");
    assert_eq!(scratch.names(), ["file.temp"]);

    fs::remove_file(scratch.path("file.temp")).expect("remove");
    assert_eq!(temp.finish(&scratch.path("file"), &PLAIN).expect_err("gone").code(), "RenameError");
}

#[test]
fn the_modification_time_is_the_requested_one() {
    let scratch = Scratch::new();
    let time = SystemTime::UNIX_EPOCH + std::time::Duration::from_secs(1_000_000_000);
    let options = FinishOptions { modified: Some(time), ..PLAIN };
    scratch.temp(b"new").finish(&scratch.path("file"), &options).expect("finish");
    let metadata = fs::metadata(scratch.path("file")).expect("stat");
    assert_eq!(metadata.modified().expect("time"), time);
}

#[test]
fn a_second_run_is_busy_and_changes_nothing() {
    let scratch = Scratch::new();
    let temp = scratch.temp(b"bytes");
    let path = scratch.path("file.temp");
    for error in [TempFile::create(&path, None).err(), TempFile::open_existing(&path).err()] {
        let error = error.expect("must be refused");
        assert_eq!((error.kind(), error.path()), (ErrorKind::Busy, Some(&*path)));
    }
    assert_eq!(scratch.read("file.temp"), b"bytes");
    drop(temp);
    let again = TempFile::open_existing(&path).expect("open").expect("there");
    assert_eq!(again.len().expect("length"), 5);
    drop(again);
    assert_eq!(TempFile::create(&path, None).expect("create").len().expect("length"), 0);
}

#[test]
fn a_planted_link_is_refused_and_its_target_unchanged() {
    let scratch = Scratch::new();
    fs::write(scratch.path("donor"), "precious").expect("write");
    symlink(scratch.path("donor"), scratch.path("file.temp")).expect("link");
    for error in [
        TempFile::create(&scratch.path("file.temp"), None).err(),
        TempFile::open_existing(&scratch.path("file.temp")).err(),
    ] {
        assert_eq!(error.expect("must be refused").kind(), ErrorKind::Io);
    }
    assert_eq!(scratch.read("donor"), b"precious");
    assert!(TempFile::open_existing(&scratch.path("absent")).expect("open").is_none());
}

#[test]
fn only_the_right_bytes_at_the_right_offset_are_verified() {
    let scratch = Scratch::new();
    let temp = scratch.temp(b"0123456789");
    for buffer in [1, 3, 64] {
        assert!(proven(&temp, 0, b"0123456789", buffer));
        assert!(proven(&temp, 4, b"456", buffer));
        assert!(!proven(&temp, 4, b"457", buffer));
        assert!(!proven(&temp, 5, b"456", buffer));
        assert!(!proven(&temp, 8, b"89X", buffer), "the file ends before the extent");
    }
    assert!(!proven(&temp, 0, b"0", 0));
    temp.set_len(6).expect("cut");
    assert!(!proven(&temp, 4, b"456", 64));
}

#[test]
fn a_hole_does_not_pass_verification() {
    let scratch = Scratch::new();
    let temp = scratch.temp(b"0123456789");
    temp.set_len(0).expect("cut");
    temp.set_len(10).expect("lengthen");
    assert!(!proven(&temp, 0, b"0123456789", 64));
    assert!(proven(&temp, 0, &[0; 10], 64));
}

#[test]
fn verification_asks_before_each_block_whether_to_go_on() {
    let scratch = Scratch::new();
    let temp = scratch.temp(b"0123456789");
    let extent = Extent { offset: 0, len: 10, crc: crc64::checksum(b"0123456789") };
    let mut blocks = 0;
    let mut twice = || {
        blocks += 1;
        match blocks {
            3 => Err(Error::new(ErrorKind::Cancelled, "Cancelled", "enough")),
            _ => Ok(()),
        }
    };
    let error = temp.prove(&extent, 0, &mut twice, &mut [0; 4], |_| Ok(())).expect_err("cancelled");
    assert_eq!(error.kind(), ErrorKind::Cancelled);
    assert_eq!(blocks, 3);
}

#[test]
fn writes_can_be_stopped_for_good() {
    let scratch = Scratch::new();
    let temp = scratch.temp(b"0123456789");
    temp.stop_writes();
    let error = temp.write_at(b"x", 3).expect_err("stopped");
    assert_eq!(error.kind(), ErrorKind::Cancelled);
    assert!(proven(&temp, 0, b"0123456789", 64));
}

#[test]
fn a_file_that_is_still_open_can_be_left_to_another_run() {
    let scratch = Scratch::new();
    let temp = scratch.temp(b"0123456789");
    assert_eq!(TempFile::open_existing(temp.path()).expect_err("locked").kind(), ErrorKind::Busy);
    temp.unlock();
    assert!(TempFile::open_existing(temp.path()).expect("free").is_some());
}

#[test]
fn the_error_for_too_small_a_disk_says_how_much_is_missing() {
    let scratch = Scratch::new();
    let temp = scratch.temp(b"0123456789");
    temp.check_space(1 << 20).expect("a megabyte");
    let error = temp.check_space(u64::MAX).expect_err("must be refused");
    assert_eq!((error.code(), error.errno()), ("DiskFull", Some(Errno::NOSPC.raw_os_error())));
    assert!(error.message().contains("more bytes"), "{error}");
}

#[test]
fn the_error_for_a_full_disk_says_how_much_is_missing() {
    let scratch = Scratch::new();
    let temp = scratch.temp(b"");
    temp.set_len(1 << 20).expect("lengthen");
    let error = temp.out_of_space("write to", &Errno::NOSPC.into());
    assert_eq!((error.code(), error.errno()), ("DiskFull", Some(Errno::NOSPC.raw_os_error())));
    assert!(error.message().contains("1048576 more bytes are needed"), "{error}");
    assert_eq!(temp.out_of_space("write to", &Errno::DQUOT.into()).code(), "DiskFull");
    assert_eq!(temp.out_of_space("write to", &Errno::IO.into()).code(), "LocalIoError");
}

#[test]
fn reserving_gives_the_file_blocks_and_its_length() {
    let scratch = Scratch::new();
    let temp = scratch.temp(b"0123456789");
    temp.preallocate(100_000).expect("reserve");
    assert!(proven(&temp, 0, b"0123456789", 64));
    assert!([10, 100_000].contains(&temp.len().expect("length")));
}

#[test]
fn a_file_that_another_process_truncated_is_detected() {
    let scratch = Scratch::new();
    let temp = scratch.temp(b"0123456789");
    temp.write_at(b"ab", 20).expect("write");
    assert!(!temp.was_cut().expect("look"));
    temp.set_len(4).expect("cut by its holder");
    assert!(!temp.was_cut().expect("look"));

    let other = File::options().write(true).open(scratch.path("file.temp")).expect("open");
    other.set_len(100).expect("lengthen");
    assert!(!temp.was_cut().expect("look"));
    other.set_len(3).expect("cut");
    temp.write_at(b"as long again", 0).expect("write");
    assert!(temp.was_cut().expect("look"));
}
