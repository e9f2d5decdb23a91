//! The name of the file when the request gives none.

use std::process::Command;

use oss_resumable::DownloadRequest;

use crate::fixture::{Fixture, PART};

use super::{client, link};

fn named(url: &str) -> Result<String, oss_resumable::Error> {
    DownloadRequest::from_url(url).default_file_name().map(std::borrow::Cow::into_owned)
}

#[test]
fn it_is_the_decoded_last_segment_of_the_path_and_never_leaves_the_directory() {
    for (url, name) in [
        ("https://host/dir/file.bin?name=other#part", "file.bin"),
        ("https://host/dir/a%20b%2Bc.bin", "a b+c.bin"),
        ("https://host/%E6%96%87.bin", "\u{6587}.bin"),
        ("https://host/dir/x%2Fy.bin", "y.bin"),
        ("https://host/..%2F..%2Fetc%2Fpasswd", "passwd"),
        ("https://host/a/../b", "b"),
        ("https://host/..%5C..%5Cup", "..\\..\\up"),
    ] {
        assert_eq!(named(url).expect(url), name);
    }
    for url in [
        "https://host",
        "https://host/",
        "https://host/dir/?file.bin",
        "https://host/dir/..",
        "https://host/dir/%2e%2e",
        "https://host/x%2F",
        "https://host/%ff",
        "https://host/a%00b",
        "not a URL",
    ] {
        let error = named(url).expect_err(url);
        assert!(error.message().contains("file_path"), "{url}: {error}");
    }
    let long = format!("https://host/{}?SECRET", "x".repeat(256));
    assert!(!named(&long).expect_err("too long").message().contains("SECRET"));
}

#[test]
fn the_file_is_created_in_the_current_directory() {
    let fixture = Fixture::new(3 * PART);
    let said = Command::new(std::env::current_exe().expect("this program"))
        .args(["--exact", "--ignored", "--nocapture", "url::defaults::child"])
        .env("TEST_URL", link(&fixture))
        .current_dir(fixture.dir())
        .output()
        .expect("run");
    assert!(said.status.success(), "{}", String::from_utf8_lossy(&said.stdout));
    assert_eq!(fixture.files(), ["exampleobject.bin"]);
}

#[test]
#[ignore = "runs in a child process, with the current directory the other test gives it"]
fn child() {
    let url = std::env::var("TEST_URL").expect("run by the other test");
    client().download(&DownloadRequest::from_url(url)).expect("download");
}
