//! The example program, which can be killed and can have a working directory.

use std::io;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};

use crate::fixture::{BUCKET, Fixture, ID, KEY, SECRET};

/// `examples/rust/<name>.rs`, which `cargo test` builds beside the tests.
pub fn executable(name: &str) -> PathBuf {
    let test = std::env::current_exe().expect("the test's own path");
    let profile = test.parent().and_then(Path::parent).expect("the build directory");
    let path = profile.join("examples").join(name);
    assert!(path.exists(), "{} is missing: cargo build --example {name}", path.display());
    path
}

/// The program, about to run in `directory`.
pub fn program(fixture: &Fixture, directory: &Path, arguments: [&str; 4]) -> Command {
    program_at(&fixture.server.endpoint(), directory, arguments)
}

/// The same for another endpoint than a fixture's.
pub fn program_at(endpoint: &str, directory: &Path, arguments: [&str; 4]) -> Command {
    let mut command = Command::new(executable("download"));
    command
        .args([endpoint, "cn-hangzhou"])
        .args(arguments)
        .current_dir(directory)
        .env("OSS_ACCESS_KEY_ID", ID)
        .env("OSS_ACCESS_KEY_SECRET", SECRET)
        .env_remove("OSS_SESSION_TOKEN")
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    command
}

/// Starts the download of [`Fixture::request`] with the program's part size.
pub fn start(fixture: &Fixture) -> Running {
    running(&mut program(fixture, fixture.dir(), [BUCKET, KEY, "file.bin", "."]))
}

/// Starts the program.
pub fn running(program: &mut Command) -> Running {
    Running(Some(program.spawn().expect("the example starts")))
}

/// A running program; killed when dropped.
pub struct Running(Option<Child>);

impl Running {
    /// A program that was started in another way.
    pub fn of(child: Child) -> Self {
        Running(Some(child))
    }

    /// Kills it with SIGKILL; returns `false` if it had already ended.
    pub fn kill(mut self) -> bool {
        let Some(mut child) = self.0.take() else { return false };
        let alive = child.try_wait().expect("its state").is_none();
        child.kill().and_then(|()| child.wait()).expect("kill");
        alive
    }

    /// Whether it is still running.
    pub fn is_alive(&mut self) -> bool {
        self.0.as_mut().is_some_and(|child| child.try_wait().expect("its state").is_none())
    }

    /// Waits for its end.
    pub fn output(mut self) -> io::Result<Output> {
        self.0.take().ok_or(io::ErrorKind::NotFound)?.wait_with_output()
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        if let Some(mut child) = self.0.take() {
            // The test is already failing; the program may have ended.
            let _ = child.kill().and_then(|()| child.wait());
        }
    }
}

/// Its output on standard error.
pub fn error_output(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}
