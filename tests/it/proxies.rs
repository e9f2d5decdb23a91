//! Proxies and network interfaces. The proxy is a local-oss, which accepts the absolute form of requests to a proxy.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use local_oss::{Config, Object, Tls};
use oss_resumable::{ErrorKind, LogLevel, Proxy, ProxyScheme};

use crate::fixture::{BUCKET, Fixture, KEY, PART};
use crate::program;

/// Host and port of the fixture's server.
fn address(fixture: &Fixture) -> (String, u16) {
    let endpoint = fixture.server.endpoint();
    let (host, port) =
        endpoint.trim_start_matches("http://").split_once(':').expect("host and port");
    (host.to_owned(), port.parse().expect("port"))
}

fn proxy(fixture: &Fixture) -> Proxy {
    let (host, port) = address(fixture);
    Proxy::new(host, port)
}

#[test]
fn requests_go_through_the_proxy_with_the_service_s_name_and_the_proxy_s_credentials() {
    let fixture = Fixture::new(3 * PART);
    let client = fixture.client_with(|options| {
        options.endpoint = "http://oss-cn-hangzhou.aliyuncs.com".to_owned();
        let mut proxy = proxy(&fixture);
        proxy.user = Some("user".to_owned());
        proxy.password = Some("pass word".to_owned().into());
        options.proxy = Some(proxy);
    });
    let outcome = client.download(&fixture.request()).expect("download");
    fixture.assert_whole(&outcome);
    for request in fixture.server.requests() {
        let url = format!("http://{BUCKET}.oss-cn-hangzhou.aliyuncs.com/{KEY}");
        assert_eq!(request.target, url);
        // user:pass word
        assert_eq!(request.header("Proxy-Authorization"), Some("Basic dXNlcjpwYXNzIHdvcmQ="));
    }
}

#[test]
fn a_proxy_without_a_user_is_sent_no_credentials() {
    let fixture = Fixture::new(PART);
    let client = fixture.client_with(|options| {
        options.endpoint = "http://oss-cn-hangzhou.aliyuncs.com".to_owned();
        options.proxy = Some(proxy(&fixture));
    });
    fixture.assert_whole(&client.download(&fixture.request()).expect("download"));
    assert!(fixture.server.requests().iter().all(|r| r.header("Proxy-Authorization").is_none()));
}

/// Tunnels one connection, as a proxy does for `https`; returns the head of the CONNECT request.
fn tunnel(listener: &TcpListener) -> String {
    let (client, _) = listener.accept().expect("the client");
    let mut head = String::new();
    let mut reader = BufReader::new(client.try_clone().expect("clone"));
    while !head.ends_with("\r\n\r\n") {
        reader.read_line(&mut head).expect("head");
    }
    let target = head.split(' ').nth(1).expect("target").to_owned();
    let service = TcpStream::connect(target).expect("the service");
    (&client).write_all(b"HTTP/1.1 200 Connection established\r\n\r\n").expect("answer");
    std::thread::scope(|scope| {
        let relay = |mut from: TcpStream, mut to: TcpStream| {
            // Either side may end first.
            let _ = std::io::copy(&mut from, &mut to);
            let _ = to.shutdown(Shutdown::Both);
        };
        let (client_2, service_2) = (client.try_clone(), service.try_clone());
        let (client_2, service_2) = (client_2.expect("clone"), service_2.expect("clone"));
        scope.spawn(move || relay(client_2, service_2));
        relay(service, client);
    });
    head
}

#[test]
fn an_https_service_is_reached_through_a_tunnel_and_only_the_proxy_gets_its_credentials() {
    let config = Config { tls: Some(Tls::Valid), ..Config::default() };
    let fixture = Fixture::with(config, Object::pattern(PART, 7));
    let listener = TcpListener::bind("127.0.0.1:0").expect("listen");
    let port = listener.local_addr().expect("address").port();
    let client = fixture.client_with(|options| {
        let mut proxy = Proxy::new("127.0.0.1", port);
        proxy.user = Some("user".to_owned());
        proxy.password = Some("pass word".to_owned().into());
        options.proxy = Some(proxy);
    });
    let head = std::thread::scope(|scope| {
        let proxy = scope.spawn(|| tunnel(&listener));
        fixture.assert_whole(&client.download(&fixture.request()).expect("download"));
        // Until then the connection is kept for another download.
        client.shutdown();
        proxy.join().expect("proxy")
    });
    let service = fixture.server.endpoint().trim_start_matches("https://").to_owned();
    assert!(head.starts_with(&format!("CONNECT {service} HTTP/1.1\r\n")), "{head}");
    assert!(head.contains("Proxy-Authorization: Basic dXNlcjpwYXNzIHdvcmQ=\r\n"), "{head}");
    let inside = fixture.server.requests();
    assert!(!inside.is_empty());
    assert!(inside.iter().all(|request| request.header("Proxy-Authorization").is_none()));
}

#[test]
fn an_https_proxy_is_connected_to_over_tls() {
    let fixture = Fixture::new(PART);
    let listener = TcpListener::bind("127.0.0.1:0").expect("listen");
    let port = listener.local_addr().expect("address").port();
    let client = fixture.client_with(|options| {
        let mut proxy = Proxy::new("127.0.0.1", port);
        proxy.scheme = ProxyScheme::Https;
        options.proxy = Some(proxy);
        options.max_attempts = 1;
    });
    let download = client.start(&fixture.request()).expect("start");
    let (mut connection, _) = listener.accept().expect("the client");
    let mut greeting = [0; 3];
    connection.read_exact(&mut greeting).expect("greeting");
    assert_eq!(greeting[..2], [22, 3], "a TLS handshake record");
    drop(connection);
    let error = download.wait(Some(Duration::from_secs(20))).expect("soon").expect_err("no proxy");
    assert_eq!(error.kind(), ErrorKind::Transport);
    assert!(fixture.server.requests().is_empty(), "nothing goes past the proxy");
}

#[test]
fn a_proxy_that_refuses_is_an_error_with_its_status() {
    let fixture = Fixture::new(PART);
    let refusing = Fixture::new(PART);
    refusing.server.inject(local_oss::Fault::Html(407));
    let client = fixture.client_with(|options| options.proxy = Some(proxy(&refusing)));
    let error = client.download(&fixture.request()).expect_err("refused");
    assert_eq!((error.kind(), error.status()), (ErrorKind::Service, 407));
    assert!(fixture.server.requests().is_empty());
}

#[test]
fn the_proxy_s_password_is_in_no_message_and_no_log_line() {
    let fixture = Fixture::new(PART);
    let refusing = Fixture::new(PART);
    refusing.server.inject(local_oss::Fault::Html(407));
    let lines = Arc::new(Mutex::new(Vec::new()));
    let kept = lines.clone();
    let client = fixture.client_with(|options| {
        let mut proxy = proxy(&refusing);
        proxy.user = Some("user".to_owned());
        proxy.password = Some("hush-hush".to_owned().into());
        assert!(!format!("{proxy:?}").contains("hush"));
        options.proxy = Some(proxy);
        options.log_level = LogLevel::Debug;
        options.log =
            Some(Arc::new(move |_, line| kept.lock().expect("lines").push(line.to_owned())));
    });
    let error = client.download(&fixture.request()).expect_err("refused");
    let lines = lines.lock().expect("lines");
    assert!(!lines.is_empty());
    for text in lines.iter().cloned().chain([error.to_string(), format!("{error:?}")]) {
        assert!(!text.contains("hush") && !text.contains("aHVzaC1odXNo"), "{text}");
    }
}

#[test]
fn the_password_of_a_proxy_in_the_environment_is_in_no_message() {
    let fixture = Fixture::new(PART);
    for proxy in
        ["http://user:hush-hush@[broken", "user:hush-hush@host:99999", "odd://user:hush-hush@host"]
    {
        let mut program = program::program(&fixture, fixture.dir(), [BUCKET, KEY, "file.bin", "."]);
        program.env("http_proxy", proxy).env_remove("no_proxy").env_remove("NO_PROXY");
        let output = program::running(&mut program).output().expect("its end");
        let said = program::error_output(&output);
        assert!(!output.status.success() && said.contains("ClientError:2000"), "{said}");
        assert!(!said.contains("hush"), "{said}");
    }
}

#[test]
fn a_proxy_host_that_is_not_a_plain_name_is_refused() {
    let fixture = Fixture::new(PART);
    for host in ["", "user@proxy", "http://proxy", "a b", "proxy/path"] {
        let mut options = fixture.options();
        options.proxy = Some(Proxy::new(host, 1));
        let error = oss_resumable::Client::new(options).map(drop).expect_err("refused");
        assert_eq!(error.kind(), ErrorKind::Validation, "{host:?}");
    }
}

#[test]
fn connections_use_the_configured_network_interface() {
    let fixture = Fixture::new(3 * PART);
    let client =
        fixture.client_with(|options| options.network_interface = Some("127.0.0.1".to_owned()));
    fixture.assert_whole(&client.download(&fixture.request()).expect("download"));
    let client = fixture.client_with(|options| {
        options.network_interface = Some("no-such-interface".to_owned());
    });
    let asked = fixture.server.requests().len();
    let error = client.download(&fixture.request()).expect_err("there is no such interface");
    assert_eq!((error.kind(), error.code()), (ErrorKind::Transport, "ClientError:200045"));
    assert_eq!(fixture.server.requests().len(), asked);
}
