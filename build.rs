//! Sets the name and the link flags of the shared library, and checks that the requested libcurl is used.

use std::path::Path;
use std::{env, fs, io};

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    require_system_curl();
    // The operating system of the target, not of the machine this script runs on.
    if env::var("CARGO_CFG_TARGET_OS").as_deref() != Ok("linux") {
        return;
    }
    let part = |name: &str| env::var(name).unwrap_or_default();
    let (major, minor) = (part("CARGO_PKG_VERSION_MAJOR"), part("CARGO_PKG_VERSION_MINOR"));
    // Until 1.0 each minor version is an ABI of its own.
    let abi = if major == "0" { format!("0.{minor}") } else { major };
    println!("cargo::rustc-cdylib-link-arg=-Wl,-soname,liboss_resumable.so.{abi}");
    // dlclose() must not unload code that the library's threads and libcurl's state still use.
    println!("cargo::rustc-cdylib-link-arg=-Wl,-z,nodelete");
}

/// Without libcurl's development files curl-sys silently builds a libcurl of its own and links it in. In a static
/// library it would then replace the program's libcurl, or be replaced by it.
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

/// Makes cargo run curl-sys's build script again in the next build. The script does not declare that its result depends
/// on what is installed, so cargo would keep the result after libcurl was installed. Cargo runs a script again when the
/// file with its output is missing.
fn forget_bundled_curl() -> io::Result<()> {
    let out_dir = env::var_os("DEP_CURL_ROOT").ok_or(io::ErrorKind::NotFound)?;
    fs::remove_file(Path::new(&out_dir).with_file_name("output"))
}
