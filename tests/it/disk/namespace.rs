//! Tests with private mounts: each runs again as a child in a mount namespace of its own.

use std::path::Path;
use std::process::Command;

/// Runs the ignored test `name` as a child after the shell commands `mounts`, in which `$TMPDIR` is an empty directory.
/// The child's fixtures are below `$TMPDIR` too.
pub fn run(mounts: &str, name: &str) {
    let directory = tempfile::tempdir().expect("directory");
    let output = Command::new("unshare")
        .args([ways_in(), "sh", "-ec", &format!("{mounts}\nexec \"$@\""), "sh"])
        .arg(std::env::current_exe().expect("this program"))
        .args(["--exact", "--ignored", "--nocapture", name])
        .env("TMPDIR", directory.path())
        .output()
        .expect("unshare");
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(
        output.status.success() && said.contains("1 passed"),
        "{said}{}",
        String::from_utf8_lossy(&output.stderr)
    );
}

/// As root, or as root of a user namespace, which many systems allow to every user.
fn ways_in() -> &'static str {
    let works = |flags: &str| {
        let tried = Command::new("unshare").args([flags, "true"]).output().expect("unshare");
        tried.status.success()
    };
    let way = ["-m", "-rm"].into_iter().find(|flags| works(flags));
    way.expect("a mount namespace: run as root with CAP_SYS_ADMIN, or allow user namespaces")
}

/// The directory of the child's mounts.
pub fn directory() -> &'static Path {
    static DIRECTORY: std::sync::OnceLock<std::path::PathBuf> = std::sync::OnceLock::new();
    DIRECTORY.get_or_init(|| std::env::var_os("TMPDIR").expect("run by another test").into())
}
