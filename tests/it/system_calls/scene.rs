//! A download that can be run repeatedly from the same start, and what must hold after a call failed in it.

use std::collections::BTreeMap;
use std::fs;

use libc::EINTR;
use local_oss::{Config, Object, Tls};

use super::kernel::{self, Failing, HOST, How, Run};
use crate::fixture::{Fixture, PART, SECRET, directory_in_memory, directory_on_disk};
use crate::interrupted::Leftovers;

const OLD: &[u8] = b"the old file";
/// Whatever fails, the error is one of these.
const CODES: [&str; 6] =
    ["LocalIoError", "DiskFull", "FlushError", "RenameError", "InternalError", "ClientError"];
/// libcurl's errors that are not retried, because a program may never have worked: the name was not found, the file of
/// CA certificates could not be read.
const FINAL: [&str; 2] = ["ClientError:200006", "ClientError:200077"];

pub struct Scene {
    fixture: Fixture,
    size: u64,
    etc: tempfile::TempDir,
    left: Option<Leftovers>,
    direct: bool,
}

impl Scene {
    pub fn fresh() -> Self {
        Self::new(None, 3 * PART)
    }

    /// Written directly and read back, on a disk.
    pub fn direct() -> Self {
        let (config, size) = (Config::default(), 3 * PART);
        let config = Config { tls_names: vec![HOST.to_owned()], ..config };
        let object = Object::pattern(size, 7);
        let fixture = Fixture::in_directory(directory_on_disk(), config, object);
        Scene { fixture, size, etc: kernel::names(), left: None, direct: true }
    }

    /// With fewer bytes, because each record takes two calls.
    pub fn over_tls() -> Self {
        Self::new(Some(Tls::Valid), PART + PART / 4)
    }

    /// Resumes what a run has left that ended in its second part.
    pub fn interrupted() -> Self {
        let mut scene = Self::fresh();
        scene.fixture.interrupt(&scene.fixture.request(), PART / 2);
        scene.left = Some(scene.fixture.leftovers());
        scene
    }

    fn new(tls: Option<Tls>, size: u64) -> Self {
        let config = Config { tls, tls_names: vec![HOST.to_owned()], ..Config::default() };
        let object = Object::pattern(size, 7);
        let fixture = Fixture::in_directory(directory_in_memory(), config, object);
        Scene { fixture, size, etc: kernel::names(), left: None, direct: false }
    }

    fn run(&self, failing: Option<&Failing>) -> Run {
        for name in self.fixture.files() {
            fs::remove_file(self.fixture.dir().join(name)).expect("remove");
        }
        if let Some(left) = &self.left {
            self.fixture.put_back(left);
        }
        fs::write(self.fixture.target(), OLD).expect("the old file");
        kernel::run(&self.fixture, self.etc.path(), self.direct, failing)
    }

    /// How many calls of each kind a run makes at most: the number of some depends on timing.
    pub fn count_calls(&self) -> BTreeMap<String, usize> {
        let mut most = BTreeMap::new();
        for _ in 0..3 {
            let run = self.run(None);
            assert_eq!(run.error, None, "{}", run.output);
            let mut counts = BTreeMap::new();
            run.calls.into_iter().for_each(|call| *counts.entry(call.kind).or_insert(0) += 1);
            for (kind, count) in counts {
                let most = most.entry(kind).or_insert(0);
                *most = count.max(*most);
            }
        }
        most
    }

    /// Runs with failing calls, and once more without; returns the first run's error, and `None` if no call failed.
    pub fn fail(&self, failing: &Failing) -> Option<Result<(), String>> {
        let run = self.run(Some(failing));
        let at = run.calls.iter().position(|call| call.failed)?;
        let context = format!("{failing:?} of '{}': {}", run.calls[at].object, run.output);
        assert!(!run.output.contains("panicked") && !run.output.contains(SECRET), "{context}");
        match &run.error {
            None => self.assert_saved(&context),
            Some(error) => self.check_error(error, failing, &run.calls[at].object, &context),
        }
        self.finish(&context);
        Some(run.error.map_or(Ok(()), Err))
    }

    fn assert_saved(&self, context: &str) {
        assert!(!self.fixture.temp().exists(), "{context}");
        let found = fs::read(self.fixture.target()).expect("the file");
        assert!(found == self.object(), "{context}");
    }

    fn object(&self) -> Vec<u8> {
        use crate::fixture::{BUCKET, KEY};
        self.fixture.server.object_bytes(BUCKET, KEY, 0..self.size).expect("object")
    }

    fn check_error(&self, error: &str, failing: &Failing, object: &str, context: &str) {
        let code = CODES.into_iter().find(|code| error.starts_with(code));
        let says = |what: &str| assert!(error.contains(what), "no {what}: {context}");
        match code.unwrap_or_else(|| panic!("{context}")) {
            "ClientError" => says("oss://examplebucket/exampledir/exampleobject.bin"),
            "InternalError" => says("cannot start a"),
            _ => {
                says(self.fixture.dir().to_str().expect("UTF-8"));
                if let How::Errno(number) = failing.how {
                    says(&format!("(os error {number})"));
                }
            }
        }
        if error.contains("the new file is in place") {
            assert!(failing.kind == "fsync" && object == self.fixture.dir(), "{context}");
            self.assert_saved(context);
        } else {
            assert!(fs::read(self.fixture.target()).expect("the file") == OLD, "{context}");
        }
        let is_final = FINAL.iter().any(|code| error.starts_with(code));
        if failing.times == 1 && !is_final {
            // A broken connection is replaced, and an interrupted call repeated.
            assert!(code != Some("ClientError"), "{context}");
            let repeated = matches!(failing.how, How::Short | How::Errno(EINTR));
            assert!(!repeated || failing.kind == "close", "{context}");
        }
    }

    /// Nothing of the failed run prevents the next one.
    fn finish(&self, context: &str) {
        let request = self.fixture.request_with(|request| request.flush = false);
        let outcome = self.fixture.client().download(&request).expect(context);
        self.fixture.assert_whole(&outcome);
    }
}
