//! The checked-in C header is what `src/capi` says. `UPDATE_HEADER=1 cargo test --test header` rewrites it.

use std::fs;
use std::path::Path;

/// The files that declare what C sees, in the order of the header.
const SOURCES: &[&str] = &[
    "version.rs",
    "codes.rs",
    "switches.rs",
    "lists.rs",
    "callbacks.rs",
    "client_options.rs",
    "request.rs",
    "status.rs",
    "client.rs",
    "download.rs",
    "checkpoint.rs",
    "result.rs",
    "error_object.rs",
    "error.rs",
];

const CAPI: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/src/capi");
const HEADER: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/include/oss_resumable/oss_resumable.h");

fn generate() -> String {
    let config = concat!(env!("CARGO_MANIFEST_DIR"), "/cbindgen.toml");
    let config = cbindgen::Config::from_file(config).expect("cbindgen.toml");
    let mut builder = cbindgen::Builder::new().with_config(config);
    for source in SOURCES {
        builder = builder.with_src(Path::new(CAPI).join(source));
    }
    let mut text = Vec::new();
    builder.generate().expect("a header").write(&mut text);
    String::from_utf8(text).expect("UTF-8")
}

#[test]
fn the_header_is_up_to_date() {
    let generated = generate();
    if std::env::var_os("UPDATE_HEADER").is_some() {
        fs::write(HEADER, &generated).expect("write the header");
    }
    let checked_in = fs::read_to_string(HEADER).expect("the header");
    assert!(
        checked_in == generated,
        "oss_resumable.h is stale: run UPDATE_HEADER=1 cargo test --test header"
    );
}

#[test]
fn every_exported_function_is_in_the_header() {
    let header = generate();
    let mut functions = 0;
    for entry in fs::read_dir(CAPI).expect("src/capi") {
        let source = fs::read_to_string(entry.expect("entry").path()).expect("a source file");
        for exported in source.split("#[unsafe(no_mangle)]").skip(1) {
            let (_, rest) = exported.split_once("fn ").expect("a function");
            let name = rest.split('(').next().expect("a name");
            assert!(header.contains(&format!("{name}(")), "{name} is not in the header");
            functions += 1;
        }
    }
    assert!(functions > 0, "no exported function was found");
}

#[test]
fn every_function_is_documented_with_its_threads() {
    let header = generate();
    let documents = header.split("/**").skip(1).filter_map(|text| text.split_once("*/"));
    let mut functions = 0;
    for (document, rest) in documents {
        let declaration = rest.split(';').next().unwrap_or_default().trim();
        let is_function = declaration.contains('(')
            && !declaration.starts_with("typedef")
            && !declaration.starts_with('#');
        if is_function && !declaration.contains('{') {
            let words: Vec<_> = document.split(|c: char| c.is_whitespace() || c == '*').collect();
            let text =
                words.into_iter().filter(|word| !word.is_empty()).collect::<Vec<_>>().join(" ");
            let threads = text.contains("Thread-safe") || text.contains("Any thread may");
            assert!(threads, "{declaration} does not say which threads may call it");
            functions += 1;
        }
    }
    assert!(functions > 20, "only {functions} functions were found");
}
