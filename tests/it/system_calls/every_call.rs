use std::collections::BTreeMap;
use std::fs;
use std::sync::Mutex;
use std::time::Duration;

use libc::EINTR;
use local_oss::{Config, Object, Tls};

use super::kernel::{self, Failing, HOST, How};
use super::ways::ways;
use crate::fixture::{Fixture, PART, SECRET};
use crate::interrupted::Leftovers;

const SIZE: u64 = 3 * PART;
const OLD: &[u8] = b"the old file";
/// Longer than all time limits of the child together.
const LIMIT: Duration = Duration::from_secs(20);
const JOBS: usize = 2;

struct Scene {
    fixture: Fixture,
    etc: tempfile::TempDir,
    left: Option<Leftovers>,
}

impl Scene {
    fn fresh(tls: Option<Tls>) -> Self {
        let config = Config { tls, tls_names: vec![HOST.to_owned()], ..Config::default() };
        let fixture = Fixture::with(config, Object::pattern(SIZE, 7));
        Scene { fixture, etc: kernel::etc(), left: None }
    }

    fn interrupted() -> Self {
        let mut scene = Self::fresh(None);
        scene.fixture.interrupt(&scene.fixture.request(), PART / 2);
        scene.left = Some(scene.fixture.leftovers());
        scene
    }

    fn set_up(&self) {
        for name in self.fixture.files() {
            fs::remove_file(self.fixture.dir().join(name)).expect("remove");
        }
        if let Some(left) = &self.left {
            self.fixture.put_back(left);
        }
        fs::write(self.fixture.target(), OLD).expect("the old file");
    }

    fn run(&self, failing: Option<&Failing>) -> kernel::Run {
        self.set_up();
        kernel::run(&self.fixture, self.etc.path(), failing, LIMIT)
    }

    fn counts(&self) -> BTreeMap<String, usize> {
        let mut most = BTreeMap::new();
        for _ in 0..5 {
            let run = self.run(None);
            assert_eq!(run.error, None, "{}", run.output);
            let mut counts = BTreeMap::new();
            run.calls.iter().for_each(|call| *counts.entry(call.kind.clone()).or_insert(0) += 1);
            for (kind, count) in counts {
                let most = most.entry(kind).or_insert(0);
                *most = count.max(*most);
            }
        }
        most
    }

    fn fail_one(&self, failing: &Failing) -> Option<String> {
        let run = self.run(Some(failing));
        let at = run.calls.iter().position(|call| call.failed)?;
        let context =
            format!("{} {} {:?} {}", failing.kind, failing.nth, failing.how, run.calls[at].object);
        let res = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
            self.check(&run, at, &context)
        }));
        let bad = if res.is_err() { "BAD" } else { "" };
        Some(format!("{context}\t{:?}\t{}\t{bad}", run.took, run.error.unwrap_or_default()))
    }
    fn check(&self, run: &kernel::Run, at: usize, context: &str) {
        let context = format!("{context}: {run:?}");
        assert!(!run.output.contains(SECRET), "{context}");
        if let Some(error) = &run.error {
            let renamed = run.calls[..at].iter().any(|c| c.kind == "rename");
            if !renamed {
                assert_eq!(fs::read(self.fixture.target()).unwrap(), OLD, "{context}");
            }
        } else {
            self.fixture.assert_range(0..SIZE);
        }
        let request = self.fixture.request_with(|request| request.flush = false);
        let outcome = self.fixture.client().download(&request).expect(&context);
        self.fixture.assert_whole(&outcome);
    }
}

fn all(make: impl Fn() -> Scene + Sync, out: &str) {
    let counts = make().counts();
    println!("{counts:?}");
    let mut jobs = Vec::new();
    for (kind, count) in &counts {
        for how in ways(kind) {
            for nth in 1..=*count {
                jobs.push(Failing { kind: kind.clone(), nth, how });
            }
        }
    }
    println!("{} jobs", jobs.len());
    jobs.reverse();
    let started = std::time::Instant::now();
    let queue = Mutex::new(jobs);
    let lines = Mutex::new(Vec::new());
    std::thread::scope(|scope| {
        for _ in 0..JOBS {
            scope.spawn(|| {
                let scene = make();
                loop {
                    let Some(failing) = queue.lock().unwrap().pop() else { break };
                    match std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
                        scene.fail_one(&failing)
                    })) {
                        Ok(Some(line)) => lines.lock().unwrap().push(line),
                        Ok(None) => lines.lock().unwrap().push(format!("{failing:?}\tnot made")),
                        Err(_) => lines.lock().unwrap().push(format!("{failing:?}\tPANIC")),
                    }
                }
            });
        }
    });
    println!("{:?}", started.elapsed());
    fs::write(out, lines.into_inner().unwrap().join("\n")).unwrap();
}

#[test]
fn fresh() {
    all(|| Scene::fresh(None), "/tmp/exh-fresh.txt");
}
#[test]
fn fresh_tls() {
    all(|| Scene::fresh(Some(Tls::Valid)), "/tmp/exh-tls.txt");
}
#[test]
fn resumed() {
    all(Scene::interrupted, "/tmp/exh-resumed.txt");
}
