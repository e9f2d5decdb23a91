//! Start, stop and restart, and what a test can observe meanwhile.

mod support;

use std::net::TcpStream;
use std::time::{Duration, Instant};

use local_oss::{Config, Fault, Object, Server};

use support::{BUCKET, Client, End, eventually, get, server};

const KEY: &str = "/examplebucket/key";

fn serving() -> Server {
    let server = server();
    server.put(BUCKET, "key", Object::bytes("123456789"));
    server
}

#[test]
fn requests_are_logged_with_their_replies() {
    let server = serving();
    let mut client = Client::new(&server);
    client.get("/examplebucket/key?x=%20", &[("Range", "bytes=1-3"), ("X-Own", "1")]);
    client.head("/examplebucket/no%20key");
    assert!(eventually(|| server.requests().iter().all(|r| r.finished.is_some())));
    let log = server.requests();
    assert_eq!(log.len(), 2);
    assert_eq!(
        (log[0].method.as_str(), log[0].target.as_str()),
        ("GET", "/examplebucket/key?x=%20")
    );
    assert_eq!((log[0].bucket.as_str(), log[0].key.as_str()), (BUCKET, "key"));
    assert_eq!(log[0].range.as_deref(), Some("bytes=1-3"));
    assert_eq!((log[0].host.as_str(), log[0].header("x-own")), ("127.0.0.1", Some("1")));
    assert_eq!((log[0].status, log[0].body_bytes), (Some(206), 3));
    assert_eq!((log[1].status, log[1].body_bytes, log[1].key.as_str()), (Some(404), 0, "no key"));
    assert_eq!((log[0].connection, log[1].connection), (1, 1));
    assert!(log[0].received <= log[1].received);
}

#[test]
fn a_reply_that_a_fault_suppressed_has_no_status_in_the_log() {
    let server = serving();
    server.inject(Fault::CloseBeforeHeaders);
    let mut client = Client::new(&server);
    client.send("GET", KEY, &[]);
    assert!(client.is_ended());
    let entry = &server.requests()[0];
    assert_eq!((entry.status, entry.finished.is_some()), (None, true));
}

#[test]
fn connections_are_counted() {
    let server = serving();
    let mut clients: Vec<_> = (0..3).map(|_| Client::new(&server)).collect();
    for client in &mut clients {
        client.get(KEY, &[]);
    }
    assert_eq!((server.connections(), server.active_connections()), (3, 3));
    drop(clients);
    assert!(eventually(|| server.active_connections() == 0));
    get(&server, KEY, &[]);
    assert_eq!((server.connections(), server.max_active_connections()), (4, 3));
}

#[test]
fn a_stop_closes_every_connection_at_once() {
    let server = serving();
    let mut idle = Client::new(&server);
    idle.get(KEY, &[]);
    server.inject(Fault::StallAfter(1));
    let mut stalled = Client::new(&server);
    stalled.send("GET", KEY, &[]);
    assert!(eventually(|| server.requests().len() == 2));
    let start = Instant::now();
    server.stop();
    assert!(start.elapsed() < Duration::from_secs(1));
    assert_eq!(server.active_connections(), 0);
    assert!(idle.is_ended());
    assert_ne!(stalled.reply(false).end, End::Silence);
    assert!(TcpStream::connect(("127.0.0.1", server.port())).is_err());
}

#[test]
fn a_restart_keeps_port_objects_and_log() {
    let server = serving();
    get(&server, KEY, &[]);
    let port = server.port();
    server.stop();
    server.restart().unwrap();
    assert_eq!(server.port(), port);
    assert_eq!(get(&server, KEY, &[]).status, 200);
    assert_eq!(server.requests().len(), 2);
}

#[test]
fn a_drop_frees_the_port() {
    let port = serving().port();
    let config = Config { port, ..Config::default() };
    assert_eq!(Server::start(config).unwrap().port(), port);
}

#[test]
fn a_client_that_disconnects_ends_its_reply() {
    let server = server();
    server.put(BUCKET, "key", Object::pattern(1 << 40, 1));
    let mut client = Client::new(&server);
    client.send("GET", KEY, &[]);
    assert!(eventually(|| server.active_connections() == 1));
    drop(client);
    assert!(eventually(|| server.active_connections() == 0));
    let entry = &server.requests()[0];
    assert!(entry.body_bytes < 1 << 40 && entry.finished.is_some());
}

#[test]
fn an_invalid_request_ends_the_connection() {
    use std::io::Write;
    let server = serving();
    let mut client = Client::new(&server);
    client.socket.write_all(b"nonsense\r\n\r\n").unwrap();
    assert!(client.is_ended());
    assert!(server.requests().is_empty());
}
