//! The program `local-oss`.

mod support;

use std::io::{BufRead, BufReader, Read};
use std::process::{Child, Command, Output, Stdio};

use local_oss::Pattern;

fn program() -> Command {
    Command::new(env!("CARGO_BIN_EXE_local-oss"))
}

fn run(arguments: &[&str]) -> Output {
    program().args(arguments).output().unwrap()
}

/// A server process, killed at the end.
struct Running {
    process: Child,
    endpoint: String,
}

impl Running {
    fn start(arguments: &[&str]) -> Self {
        Running::of(program().args(arguments))
    }

    fn of(command: &mut Command) -> Self {
        let command = command.stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut process = command.spawn().unwrap();
        let mut line = String::new();
        BufReader::new(process.stdout.as_mut().unwrap()).read_line(&mut line).unwrap();
        let endpoint = line.trim_end().strip_prefix("listening on ").unwrap().to_owned();
        Running { process, endpoint }
    }

    fn request(&self, text: &str) -> String {
        use std::io::Write;
        let address = self.endpoint.strip_prefix("http://").unwrap();
        let mut socket = std::net::TcpStream::connect(address).unwrap();
        write!(socket, "{text}\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n").unwrap();
        let mut reply = Vec::new();
        socket.read_to_end(&mut reply).unwrap();
        String::from_utf8_lossy(&reply).into_owned()
    }

    fn standard_error(mut self) -> String {
        self.process.kill().unwrap();
        let mut text = String::new();
        self.process.stderr.take().unwrap().read_to_string(&mut text).unwrap();
        text
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // It may have ended already.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

#[test]
fn help_explains_objects_faults_and_the_ready_line() {
    let output = run(&["--help"]);
    let help = String::from_utf8(output.stdout).unwrap();
    for word in
        ["generated/<size>", "reset-after=SIZE", "every-connection:N", "listening on", "pattern"]
    {
        assert!(help.contains(word), "{word}");
    }
}

#[test]
fn it_serves_generated_objects_on_the_port_it_prints() {
    let server = Running::start(&["--port", "0"]);
    let reply = server.request("GET /examplebucket/generated/16-seed3.bin HTTP/1.1");
    let mut bytes = [0; 16];
    Pattern::new(16, 3).fill(0, &mut bytes);
    assert!(reply.starts_with("HTTP/1.1 200 OK"));
    assert!(reply.ends_with(&*String::from_utf8_lossy(&bytes)));
    assert!(server.request("GET /other/generated/16 HTTP/1.1").contains("NoSuchBucket"));
}

#[test]
fn faults_and_the_log_are_switched_on_by_arguments() {
    let server =
        Running::start(&["--log", "--fault", "status=503:Busy:7@nth:1", "--fault", "no-etag"]);
    assert!(server.request("GET /examplebucket/generated/16 HTTP/1.1").contains("Retry-After: 7"));
    let second = server.request("GET /examplebucket/generated/16?Signature=s HTTP/1.1");
    assert!(second.starts_with("HTTP/1.1 200 OK") && !second.contains("ETag"));
    let log = server.standard_error();
    assert!(log.contains("503") && log.contains("GET /examplebucket/generated/16"), "{log}");
    assert!(!log.contains("Signature"), "{log}");
}

#[test]
fn keys_make_it_ask_for_signatures() {
    let server = Running::start(&["--access-key-id", "id", "--access-key-secret", "secret"]);
    assert!(server.request("GET /examplebucket/generated/16 HTTP/1.1").contains("AccessDenied"));
}

#[test]
fn a_folder_and_tls_are_served() {
    let directory = tempfile::tempdir().unwrap();
    std::fs::write(directory.path().join("file"), "content").unwrap();
    let folder = directory.path().to_str().unwrap();
    let server = Running::start(&["--bucket", "one", "--folder", folder]);
    assert!(server.request("GET /one/file HTTP/1.1").ends_with("content"));
    let ca = directory.path().join("ca.pem");
    let server = Running::start(&["--tls", "--ca-file", ca.to_str().unwrap()]);
    assert!(server.endpoint.starts_with("https://127.0.0.1:"));
    assert!(std::fs::read_to_string(ca).unwrap().contains("BEGIN CERTIFICATE"));
}

#[test]
fn a_killed_server_leaves_no_temporary_file() {
    let directory = tempfile::tempdir().unwrap();
    drop(Running::of(program().arg("--tls").env("TMPDIR", directory.path())));
    assert_eq!(std::fs::read_dir(directory.path()).unwrap().count(), 0);
}

#[test]
fn a_pattern_is_written_and_verified() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("file");
    let file = path.to_str().unwrap();
    assert!(run(&["pattern", "--size", "3MB", "--seed", "7", "--output", file]).status.success());
    let verify = ["pattern", "--size", "3MB", "--seed", "7", "--verify", file];
    assert!(run(&verify).status.success());

    let mut bytes = std::fs::read(&path).unwrap();
    bytes[2_500_000] ^= 1;
    std::fs::write(&path, &bytes).unwrap();
    let output = run(&verify);
    assert!(!output.status.success());
    assert!(String::from_utf8_lossy(&output.stderr).contains("differs at byte 2500000"));

    std::fs::write(&path, &bytes[..1000]).unwrap();
    assert!(String::from_utf8_lossy(&run(&verify).stderr).contains("has 1000 bytes"));
    assert!(!run(&["pattern", "--size", "3MB"]).status.success());
}

#[test]
fn errors_are_reported() {
    for arguments in [&["--fault", "nonsense"][..], &["--rate", "fast"], &["--ca-file", "x"]] {
        let output = run(arguments);
        assert!(!output.status.success() && !output.stderr.is_empty(), "{arguments:?}");
    }
}
