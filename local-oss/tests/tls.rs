//! HTTPS, with good and bad certificates.

mod support;

use std::io::{Read, Write};
use std::net::TcpStream;

use local_oss::{Config, Fault, Object, Server, Tls};
use openssl::ssl::{SslConnector, SslMethod, SslStream};

use support::BUCKET;

fn serving(kind: Tls) -> Server {
    let server = {
        let tls_names = vec!["examplebucket.localhost".to_owned()];
        Server::start(Config { tls: Some(kind), tls_names, ..Config::default() }).unwrap()
    };
    server.put(BUCKET, "key", Object::pattern(300_000, 1));
    server
}

/// Connects as a client that trusts the server's CA.
fn connect(server: &Server, name: &str) -> Result<SslStream<TcpStream>, String> {
    let mut connector = SslConnector::builder(SslMethod::tls()).unwrap();
    connector.set_ca_file(server.ca_file().unwrap()).unwrap();
    let socket = TcpStream::connect(("127.0.0.1", server.port())).unwrap();
    connector.build().connect(name, socket).map_err(|error| error.to_string())
}

/// Whether the stream ended with TLS's close_notify after `fault`.
fn ends_with_close_notify(fault: Fault) -> bool {
    let server = serving(Tls::Valid);
    server.inject(fault);
    let mut stream = connect(&server, "127.0.0.1").unwrap();
    request(&mut stream);
    let ended = stream.read_to_end(&mut Vec::new());
    ended.is_ok() && stream.get_shutdown().contains(openssl::ssl::ShutdownState::RECEIVED)
}

#[test]
fn a_stream_that_is_cut_off_ends_without_close_notify() {
    assert!(ends_with_close_notify(Fault::CloseAfter(1000)));
    assert!(!ends_with_close_notify(Fault::CutOffAfter(1000)));
}

fn request(stream: &mut SslStream<TcpStream>) {
    let request =
        b"GET /examplebucket/key HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n";
    stream.write_all(request).unwrap();
}

#[test]
fn an_object_is_sent_over_tls() {
    let server = serving(Tls::Valid);
    assert!(server.endpoint().starts_with("https://"));
    assert!(server.ca_pem().unwrap().starts_with(b"-----BEGIN CERTIFICATE-----"));
    for name in ["127.0.0.1", "localhost", "examplebucket.localhost"] {
        let mut stream = connect(&server, name).unwrap();
        request(&mut stream);
        let mut reply = Vec::new();
        stream.read_to_end(&mut reply).unwrap();
        assert!(reply.starts_with(b"HTTP/1.1 200 OK\r\n"));
        assert!(reply.ends_with(&server.object_bytes(BUCKET, "key", 0..300_000).unwrap()));
    }
}

#[test]
fn each_bad_certificate_fails_for_its_own_reason() {
    let reasons = [
        (Tls::WrongHost, "IP address mismatch"),
        (Tls::Expired, "certificate has expired"),
        (Tls::SelfSigned, "self-signed certificate"),
    ];
    for (kind, reason) in reasons {
        let error = connect(&serving(kind), "127.0.0.1").unwrap_err();
        assert!(error.contains(reason), "{kind:?}: {error}");
    }
}

#[test]
fn faults_break_tls_connections_below_tls() {
    let server = serving(Tls::Valid);
    server.inject(Fault::ResetAfter(100_000));
    let mut stream = connect(&server, "127.0.0.1").unwrap();
    request(&mut stream);
    let mut reply = Vec::new();
    let error = stream.read_to_end(&mut reply).unwrap_err();
    assert!(reply.len() < 110_000, "{error}");
    assert_eq!(error.kind(), std::io::ErrorKind::ConnectionReset);
}

#[test]
fn the_ca_file_lives_as_long_as_the_server() {
    let server = serving(Tls::Valid);
    let path = server.ca_file().unwrap().to_owned();
    assert_eq!(std::fs::read(&path).unwrap(), server.ca_pem().unwrap());
    drop(server);
    assert!(!path.exists());
}
