//! Libraries that are preloaded into a child to intercept its libc calls: the sources in `tests/shim`.

use std::path::{Path, PathBuf};
use std::process::Command;

/// Compiles `tests/shim/<name>.c`; returns the path of the library, for `LD_PRELOAD`.
pub fn compiled(name: &str) -> PathBuf {
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("tests/shim/{name}.c"));
    let library = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("lib{name}.so"));
    // Another run of the tests may have loaded it, so the file is replaced by a new one.
    let made = library.with_extension(std::process::id().to_string());
    let compiled = Command::new("cc")
        .args(["-O1", "-Wall", "-Wextra", "-Werror", "-pthread", "-shared", "-fPIC", "-o"])
        .args([&made, &source])
        .arg("-ldl")
        .status();
    assert!(compiled.expect("a C compiler").success(), "{} does not compile", source.display());
    std::fs::rename(&made, &library).expect("the library in its place");
    library
}
