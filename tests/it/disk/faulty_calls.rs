//! Every system call of a download on its files fails in turn, in every possible way. The result is the right file or a
//! typed error with the old file unchanged, and the next run ends with the right file.

use std::collections::BTreeMap;
use std::fs;

use local_oss::{Config, Object};

use libc::{EACCES, EDQUOT, EINTR, EINVAL, EIO, EMFILE, ENOLCK, ENOSPC, EOPNOTSUPP, EPERM, EROFS};

use super::child::End;
use super::shim::{self, Call, Failing, How};
use crate::effort::figure;
use crate::fixture::{Fixture, MIB, PART, directory_on_disk};
use crate::interrupted::Leftovers;

const SIZE: u64 = 3 * PART;
const OLD: &[u8] = b"the old file";

/// Kinds of calls that every download makes.
const MADE_BY_ALL: [&str; 12] = [
    "resolve",
    "stat",
    "statfs",
    "statvfs",
    "open",
    "lock",
    "write",
    "writeback",
    "truncate",
    "sync",
    "dup",
    "close",
];

/// The ways in which a call of this kind fails.
fn ways(kind: &str) -> Vec<How> {
    let numbers: &[i32] = match kind {
        "open" => &[EMFILE, EACCES, EROFS, ENOSPC, EIO, EINTR],
        "read" => &[EIO, EINTR],
        "direct-open" => &[EMFILE, EINVAL, EINTR],
        "direct-read" => &[EIO, EINVAL, EINTR],
        "direct-write" => &[ENOSPC, EIO, EINVAL, EOPNOTSUPP, EINTR],
        "write" => &[ENOSPC, EDQUOT, EIO, EROFS, EINTR],
        "truncate" => &[EIO, EINTR],
        "fallocate" => &[ENOSPC, EIO, EINTR, EOPNOTSUPP],
        "sync" | "close" => &[EIO, ENOSPC, EDQUOT, EINTR],
        "rename" => &[EIO, ENOSPC, EACCES, EROFS],
        "rename-new" => &[EIO, ENOSPC, EROFS, EINVAL],
        "unlink" => &[EIO, EPERM, EROFS],
        "lock" => &[EIO, ENOLCK, EINTR],
        "resolve" => &[EIO, EACCES],
        "stat" | "statfs" | "statvfs" | "settime" | "writeback" => &[EIO],
        "dup" => &[EMFILE],
        "chmod" => &[EPERM, EOPNOTSUPP, EROFS, EIO, EINTR],
        _ => panic!("a call that no test makes fail: {kind}"),
    };
    let halved =
        matches!(kind, "read" | "write" | "direct-read" | "direct-write").then_some(How::Short);
    numbers.iter().map(|number| How::Errno(*number)).chain(halved).collect()
}

/// A download that can be set up the same way repeatedly.
struct Scene {
    fixture: Fixture,
    size: u64,
    choices: &'static str,
    left: Option<Leftovers>,
}

impl Scene {
    fn fresh(choices: &'static str) -> Self {
        Self::of(SIZE, choices)
    }

    fn of(size: u64, choices: &'static str) -> Self {
        Scene { fixture: Fixture::new(size), size, choices, left: None }
    }

    fn interrupted() -> Self {
        Self::interrupted_in(Fixture::new(SIZE), "")
    }

    fn interrupted_in(fixture: Fixture, choices: &'static str) -> Self {
        fixture.interrupt(&fixture.request(), PART / 2);
        Scene { left: Some(fixture.leftovers()), fixture, size: SIZE, choices }
    }

    /// Written directly, on a disk.
    fn direct(choices: &'static str) -> Self {
        Scene { fixture: on_disk(), size: SIZE, choices, left: None }
    }

    fn has_old_file(&self) -> bool {
        !self.choices.contains("spare-target")
    }

    fn set_up(&self) {
        for name in self.fixture.files() {
            fs::remove_file(self.fixture.dir().join(name)).expect("remove");
        }
        if let Some(left) = &self.left {
            self.fixture.put_back(left);
        }
        if self.has_old_file() {
            fs::write(self.fixture.target(), OLD).expect("the old file");
        }
    }

    fn run(&self, failing: Option<Failing>) -> (End, Vec<Call>) {
        self.set_up();
        shim::run(&self.fixture, self.choices, failing)
    }

    /// Fails each call of a run in turn, in each of its ways; asserts that at least `least` calls failed.
    fn fail_every_call(&self, least: usize) {
        let (end, calls) = self.run(None);
        assert!(matches!(end, End::Saved { .. }), "{end:?}");
        let mut counts = BTreeMap::new();
        calls.iter().for_each(|call| *counts.entry(call.kind.as_str()).or_insert(0) += 1);
        // A call that bypassed libc could not be made to fail.
        let seen = |kind: &&str| counts.contains_key(kind);
        assert!(MADE_BY_ALL.iter().all(seen), "{counts:?}");
        let (mut tried, mut failed) = (0, 0);
        for (call, count) in counts {
            for how in ways(call) {
                for nth in 1..=count {
                    tried += 1;
                    failed += usize::from(self.fail_one(call, nth, how));
                }
            }
        }
        // Two extents may be recorded in one write; then one call fewer is made.
        assert!(failed * 20 >= tried * 19, "{failed} of {tried} calls were made to fail");
        assert!(failed > least, "{failed} calls were made to fail");
        figure(&format!("more than {least} failures"));
    }

    /// Fails the `nth` call of a kind; returns `false` if it was not made.
    fn fail_one(&self, call: &str, nth: usize, how: How) -> bool {
        let path = self.fixture.dir().to_str().expect("UTF-8");
        let (end, calls) = self.run(Some(Failing { call, path, nth, times: 1, how }));
        let Some(at) = calls.iter().position(|call| call.failed) else { return false };
        let context = format!("{call} {nth} of '{}' {how:?}: {end:?}", calls[at].path);
        match &end {
            End::Saved { .. } => self.fixture.assert_range(0..self.size),
            End::Failed { code, errno } => {
                let codes = ["LocalIoError", "DiskFull", "FlushError", "RenameError"];
                assert!(codes.contains(&code.as_str()), "{context}");
                assert!(how == How::Errno(*errno), "{context}");
                let renamed = |call: &Call| {
                    call.kind.starts_with("rename") && call.path.ends_with("/file.bin")
                };
                if calls[..at].iter().any(renamed) {
                    // Only the flush of the directory can fail after the rename.
                    assert_eq!((call, code.as_str()), ("sync", "FlushError"), "{context}");
                    assert_eq!(calls[at].path, path, "{context}");
                    self.fixture.assert_range(0..self.size);
                } else {
                    self.assert_kept(&context);
                }
            }
            End::Killed(_) => panic!("{context}"),
        }
        if let How::Short | How::Errno(EINTR) = how
            && call != "close"
        {
            assert!(matches!(end, End::Saved { .. }), "{context}");
        }
        self.finish(&context);
        true
    }

    /// Asserts that the failed run left the old file, and no other file if it has no checkpoint.
    fn assert_kept(&self, context: &str) {
        let old = fs::read(self.fixture.target()).ok();
        assert_eq!(old.as_deref(), self.has_old_file().then_some(OLD), "{context}");
        if self.choices.contains("no-checkpoint") {
            assert_eq!(self.fixture.files(), ["file.bin"], "{context}");
        }
    }

    /// Runs again without faults.
    fn finish(&self, context: &str) {
        let request = self.fixture.request_with(|request| request.flush = false);
        let outcome = self.fixture.client().download(&request).expect(context);
        self.fixture.assert_whole(&outcome);
    }
}

fn on_disk() -> Fixture {
    Fixture::in_directory(directory_on_disk(), Config::default(), Object::pattern(SIZE, 7))
}

#[test]
fn every_call_of_a_first_run_may_fail() {
    Scene::fresh("").fail_every_call(150);
}

#[test]
fn every_call_of_a_resumed_run_may_fail() {
    Scene::interrupted().fail_every_call(180);
}

#[test]
fn every_call_of_a_run_without_a_checkpoint_may_fail() {
    Scene::fresh("no-checkpoint preallocate set-time verify").fail_every_call(80);
}

#[test]
fn every_call_of_a_run_that_must_not_replace_the_target_may_fail() {
    Scene::fresh("spare-target").fail_every_call(150);
}

#[test]
fn every_call_of_a_run_that_writes_directly_may_fail() {
    let scene = Scene::direct("direct verify");
    scene.fail_every_call(150);
}

#[test]
fn every_call_of_a_resumed_run_that_writes_directly_may_fail() {
    Scene::interrupted_in(on_disk(), "direct").fail_every_call(180);
}

#[test]
fn any_write_of_a_run_on_three_connections_may_fail() {
    let scene = Scene::of(5 * MIB, "three-connections no-flush");
    let mut failed = 0;
    for how in ways("write") {
        // The first write is the checkpoint's; the number of the others depends on timing.
        failed += (1..).take_while(|&nth| scene.fail_one("write", nth, how)).count();
    }
    assert!(failed > 50, "{failed} calls were made to fail");
    figure("more than 50 failures");
}
