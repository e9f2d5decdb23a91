//! The new file inherits permission bits, owner and group of the file that it replaces, and never grants anybody more
//! rights than the old one.

use std::fs::{self, Permissions};
use std::os::unix::fs::{MetadataExt, PermissionsExt, chown, symlink};
use std::path::Path;

use libc::{EIO, EOPNOTSUPP, EPERM, EROFS};

use super::child::{self, End};
use super::interference;
use super::shim::{self, ALWAYS, Failing, How, Moment};
use crate::fixture::{Fixture, PART};

const SIZE: u64 = 3 * PART;
const SECOND: u64 = 50_000;
const ROOT: u32 = 0;
/// Its group has the same number.
const NOBODY: u32 = 65534;
/// A user and a group with which no download here runs.
const SOMEBODY: u32 = 12345;

fn set_mode(path: &Path, mode: u32) {
    fs::set_permissions(path, Permissions::from_mode(mode)).expect("permissions");
}

fn mode(path: &Path) -> u32 {
    fs::symlink_metadata(path).expect("the file").mode() & 0o7777
}

/// Mode, owner and group.
fn rights(path: &Path) -> (u32, u32, u32) {
    let found = fs::symlink_metadata(path).expect("the file");
    (found.mode() & 0o7777, found.uid(), found.gid())
}

fn give(path: &Path, uid: u32, gid: u32, mode: u32) {
    chown(path, Some(uid), Some(gid)).expect("this test needs root, to have files of two owners");
    set_mode(path, mode);
}

/// A fixture with an old file of this mode.
fn fixture(mode: u32) -> Fixture {
    let fixture = Fixture::new(SIZE);
    fs::write(fixture.target(), "the old file").expect("the old file");
    set_mode(&fixture.target(), mode);
    fixture
}

/// A fixture with an old file of these rights, in a directory in which everybody may create files.
fn owned(uid: u32, gid: u32, mode: u32) -> Fixture {
    let fixture = fixture(mode);
    give(&fixture.target(), uid, gid, mode);
    set_mode(fixture.dir(), 0o777);
    fixture
}

/// The mode of a file that any program creates here.
fn mode_by_umask(fixture: &Fixture) -> u32 {
    let path = fixture.dir().join("any");
    fs::write(&path, "").expect("write");
    let mode = mode(&path);
    fs::remove_file(path).expect("remove");
    mode
}

/// Resumes an interrupted download; returns the new file's mode.
fn resume(fixture: &Fixture) -> u32 {
    let outcome = fixture.client().download(&fixture.request()).expect("resume");
    assert_eq!(outcome.statistics.bytes_reused, PART + SECOND);
    let mode = mode(&fixture.target());
    // Only root could read every file.
    set_mode(&fixture.target(), 0o600);
    fixture.assert_whole(&outcome);
    mode
}

fn download_as_nobody(fixture: &Fixture) {
    let end = child::run(child::command(fixture, "no-checkpoint").env("TEST_USER", "nobody"));
    assert_eq!(end, End::Saved { reused: 0, fetched: SIZE });
    assert_eq!(fixture.files(), ["file.bin"]);
}

#[test]
fn the_new_file_has_the_permission_bits_of_the_old_one_also_after_a_resume() {
    for old in [0o600, 0o640, 0o644, 0o666, 0o604, 0o755, 0o777, 0o444, 0o400, 0o070, 0o000] {
        let fixture = fixture(old);
        fixture.interrupt(&fixture.request(), SECOND);
        // So that its owner can use it, whatever rights the old file grants the owner.
        assert_eq!(mode(&fixture.temp()), old | 0o600, "{old:o}");
        assert_eq!(resume(&fixture), old, "{old:o}");
    }
}

#[test]
fn set_user_id_and_set_group_id_are_not_inherited() {
    for old in [0o4755, 0o2755, 0o6777, 0o1644] {
        let fixture = fixture(old);
        fixture.client().download(&fixture.request()).expect("download");
        assert_eq!(mode(&fixture.target()), old & 0o777, "{old:o}");
    }
}

#[test]
fn a_new_file_has_the_mode_of_the_umask_also_if_an_old_one_is_removed_before_a_resume() {
    let fixture = Fixture::new(SIZE);
    let expected = mode_by_umask(&fixture);
    fixture.client().download(&fixture.request()).expect("download");
    assert_eq!(mode(&fixture.target()), expected);

    set_mode(&fixture.target(), 0o600);
    fixture.interrupt(&fixture.request(), SECOND);
    fs::remove_file(fixture.target()).expect("remove");
    assert_eq!(mode(&fixture.temp()), 0o600);
    assert_eq!(resume(&fixture), expected);
}

#[test]
fn a_link_stays_and_the_rights_of_its_target_are_inherited() {
    let fixture = Fixture::new(SIZE);
    let elsewhere = tempfile::tempdir().expect("directory");
    let model = elsewhere.path().join("model.bin");
    fs::write(&model, "the old file").expect("write");
    set_mode(&model, 0o640);
    symlink(&model, fixture.target()).expect("link");
    fixture.client().download(&fixture.request()).expect("download");
    assert_eq!(fs::read_link(fixture.target()).expect("link"), model);
    assert_eq!(mode(&model), 0o640);
}

/// Downloads, with a change of the target once bytes have been written.
fn with_change(fixture: &Fixture, change: impl Fn(&Path)) {
    let change = || change(&fixture.target());
    let outcome = interference::download_with_interference(fixture, &fixture.request(), change);
    fixture.assert_whole(&outcome.expect("download"));
}

#[test]
fn rights_that_change_during_the_run_are_inherited() {
    let changed = fixture(0o644);
    with_change(&changed, |target| set_mode(target, 0o600));
    assert_eq!(mode(&changed.target()), 0o600);

    let appeared = Fixture::new(SIZE);
    with_change(&appeared, |target| {
        fs::write(target, "a file of somebody").expect("write");
        set_mode(target, 0o400);
    });
    assert_eq!(mode(&appeared.target()), 0o400);

    for resumed in [false, true] {
        let removed = fixture(0o640);
        if resumed {
            removed.interrupt(&removed.request(), SECOND);
        }
        with_change(&removed, |target| fs::remove_file(target).expect("remove"));
        assert_eq!(mode(&removed.target()), 0o640, "who was kept out is not let in");
    }
}

/// Asserts that the files with the received bytes were never open to anybody to whom `old` is not, except their owner.
fn assert_never_wider(moments: &[Moment], old: (u32, u32, u32), owners: &[u32]) {
    let (mode, _, gid) = old;
    let both = (mode >> 3) & mode & 0o007;
    let of_temp: Vec<_> = moments.iter().filter(|moment| moment.path.contains(".temp")).collect();
    // Created, written.
    assert!(of_temp.len() > 2, "{moments:?}");
    for moment in of_temp {
        let allowed = if moment.gid == gid { mode & 0o077 } else { both << 3 | both };
        assert_eq!(moment.mode & 0o7077 & !allowed, 0, "{mode:o} {moment:?}");
        assert!(owners.contains(&moment.uid), "{moment:?}");
    }
}

#[test]
fn the_new_file_never_grants_more_rights_than_the_old_one() {
    for mode in [0o600, 0o640, 0o604, 0o444, 0o000] {
        let fixture = fixture(mode);
        let old = rights(&fixture.target());
        let mut command = child::command(&fixture, "");
        let (end, moments) = shim::run_for_rights(&mut command, &fixture, None);
        assert_eq!(end, End::Saved { reused: 0, fetched: SIZE });
        assert_never_wider(&moments, old, &[old.1]);
        assert_eq!(rights(&fixture.target()), old);
    }
}

#[test]
fn a_world_readable_file_of_an_earlier_run_is_protected_before_it_is_written() {
    let fixture = fixture(0o644);
    fixture.interrupt(&fixture.request(), SECOND);
    assert_eq!(mode(&fixture.temp()), 0o644);
    set_mode(&fixture.temp(), 0o666);
    set_mode(&fixture.target(), 0o600);
    let old = rights(&fixture.target());
    let mut command = child::command(&fixture, "");
    let (end, moments) = shim::run_for_rights(&mut command, &fixture, None);
    let held = PART + SECOND;
    assert_eq!(end, End::Saved { reused: held, fetched: SIZE - held });
    assert_never_wider(&moments, old, &[old.1]);
    assert_eq!(rights(&fixture.target()), old);
}

#[test]
fn a_file_system_without_rights_does_not_prevent_downloads() {
    for number in [EPERM, EOPNOTSUPP, EROFS] {
        for call in ["chmod", "chown", "chmod,chown"] {
            let fixture = fixture(0o640);
            // Only root can give the file away; the call fails by itself otherwise.
            let other_owner = chown(fixture.target(), Some(SOMEBODY), Some(SOMEBODY)).is_ok();
            let path = fixture.dir().to_str().expect("UTF-8");
            let failing = Failing { call, path, nth: 1, times: ALWAYS, how: How::Errno(number) };
            let (end, calls) = shim::run(&fixture, "", Some(failing));
            assert_eq!(end, End::Saved { reused: 0, fetched: SIZE }, "{call} {number}");
            let failed = calls.iter().filter(|call| call.failed).count();
            assert!(failed > 0 || !other_owner && call == "chown", "{call} {number}: {calls:?}");
            fixture.assert_range(0..SIZE);
            let expected = match (call, other_owner) {
                ("chown", false) => 0o640,
                _ => 0o600,
            };
            assert_eq!(mode(&fixture.target()), expected, "{call} {number}");
        }
    }
}

#[test]
fn a_mode_that_the_disk_cannot_set_is_an_error_and_costs_nothing() {
    let fixture = fixture(0o640);
    let path = fixture.dir().to_str().expect("UTF-8");
    let failing = Failing { call: "chmod", path, nth: 1, times: ALWAYS, how: How::Errno(EIO) };
    let (end, _) = shim::run(&fixture, "", Some(failing));
    assert_eq!(end, End::failed("LocalIoError", EIO));
    assert_eq!(fixture.files(), ["file.bin"]);
    assert_eq!(fs::read(fixture.target()).expect("the old file"), b"the old file");
}

#[test]
fn owner_and_group_are_kept_where_the_process_may_set_them() {
    for mode in [0o600, 0o640, 0o666, 0o400, 0o000] {
        let fixture = owned(SOMEBODY, NOBODY, mode);
        let old = rights(&fixture.target());
        let mut command = child::command(&fixture, "");
        let (end, moments) = shim::run_for_rights(&mut command, &fixture, None);
        assert_eq!(end, End::Saved { reused: 0, fetched: SIZE });
        assert_never_wider(&moments, old, &[ROOT, SOMEBODY]);
        assert_eq!(rights(&fixture.target()), old);
    }
}

#[test]
fn without_the_owner_s_rights_nobody_gets_more_than_before() {
    for (old, new) in
        [(0o600, 0o600), (0o640, 0o600), (0o604, 0o600), (0o664, 0o644), (0o755, 0o755)]
    {
        let fixture = owned(SOMEBODY, SOMEBODY, old);
        let was = rights(&fixture.target());
        let mut command = child::command(&fixture, "");
        command.env("TEST_USER", "nobody");
        let (end, moments) = shim::run_for_rights(&mut command, &fixture, None);
        assert_eq!(end, End::Saved { reused: 0, fetched: SIZE });
        assert_never_wider(&moments, was, &[NOBODY]);
        assert_eq!(rights(&fixture.target()), (new, NOBODY, NOBODY), "{old:o}");
    }
}

#[test]
fn the_group_is_kept_by_a_member_of_it() {
    for old in [0o640, 0o664, 0o604] {
        let fixture = owned(SOMEBODY, NOBODY, old);
        // New files here have another group.
        chown(fixture.dir(), Some(ROOT), Some(SOMEBODY)).expect("owner");
        set_mode(fixture.dir(), 0o2777);
        download_as_nobody(&fixture);
        assert_eq!(rights(&fixture.target()), (old, NOBODY, NOBODY));
    }
}

#[test]
fn rights_are_reduced_before_a_file_is_given_to_the_old_group() {
    let fixture = owned(ROOT, NOBODY, 0o640);
    fixture.interrupt(&fixture.request(), SECOND);
    give(&fixture.temp(), ROOT, SOMEBODY, 0o664);
    // Its mode cannot be set when it is claimed, but later.
    let path = fixture.dir().to_str().expect("UTF-8");
    let failing = Failing { call: "chmod", path, nth: 1, times: 1, how: How::Errno(EPERM) };
    let mut command = child::command(&fixture, "");
    let (end, moments) = shim::run_for_rights(&mut command, &fixture, Some(failing));
    assert!(matches!(end, End::Saved { .. }), "{end:?}");
    let given: Vec<_> = moments.iter().filter(|moment| moment.gid == NOBODY).collect();
    assert!(!given.is_empty() && given.iter().all(|moment| moment.mode & 0o037 == 0), "{given:?}");
    assert_eq!(rights(&fixture.target()), (0o640, ROOT, NOBODY));
}

/// Gives the temporary file of an interrupted download to another user, and the old file this mode.
fn left_to_somebody(mode: u32) -> Fixture {
    let fixture = owned(ROOT, ROOT, 0o644);
    fixture.interrupt(&fixture.request(), SECOND);
    give(&fixture.temp(), SOMEBODY, SOMEBODY, 0o666);
    set_mode(&fixture.journal().expect("a checkpoint"), 0o666);
    set_mode(&fixture.target(), mode);
    fixture
}

#[test]
fn a_temporary_file_of_another_user_receives_no_byte_that_user_may_not_read() {
    for mode in [0o600, 0o644] {
        let fixture = left_to_somebody(mode);
        let held_open = fs::File::open(fixture.temp()).expect("open");
        let outcome = fixture.client().download(&fixture.request()).expect("download");
        assert_eq!(outcome.statistics.bytes_reused, 0);
        fixture.assert_whole(&outcome);
        assert_eq!(rights(&fixture.target()), (mode, ROOT, ROOT));
        let his = held_open.metadata().expect("metadata");
        assert_ne!(his.ino(), fs::metadata(fixture.target()).expect("metadata").ino());
    }
    // That user may read and write what everybody may.
    let fixture = left_to_somebody(0o666);
    assert_eq!(resume(&fixture), 0o666);
    assert_eq!(rights(&fixture.target()), (0o600, ROOT, ROOT));
}

#[test]
fn if_a_temporary_file_may_not_be_removed_another_one_is_used() {
    let fixture = owned(NOBODY, NOBODY, 0o600);
    fs::write(fixture.temp(), "a trap").expect("write");
    give(&fixture.temp(), SOMEBODY, SOMEBODY, 0o666);
    give(fixture.dir(), ROOT, ROOT, 0o1777);
    let mut command = child::command(&fixture, "");
    command.env("TEST_USER", "nobody");
    let (end, moments) = shim::run_for_rights(&mut command, &fixture, None);
    assert_eq!(end, End::Saved { reused: 0, fetched: SIZE });
    assert_never_wider(&moments, (0o600, NOBODY, NOBODY), &[NOBODY]);
    assert_eq!(rights(&fixture.target()), (0o600, NOBODY, NOBODY));
    assert_eq!(fs::read(fixture.temp()).expect("read"), b"a trap");
    assert_eq!(fixture.files(), ["file.bin", "file.bin.temp"]);
}
