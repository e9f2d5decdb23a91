//! Gives the shared library the name and the flags it is installed with, and sees to it that its libcurl is the one
//! that was asked for.

use std::path::Path;
use std::{env, fs, io};

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    require_system_curl();
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

/// Without libcurl's development files curl-sys builds a libcurl of its own and links it in, without a word. In a
/// static library it would then replace the program's, or be replaced by it.
fn require_system_curl() {
    let is_bundled = env::var_os("DEP_CURL_STATIC").is_some();
    let is_wanted = env::var_os("CARGO_FEATURE_STATIC_CURL").is_some();
    if is_bundled && !is_wanted {
        let again = match forget_bundled_curl() {
            Ok(()) => "build again",
            Err(_) => "build again after `cargo clean -p curl-sys`",
        };
        println!(
            "cargo::error=pkg-config found no libcurl: install its development files (on Debian libcurl4-openssl-dev) \
             and {again}, or ask for a bundled one with the feature static-curl"
        );
    }
}

/// Has cargo run curl-sys's build script again in the next build. That script does not say that its answer depends on
/// what is installed, so that cargo would keep the answer after libcurl was installed. Cargo runs a script again when
/// the file with its output is missing.
fn forget_bundled_curl() -> io::Result<()> {
    let out_dir = env::var_os("DEP_CURL_ROOT").ok_or(io::ErrorKind::NotFound)?;
    fs::remove_file(Path::new(&out_dir).with_file_name("output"))
}
