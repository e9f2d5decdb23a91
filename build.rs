//! Gives the shared library the name and the flags it is installed with.

use std::env;

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    // The target's, not that of the machine this script runs on.
    if env::var("CARGO_CFG_TARGET_OS").as_deref() != Ok("linux") {
        return;
    }
    let part = |name: &str| env::var(name).unwrap_or_default();
    let (major, minor) = (part("CARGO_PKG_VERSION_MAJOR"), part("CARGO_PKG_VERSION_MINOR"));
    // Until 1.0 each minor version is an ABI of its own.
    let abi = if major == "0" { format!("0.{minor}") } else { major };
    println!("cargo::rustc-cdylib-link-arg=-Wl,-soname,liboss_resumable.so.{abi}");
    // Its threads and libcurl's state must not lose their code to a dlclose().
    println!("cargo::rustc-cdylib-link-arg=-Wl,-z,nodelete");
}
