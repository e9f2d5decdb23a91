//! What is made from the description of the arguments.

use std::path::Path;

use crate::fixture::{Ended, Fixture};

#[test]
fn the_version_names_the_libraries() {
    let fixture = Fixture::new(0);
    let ended = fixture.run(&["--version"]).success();
    for part in [env!("CARGO_PKG_VERSION"), "liboss_resumable ", "libcurl/", "OpenSSL/"] {
        assert!(ended.stdout.contains(part), "{part}: {}", ended.stdout);
    }
}

#[test]
fn help_tells_the_exit_codes_and_the_environment() {
    let fixture = Fixture::new(0);
    let ended = fixture.run(&["--help"]).success();
    for part in ["OSS_ACCESS_KEY_SECRET", "OSSUTIL_CONFIG_FILE", "  3    interrupted", "  130  "] {
        assert!(ended.stdout.contains(part), "{part}: {}", ended.stdout);
    }
}

#[test]
fn completions_are_scripts_of_the_shell() {
    let fixture = Fixture::new(0);
    for shell in ["bash", "zsh", "fish"] {
        let ended = fixture.run(&["completions", shell]).success();
        assert!(ended.stdout.contains("from-file"), "{shell}");
    }
    let script = fixture.write("script", &fixture.run(&["completions", "bash"]).stdout);
    let mut bash = std::process::Command::new("bash");
    assert!(bash.arg("-n").arg(script).status().expect("bash").success());
    fixture.run(&["completions", "cmd"]).assert_usage("invalid value");
}

/// `UPDATE_MAN=1` writes the pages.
#[test]
fn the_man_pages_are_made_from_the_arguments() {
    let fixture = Fixture::new(0);
    fixture.run(&["man", "."]).success();
    let checked_in = Path::new(env!("CARGO_MANIFEST_DIR")).join("man");
    let names = fixture.files();
    assert!(names.iter().any(|name| name == "oss-resumable-get.1"), "{names:?}");
    if std::env::var_os("UPDATE_MAN").is_some() {
        std::fs::create_dir_all(&checked_in).expect("directory");
        for name in &names {
            std::fs::copy(fixture.path(name), checked_in.join(name)).expect("copy");
        }
    }
    let entries = std::fs::read_dir(&checked_in).expect("cli/man");
    assert_eq!(entries.count(), names.len(), "UPDATE_MAN=1 cargo test -p oss-resumable-cli");
    for name in names {
        let read = |path| std::fs::read_to_string(path).expect(&name);
        let is_equal = read(checked_in.join(&name)) == read(fixture.path(&name));
        assert!(is_equal, "{name}: UPDATE_MAN=1 cargo test -p oss-resumable-cli");
    }
    assert!(Ended::of(&mut fixture.bare(&["man", "missing"])).code == Some(1));
}
