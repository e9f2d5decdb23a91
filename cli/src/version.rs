//! Which version this is, and of which libraries.

use std::sync::LazyLock;

/// The versions of the command and of the libraries that it runs with.
pub fn long() -> &'static str {
    static TEXT: LazyLock<String> = LazyLock::new(|| {
        format!("{}\nliboss_resumable {}", env!("CARGO_PKG_VERSION"), oss_resumable::version())
    });
    &TEXT
}
