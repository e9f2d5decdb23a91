//! Checks that the checked-in C header is generated from `src/capi`. `UPDATE_HEADER=1 cargo test --test header`
//! rewrites it.

use std::fs;
use std::path::Path;

/// The files with the C declarations, in the order of the header.
const SOURCES: &[&str] = &[
    "version.rs",
    "codes.rs",
    "switches.rs",
    "lists.rs",
    "callbacks.rs",
    "encryption.rs",
    "url_provider.rs",
    "trace.rs",
    "client_options.rs",
    "request.rs",
    "status.rs",
    "event.rs",
    "event_queue.rs",
    "list_request.rs",
    "prefix_request.rs",
    "prefix_status.rs",
    "client.rs",
    "download.rs",
    "listing.rs",
    "prefix.rs",
    "prefix_result.rs",
    "checkpoint.rs",
    "crc64.rs",
    "result.rs",
    "error_object.rs",
    "error.rs",
];

const CAPI: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/src/capi");
const HEADER: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/include/oss_resumable/oss_resumable.h");

/// As in cbindgen.toml.
const LINE_LENGTH: usize = 100;

fn generate() -> String {
    let config = concat!(env!("CARGO_MANIFEST_DIR"), "/cbindgen.toml");
    let config = cbindgen::Config::from_file(config).expect("cbindgen.toml");
    let mut builder = cbindgen::Builder::new().with_config(config);
    for source in SOURCES {
        builder = builder.with_src(Path::new(CAPI).join(source));
    }
    let mut text = Vec::new();
    builder.generate().expect("a header").write(&mut text);
    with_initialisers(&String::from_utf8(text).expect("UTF-8"))
}

/// Adds an initialiser after each size-first struct; cbindgen cannot.
fn with_initialisers(header: &str) -> String {
    let mut text = String::new();
    let mut fields = Vec::new();
    for line in header.lines() {
        text.push_str(line);
        text.push('\n');
        if line.starts_with("typedef struct ") && line.ends_with('{') {
            fields.clear();
        } else if let Some(field) = field(line) {
            fields.push(field);
        } else if let Some(name) = line.strip_prefix("} ").and_then(|rest| rest.strip_suffix(';'))
            && fields.first() == Some(&"size_t struct_size")
        {
            text.push_str(&initialiser(header, name, &fields[1..]));
        }
    }
    text
}

/// The field that a line of a struct declares.
fn field(line: &str) -> Option<&str> {
    let declaration = line.strip_prefix("    ")?.strip_suffix(';')?;
    declaration.starts_with(|first: char| first.is_ascii_alphabetic()).then_some(declaration)
}

/// An initialiser with a value for every field: compilers warn about missing ones, and C++11 has no designated
/// initialisers.
fn initialiser(header: &str, name: &str, others: &[&str]) -> String {
    let macro_name = initialiser_name(name);
    let mut text = format!(
        "\n/**\n * Initialises an object of type ::{name}: sets `struct_size`, and every other field to zero.\n */\n\
         #define {macro_name} \\\n"
    );
    let mut line = format!("    {{ sizeof({name})");
    for field in others {
        line.push(',');
        let zero = zero(header, field);
        if line.len() + zero.len() + " , \\".len() > LINE_LENGTH {
            text.push_str(&format!("{line} \\\n"));
            line = "     ".to_owned();
        }
        line.push_str(&format!(" {zero}"));
    }
    format!("{text}{line} }}\n")
}

fn initialiser_name(name: &str) -> String {
    format!("{}_INIT", name.to_uppercase())
}

fn zero(header: &str, field: &str) -> &'static str {
    let (kind, _) = field.rsplit_once(' ').expect("a type and a name");
    let is_function = header.contains(&format!(" (*{kind})("));
    match kind {
        "size_t" | "int32_t" | "int64_t" | "uint32_t" | "uint64_t" | "oss_resumable_code" => "0",
        _ if is_function || field.contains('*') => "NULL",
        _ => panic!("{field}: no zero is known for this type"),
    }
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
    let entries = fs::read_dir(CAPI).expect("src/capi").map(|entry| entry.expect("entry").path());
    for path in entries.filter(|path| path.is_file()) {
        let source = fs::read_to_string(path).expect("a source file");
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

#[test]
fn every_struct_that_begins_with_its_size_has_a_documented_initialiser() {
    let header = generate();
    let mut structs = 0;
    for source in SOURCES {
        let source = fs::read_to_string(Path::new(CAPI).join(source)).expect("a source file");
        for declaration in source.split("pub struct ").skip(1) {
            let (name, body) = declaration.split_once('{').expect("a body");
            let first = body.lines().map(str::trim).find(|line| line.starts_with("pub "));
            if first == Some("pub struct_size: usize,") {
                let name = name.trim();
                let define = format!(" */\n#define {} ", initialiser_name(name));
                assert!(header.contains(&define), "{name} has no initialiser");
                structs += 1;
            }
        }
    }
    assert!(structs >= 5, "only {structs} structs were found");
}
