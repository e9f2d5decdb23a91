//! Endpoints and regions: every valid way to write an endpoint.

use std::io;
use std::net::{Ipv6Addr, Shutdown, TcpListener, TcpStream};
use std::thread;
use std::time::Duration;

use local_oss::{Config, Object, Tls};
use oss_resumable::{
    AccessKey, AddressStyle, Client, ClientOptions, DownloadRequest, ErrorKind, SignatureVersion,
};

use crate::fixture::{BUCKET, Fixture, ID, KEY, PART, SECRET};

/// Downloads the fixture's object through another spelling of its endpoint; returns the `Host` that the server
/// received.
fn host_seen(fixture: &Fixture, endpoint: &str, style: AddressStyle) -> String {
    let client = fixture.client_with(|options| {
        options.endpoint = endpoint.to_owned();
        options.address_style = style;
    });
    fixture.assert_whole(&client.download(&fixture.request()).expect(endpoint));
    fixture.server.requests().last().map(|request| request.host.clone()).unwrap_or_default()
}

fn with_domain(domain: &str, config: Config) -> Fixture {
    let custom_domains = vec![(domain.to_owned(), BUCKET.to_owned())];
    Fixture::with(Config { custom_domains, ..config }, Object::pattern(3 * PART, 7))
}

#[test]
fn an_ipv4_address_with_a_port_is_addressed_in_path_style() {
    let fixture = Fixture::new(3 * PART);
    let endpoint = format!("http://127.0.0.1:{}", fixture.server.port());
    let host = host_seen(&fixture, &endpoint, AddressStyle::Auto);
    assert_eq!(host, format!("127.0.0.1:{}", fixture.server.port()));
    let target = format!("/{BUCKET}/{KEY}");
    assert!(fixture.server.requests().iter().all(|request| request.target == target));
}

#[test]
fn a_trailing_slash_and_an_upper_case_scheme_change_nothing() {
    let fixture = Fixture::new(3 * PART);
    host_seen(
        &fixture,
        &format!("HTTP://127.0.0.1:{}/", fixture.server.port()),
        AddressStyle::Auto,
    );
}

#[test]
fn localhost_is_addressed_in_path_style() {
    let fixture = Fixture::new(3 * PART);
    let endpoint = format!("http://localhost:{}", fixture.server.port());
    assert!(host_seen(&fixture, &endpoint, AddressStyle::Auto).starts_with("localhost:"));
}

#[test]
fn a_name_is_addressed_in_virtual_host_style() {
    let fixture = with_domain(&format!("{BUCKET}.oss.localhost"), Config::default());
    let endpoint = format!("http://oss.localhost:{}", fixture.server.port());
    let host = host_seen(&fixture, &endpoint, AddressStyle::Auto);
    assert_eq!(host, format!("{BUCKET}.oss.localhost:{}", fixture.server.port()));
    let target = format!("/{KEY}");
    assert!(fixture.server.requests().iter().all(|request| request.target == target));
}

#[test]
fn a_name_is_addressed_in_path_style_on_request() {
    let fixture = Fixture::new(3 * PART);
    let endpoint = format!("http://localhost:{}", fixture.server.port());
    host_seen(&fixture, &endpoint, AddressStyle::Path);
    assert!(fixture.server.requests().iter().all(|r| r.target.starts_with("/examplebucket/")));
}

#[test]
fn a_custom_domain_is_bound_to_its_bucket_with_both_signatures() {
    for signature in [SignatureVersion::V1, SignatureVersion::V4] {
        let fixture = with_domain("download.localhost", Config::default());
        let client = fixture.client_with(|options| {
            options.endpoint = format!("http://download.localhost:{}", fixture.server.port());
            options.address_style = AddressStyle::Cname;
            options.signature = signature;
        });
        fixture.assert_whole(&client.download(&fixture.request()).expect("cname"));
        let host = format!("download.localhost:{}", fixture.server.port());
        assert!(fixture.server.requests().iter().all(|request| request.host == host));
    }
}

#[test]
fn https_is_used_when_no_scheme_is_given() {
    let domain = format!("{BUCKET}.oss.localhost");
    let config =
        Config { tls: Some(Tls::Valid), tls_names: vec![domain.clone()], ..Config::default() };
    let fixture = with_domain(&domain, config);
    let host = host_seen(
        &fixture,
        &format!("oss.localhost:{}", fixture.server.port()),
        AddressStyle::Auto,
    );
    assert!(host.starts_with(&domain));
}

/// Forwards connections from an IPv6 address to the server until the process ends.
fn forward_from_ipv6(port: u16) -> io::Result<u16> {
    let listener = TcpListener::bind((Ipv6Addr::LOCALHOST, 0))?;
    let own_port = listener.local_addr()?.port();
    thread::spawn(move || {
        for client in listener.incoming().flatten() {
            let Ok(server) = TcpStream::connect(("127.0.0.1", port)) else { return };
            let pairs = [(client.try_clone(), server.try_clone()), (Ok(server), Ok(client))];
            for pair in pairs {
                thread::spawn(move || {
                    let (Ok(mut from), Ok(mut to)) = pair else { return };
                    let _ = io::copy(&mut from, &mut to);
                    let _ = to.shutdown(Shutdown::Write);
                });
            }
        }
    });
    Ok(own_port)
}

#[test]
fn an_ipv6_address_is_in_brackets_and_addressed_in_path_style() {
    let fixture = Fixture::new(3 * PART);
    let port = match forward_from_ipv6(fixture.server.port()) {
        Ok(port) => port,
        Err(error) => return eprintln!("not tested: this machine has no IPv6: {error}"),
    };
    for signature in [SignatureVersion::V1, SignatureVersion::V4] {
        let client = fixture.client_with(|options| {
            options.endpoint = format!("http://[::1]:{port}");
            options.signature = signature;
        });
        fixture.assert_whole(&client.download(&fixture.request()).expect("IPv6"));
    }
    let host = format!("[::1]:{port}");
    assert!(fixture.server.requests().iter().all(|request| request.host == host));
}

#[test]
fn a_wrong_endpoint_is_refused_with_a_reason() {
    for endpoint in ["ftp://host", "http://host/path", "http://host:0", "http://host:99999"] {
        let error = Client::new(ClientOptions::new(endpoint)).err().expect(endpoint);
        assert_eq!(error.code(), "ValidateError", "{endpoint}");
        assert!(error.message().contains("endpoint"), "{error}");
    }
    let error = Client::new(ClientOptions::new("http://user:pass@host")).err().expect("userinfo");
    assert!(!error.to_string().contains("pass"), "{error}");
}

#[test]
fn the_region_is_taken_from_the_endpoint_and_can_be_set() {
    let key = AccessKey::new(ID, SECRET, None);
    let presigned = |client: &Client| {
        let request = DownloadRequest::new(BUCKET, KEY);
        client.presign(&request, &key, Duration::from_secs(60)).expect("presign")
    };
    for (endpoint, region) in [
        ("oss-cn-hangzhou.aliyuncs.com", "cn-hangzhou"),
        ("https://oss-us-west-1-internal.aliyuncs.com", "us-west-1"),
    ] {
        let client = Client::new(ClientOptions::new(endpoint)).expect("client");
        let url = presigned(&client);
        assert!(url.contains(&format!("%2F{region}%2Foss%2F")), "{url}");
        assert!(url.starts_with(&format!("https://{BUCKET}.oss-")), "{url}");
        client.set_region("cn-beijing").expect("set");
        assert!(presigned(&client).contains("%2Fcn-beijing%2Foss%2F"));
    }
    let options = ClientOptions::new("oss-cn-hangzhou.aliyuncs.com").region("ap-southeast-1");
    let client = Client::new(options).expect("client");
    assert!(presigned(&client).contains("%2Fap-southeast-1%2F"), "what is set wins");
}

#[test]
fn a_missing_region_is_an_error_before_any_request_until_it_is_set() {
    let fixture = Fixture::new(3 * PART);
    let client = fixture.client_with(|options| options.region = None);
    let error = client.download(&fixture.request()).expect_err("no region");
    assert_eq!((error.kind(), error.code()), (ErrorKind::Validation, "ValidateError"));
    assert!(error.message().contains("region"), "{error}");
    assert!(fixture.server.requests().is_empty());
    assert_eq!(fixture.files(), [""; 0]);

    client.set_region("oss-cn-hangzhou").expect_err("it is not a region");
    client.set_region("cn-hangzhou").expect("set");
    fixture.assert_whole(&client.download(&fixture.request()).expect("region set"));
}

#[test]
fn v1_signatures_and_anonymous_requests_need_no_region() {
    let fixture = Fixture::new(3 * PART);
    let client = fixture.client_with(|options| {
        options.region = None;
        options.signature = SignatureVersion::V1;
    });
    fixture.assert_whole(&client.download(&fixture.request()).expect("V1"));
    fixture.server.set_auth(local_oss::Auth::Anonymous);
    let client = fixture.client_with(|options| {
        options.region = None;
        options.credentials = oss_resumable::Credentials::Anonymous;
    });
    fixture.assert_whole(&client.download(&fixture.request()).expect("anonymous"));
}

#[test]
fn a_wrong_region_is_the_services_error() {
    let fixture = Fixture::new(10);
    let client = fixture.client_with(|options| options.region = Some("cn-beijing".to_owned()));
    let error = client.download(&fixture.request()).expect_err("wrong region");
    assert_eq!((error.status(), error.code()), (400, "InvalidArgument"));
    assert!(error.message().contains("region"), "{error}");
    assert_eq!(fixture.server.requests().len(), 1);
}
