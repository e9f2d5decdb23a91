//! Servers that are not OSS: nginx, Python's `http.server`, and the shapes of replies that others send.

use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use local_oss::{Config, Fault, Object};
use oss_resumable::{ErrorKind, Overwrite, Proof, Status};

use crate::fixture::{Fixture, MIB, PART};

use super::server::{Reply, Scripted};
use super::{client, client_with, link};

const SIZE: usize = MIB as usize + 12_345;

fn object() -> Vec<u8> {
    (0..SIZE).map(|n| (n * 17 + n / 257) as u8).collect()
}

/// A program that serves a directory on a port; ends when dropped.
struct Program {
    child: Child,
    port: u16,
    directory: tempfile::TempDir,
}

impl Program {
    /// Starts `command(port, directory)`, which serves the directory's `www`.
    fn start(command: impl FnOnce(u16, &Path) -> Command) -> Self {
        let directory = tempfile::tempdir().expect("directory");
        std::fs::create_dir(directory.path().join("www")).expect("directory");
        let probe = TcpListener::bind("127.0.0.1:0").expect("a port");
        let port = probe.local_addr().expect("address").port();
        drop(probe);
        let mut command = command(port, directory.path());
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        let child = command.spawn().unwrap_or_else(|error| {
            panic!("{:?}: {error}; see scripts/deps.sh test", command.get_program())
        });
        let program = Program { child, port, directory };
        let give_up_at = Instant::now() + Duration::from_secs(20);
        while TcpStream::connect(("127.0.0.1", port)).is_err() {
            assert!(Instant::now() < give_up_at, "the server did not start");
            std::thread::sleep(Duration::from_millis(10));
        }
        program
    }

    fn put(&self, name: &str, bytes: &[u8]) {
        std::fs::write(self.directory.path().join("www").join(name), bytes).expect("write");
    }

    fn url(&self, path: &str) -> String {
        format!("http://127.0.0.1:{}{path}", self.port)
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        // It may have ended, and the test is then failing already.
        let _ = self.child.kill().and_then(|()| self.child.wait());
    }
}

/// nginx in one process; `more` is added to the server's block.
fn nginx(more: &str) -> Program {
    let unpacked = Path::new(env!("CARGO_MANIFEST_DIR")).join("build/tools/nginx/usr/sbin/nginx");
    let places = [unpacked, PathBuf::from("/usr/sbin/nginx")];
    let found = places.into_iter().find(|path| path.exists());
    Program::start(|port, directory| {
        let at = directory.display();
        let paths: String = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"]
            .iter()
            .map(|name| format!("{name}_temp_path {at}/{name};\n"))
            .collect();
        let config = format!(
            "daemon off; master_process off; pid {at}/pid; error_log {at}/log;\n\
             events {{ worker_connections 64; }}\n\
             http {{ access_log off; default_type application/octet-stream; {paths}\n\
             server {{ listen 127.0.0.1:{port}; root {at}/www; {more} }} }}\n"
        );
        let path = directory.join("nginx.conf");
        std::fs::write(&path, config).expect("write");
        let mut command = Command::new(found.unwrap_or_else(|| PathBuf::from("nginx")));
        command.arg("-p").arg(directory).arg("-c").arg(path).arg("-e").arg(directory.join("log"));
        command
    })
}

fn python() -> Program {
    Program::start(|port, directory| {
        let mut command = Command::new("python3");
        command.args(["-m", "http.server", "--bind", "127.0.0.1"]).arg(port.to_string());
        command.current_dir(directory.join("www"));
        command
    })
}

fn assert_saved(fixture: &Fixture, bytes: &[u8]) {
    assert!(std::fs::read(fixture.target()).expect("file") == bytes);
    assert_eq!(fixture.files(), ["file.bin"]);
}

#[test]
fn nginx_is_used_in_parallel_and_resumed() {
    let nginx = nginx("limit_rate 2m;");
    nginx.put("file.bin", &object());
    let fixture = Fixture::new(1);
    let request = fixture.request_for(nginx.url("/file.bin?token=1"));
    let mut stop = |status: &Status| status.bytes_done < 4 * PART;
    let error = client().download_with(&request, &mut stop).expect_err("stopped");
    assert_eq!(error.kind(), ErrorKind::Cancelled);
    let again = fixture.request_for(nginx.url("/file.bin?token=2"));
    let outcome = client().download(&again).expect("resume");
    assert_saved(&fixture, &object());
    assert!(outcome.statistics.bytes_reused >= PART && outcome.statistics.requests > 1);
    assert_eq!(outcome.proof, Proof::Generation);
}

#[test]
fn nginx_redirects_to_a_directory_with_a_slash_and_other_addresses() {
    let more = "location = /old { return 301 /new/file.bin; } location = /sum { add_header \
                x-oss-hash-crc64ecma 1; try_files /file.bin =404; }";
    let nginx = nginx(more);
    std::fs::create_dir(nginx.directory.path().join("www/new")).expect("directory");
    nginx.put("new/file.bin", &object());
    nginx.put("file.bin", &object());
    nginx.put("empty.bin", b"");
    let fixture = Fixture::new(1);
    client().download(&fixture.request_for(nginx.url("/old"))).expect("moved");
    assert_saved(&fixture, &object());
    client().download(&fixture.request_for(nginx.url("/empty.bin"))).expect("empty");
    assert_saved(&fixture, b"");
    let error = client().download(&fixture.request_for(nginx.url("/sum"))).expect_err("wrong sum");
    assert_eq!(error.code(), "CrcCheckError", "a checksum that is sent is compared");
    let error = client().download(&fixture.request_for(nginx.url("/none"))).expect_err("missing");
    assert_eq!((error.kind(), error.status()), (ErrorKind::Service, 404));
}

#[test]
fn a_file_that_is_replaced_on_nginx_between_two_runs_is_downloaded_anew() {
    let nginx = nginx("limit_rate 2m;");
    nginx.put("file.bin", &object());
    let fixture = Fixture::new(1);
    let request = fixture.request_for(nginx.url("/file.bin"));
    let mut stop = |status: &Status| status.bytes_done < 2 * PART;
    client().download_with(&request, &mut stop).expect_err("stopped");
    let mut newer = object();
    newer.reverse();
    newer.truncate(SIZE - 3);
    nginx.put("file.bin", &newer);
    let outcome = client().download(&request).expect("the new file");
    assert_saved(&fixture, &newer);
    assert_eq!(outcome.statistics.bytes_reused, 0);
}

#[test]
fn python_s_server_without_ranges_is_one_stream() {
    let python = python();
    python.put("file.bin", &object());
    python.put("small.bin", &object()[..1000]);
    let fixture = Fixture::new(1);
    let outcome = client().download(&fixture.request_for(python.url("/file.bin"))).expect("stream");
    assert_saved(&fixture, &object());
    assert_eq!((outcome.statistics.requests, outcome.proof), (1, Proof::Generation));
    client().download(&fixture.request_for(python.url("/small.bin"))).expect("stream");
    assert_saved(&fixture, &object()[..1000]);
    let middle = fixture.request_for(python.url("/file.bin")).range(10, 19);
    let error = client().download(&middle).expect_err("no ranges");
    assert!(error.message().contains("ignores the Range header"), "{error}");
    let start = fixture.request_for(python.url("/file.bin")).range(0, 19);
    client().download(&start).expect("the start of the stream");
    assert_saved(&fixture, &object()[..20]);
}

#[test]
fn a_stream_that_breaks_starts_over_and_is_never_continued() {
    let whole = |headers: &'static [&'static str]| {
        Scripted::start(move |n, _| {
            let reply = Reply::whole(&object(), headers);
            if n < 2 { reply.cut_after(300_000) } else { reply }
        })
    };
    for headers in [&["ETag: \"e\""][..], &["ETag: W/\"e\""], &[]] {
        let server = whole(headers);
        let fixture = Fixture::new(1);
        let outcome = client().download(&fixture.request_for(server.url("/x"))).expect("the third");
        assert_saved(&fixture, &object());
        assert_eq!(outcome.statistics.bytes_reused, 0);
        assert!(server.requests().len() >= 3);
    }
}

#[test]
fn a_small_object_of_a_server_without_ranges_is_repeated_when_it_breaks() {
    let small = object()[..PART as usize - 5].to_vec();
    let bytes = small.clone();
    let server = Scripted::start(move |n, _| {
        let reply = Reply::whole(&bytes, &["ETag: \"e\""]);
        if n == 0 { reply.cut_after(50_000) } else { reply }
    });
    let fixture = Fixture::new(1);
    let two_attempts = client_with(|options| options.max_attempts = 2);
    two_attempts.download(&fixture.request_for(server.url("/x"))).expect("one stream");
    assert_saved(&fixture, &small);
}

#[test]
fn a_server_that_sends_everything_for_the_byte_of_a_check_costs_little() {
    let whole = std::sync::Arc::new(std::sync::atomic::AtomicBool::new(false));
    let sends_whole = whole.clone();
    let server = Scripted::start(move |_, request| {
        let headers = ["ETag: \"e\""];
        match sends_whole.load(std::sync::atomic::Ordering::SeqCst) {
            true => Reply::whole(&object(), &headers),
            false => Reply::part(&object(), request, &headers),
        }
    });
    let fixture = Fixture::new(1);
    let mut request = fixture.request_for(server.url("/x"));
    request.overwrite = Overwrite::Fail;
    let mut block = |status: &Status| {
        if status.bytes_total.is_some() && !fixture.target().exists() {
            std::fs::write(fixture.target(), "in the way").expect("write");
        }
        true
    };
    request.max_bandwidth = 4 * MIB;
    client().download_with(&request, &mut block).expect_err("a file is in the way");
    std::fs::remove_file(fixture.target()).expect("remove");
    whole.store(true, std::sync::atomic::Ordering::SeqCst);
    let outcome = client().download(&request).expect("nothing is missing");
    assert_saved(&fixture, &object());
    assert_eq!((outcome.statistics.requests, outcome.statistics.bytes_from_network), (1, 0));
}

#[test]
fn without_a_strong_etag_parts_are_never_put_together() {
    for headers in [&["ETag: W/\"e\""][..], &["Last-Modified: Mon, 07 Nov 1994 08:49:37 GMT"]] {
        let server = Scripted::serving(object(), headers);
        let fixture = Fixture::new(1);
        client().download(&fixture.request_for(server.url("/x"))).expect("one stream");
        assert_saved(&fixture, &object());
        let ranged = server.requests().iter().filter(|r| r.header("Range").is_some()).count();
        assert_eq!((ranged, server.requests().len()), (1, 2), "the first asks for a part");
    }
}

#[test]
fn a_range_that_ends_beyond_an_object_without_a_strong_etag_is_one_stream_of_its_bytes() {
    let whole = object();
    // As OSS does without x-oss-range-behavior.
    let server = Scripted::start(move |_, request| {
        let asked = request.header("Range").and_then(|range| range.rsplit('-').next());
        let last = asked.and_then(|last| last.parse::<usize>().ok());
        match last.is_some_and(|last| last >= whole.len()) {
            true => Reply::whole(&whole, &["ETag: W/\"e\""]),
            false => Reply::part(&whole, request, &["ETag: W/\"e\""]),
        }
    });
    let fixture = Fixture::new(1);
    let request = fixture.request_for(server.url("/x")).range(1000, 10 * SIZE as i64);
    client().download(&request).expect("the rest of the object");
    assert_saved(&fixture, &object()[1000..]);
}

/// `bytes` in chunks.
fn chunked(bytes: &[u8]) -> Vec<u8> {
    let mut body = Vec::new();
    for chunk in bytes.chunks(70_000) {
        body.extend(format!("{:x}\r\n", chunk.len()).bytes());
        body.extend(chunk);
        body.extend(b"\r\n");
    }
    body.extend(b"0\r\n\r\n");
    body
}

#[test]
fn a_chunked_body_without_a_length_is_one_stream() {
    for bytes in [object(), Vec::new()] {
        let body = chunked(&bytes);
        let server = Scripted::start(move |n, _| {
            let heads = ["Transfer-Encoding: chunked", "ETag: \"e\""];
            let reply = Reply::new("200 OK", &heads, body.clone());
            if n == 0 && body.len() > 100 { reply.cut_after(300_000) } else { reply }
        });
        let fixture = Fixture::new(1);
        let outcome = client().download(&fixture.request_for(server.url("/x"))).expect("stream");
        assert_saved(&fixture, &bytes);
        assert_eq!((outcome.object_size, outcome.proof), (bytes.len() as u64, Proof::Generation));
        let part = fixture.request_for(server.url("/x")).range(0, 9);
        let error = client().download(&part).expect_err("unknown size");
        assert!(error.message().contains("size of the object"), "{error}");
    }
}

#[test]
fn a_body_whose_end_or_coding_is_not_known_is_a_clear_error() {
    let gzip = "Content-Encoding: gzip";
    let chunks = "Transfer-Encoding: chunked";
    for (headers, body, words) in [
        (vec![], object(), "size of the object"),
        (vec![gzip, chunks], chunked(&object()), "compressed in transit"),
        (vec![gzip], object(), "compressed in transit"),
        (vec!["Transfer-Encoding: gzip, chunked"], chunked(&object()), ""),
    ] {
        let server = Scripted::start(move |_, _| Reply::new("200 OK", &headers, body.clone()));
        let fixture = Fixture::new(1);
        let impatient = client_with(|options| options.max_attempts = 2);
        let error = impatient.download(&fixture.request_for(server.url("/x"))).expect_err(words);
        assert!(error.message().contains(words), "{error}");
        assert_ne!(error.kind(), ErrorKind::Internal, "{error}");
        assert!(!fixture.target().exists());
    }
}

#[test]
fn an_object_that_is_stored_compressed_is_saved_as_it_is_stored() {
    let fixture =
        Fixture::with(Config::default(), Object::pattern(MIB, 7).content_encoding("gzip"));
    let outcome = client().download(&fixture.request_for(link(&fixture))).expect("download");
    fixture.assert_whole(&outcome);
}

#[test]
fn oss_behind_a_link_may_lack_its_headers_its_checksum_and_its_etag() {
    for fault in [Fault::NoOssHeaders, Fault::NoCrc, Fault::NoEtag, Fault::WeakEtag] {
        let fixture = Fixture::new(MIB);
        fixture.server.inject(fault);
        let outcome = client().download(&fixture.request_for(link(&fixture))).expect("download");
        fixture.assert_whole(&outcome);
    }
}
