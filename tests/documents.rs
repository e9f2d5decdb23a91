//! Checks that the documents agree with the code.

use std::fs;
use std::path::Path;

fn read(path: &str) -> String {
    fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(path)).expect(path)
}

/// The content of the first code block in that language.
fn code_block<'a>(document: &'a str, language: &str) -> &'a str {
    let (_, rest) = document.split_once(&format!("```{language}\n")).expect("a code block");
    rest.split_once("```").expect("an end of the code block").0
}

#[test]
fn the_example_in_the_readme_is_the_compiled_program() {
    assert_eq!(code_block(&read("README.md"), "cpp"), read("examples/cpp/simple.cpp"));
}

#[test]
fn the_readme_names_the_minimum_rust_version_of_the_manifest() {
    let minimum = env!("CARGO_PKG_RUST_VERSION");
    assert!(read("README.md").contains(&format!("Rust {minimum} or newer")));
}

#[test]
fn the_changelog_mentions_the_version_being_built() {
    assert!(read("CHANGELOG.md").contains(env!("CARGO_PKG_VERSION")));
}

#[test]
fn the_driver_and_the_policies_reach_the_world_only_through_interfaces() {
    const WORLD: [&str; 12] = [
        "Instant::now",
        "SystemTime::now",
        "Timestamp::now",
        "RandomState",
        "std::fs",
        "std::thread",
        "sync::channel",
        "sync::thread",
        "sys::thread",
        "sys::exit",
        "session",
        "transfer::system",
    ];
    for folder in ["src/transfer/driver", "src/transfer/policy"] {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join(folder);
        for file in fs::read_dir(folder).expect("folder").map(|entry| entry.expect("entry").path())
        {
            let Ok(text) = fs::read_to_string(&file) else { continue };
            let code = text.split("#[cfg(test)]").next().unwrap_or_default();
            let direct = WORLD.iter().find(|name| code.contains(**name));
            assert_eq!(direct, None, "in {}", file.display());
        }
    }
}
