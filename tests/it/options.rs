//! The effects of requests' and clients' options on the file and the connection.

use std::os::unix::fs::{FileExt, MetadataExt};
use std::time::{Duration, SystemTime};

use local_oss::{Config, Fault, Matcher, Object, Tls};
use openssl::hash::MessageDigest;
use openssl::pkey::PKey;
use openssl::rsa::Rsa;
use openssl::x509::X509;
use openssl::x509::extension::BasicConstraints;
use oss_resumable::{Checkpoint, ErrorKind, Overwrite, Proof};

use crate::fixture::{BUCKET, Fixture, KEY, MIB, PART};

#[test]
fn an_existing_file_that_must_not_be_replaced_is_an_error_before_any_request() {
    let fixture = Fixture::new(4 * PART);
    std::fs::write(fixture.target(), "mine").expect("write");
    let request = fixture.request_with(|request| request.overwrite = Overwrite::Fail);
    let error = fixture.client().download(&request).expect_err("the file exists");
    assert_eq!((error.kind(), error.code()), (ErrorKind::Io, "FileAlreadyExists"));
    assert_eq!(error.path().map(|path| path.ends_with("file.bin")), Some(true));
    assert!(fixture.server.requests().is_empty());
    assert_eq!(std::fs::read(fixture.target()).expect("target"), b"mine");

    std::fs::remove_file(fixture.target()).expect("remove");
    fixture.assert_whole(&fixture.client().download(&request).expect("nothing is in the way"));
}

#[test]
fn a_file_that_appears_during_the_download_is_not_replaced_either() {
    let fixture = Fixture::new(4 * PART);
    fixture.server.inject(Fault::RateLimit(MIB));
    let request = fixture.request_with(|request| request.overwrite = Overwrite::Fail);
    let download = fixture.client().start(&request).expect("start");
    while download.status().bytes_total.is_none() {
        std::thread::yield_now();
    }
    std::fs::write(fixture.target(), "mine").expect("write");
    let error = download.wait(None).expect("no limit").expect_err("a file is in the way");
    assert_eq!(error.code(), "FileAlreadyExists");
    assert_eq!(std::fs::read(fixture.target()).expect("target"), b"mine");

    std::fs::remove_file(fixture.target()).expect("remove");
    let outcome = fixture.client().download(&request).expect("again");
    fixture.assert_whole(&outcome);
    assert_eq!(outcome.statistics.bytes_reused, 4 * PART);
}

#[test]
fn the_file_s_time_is_set_from_the_object_on_request_only() {
    let time = SystemTime::UNIX_EPOCH + Duration::from_secs(1_234_567_890);
    let fixture = Fixture::with(Config::default(), Object::pattern(10, 7).last_modified(time));
    let modified = |on: bool| {
        let request = fixture.request_with(|request| request.set_modified_time = on);
        let outcome = fixture.client().download(&request).expect("download");
        assert_eq!(outcome.last_modified.as_deref(), Some("Fri, 13 Feb 2009 23:31:30 GMT"));
        std::fs::metadata(fixture.target()).and_then(|file| file.modified()).expect("time")
    };
    assert_eq!(modified(true), time);
    assert!(modified(false).elapsed().expect("past") < Duration::from_secs(60));
}

#[test]
fn a_disk_that_is_too_small_is_an_error_before_anything_is_written() {
    for preallocate in [false, true] {
        let fixture = Fixture::new(1 << 60);
        let request = fixture.request_with(|request| {
            request.check_space = !preallocate;
            request.preallocate = preallocate;
        });
        let error = fixture.client().download(&request).expect_err("no disk is that large");
        assert_eq!(error.kind(), ErrorKind::Io);
        if !preallocate {
            assert_eq!(error.code(), "DiskFull");
        }
        assert!(error.errno().is_some() && error.path().is_some(), "{error:?}");
        assert_eq!(fixture.server.requests().len(), 1);
        assert_eq!(fixture.files(), [""; 0]);
    }
}

#[test]
fn preallocated_blocks_are_there_before_the_bytes() {
    let fixture = Fixture::new(8 * MIB);
    fixture.server.inject(Fault::RateLimit(MIB));
    let request = fixture.request_with(|request| request.preallocate = true);
    let download = fixture.client().start(&request).expect("start");
    while download.status().bytes_done == 0 {
        std::thread::yield_now();
    }
    let reserved = std::fs::metadata(fixture.temp()).expect("temp").blocks() * 512;
    assert!(reserved >= 8 * MIB && download.status().bytes_done < 4 * MIB, "{reserved}");
}

#[test]
fn a_preallocated_file_is_complete_in_the_end() {
    let fixture = Fixture::new(2 * MIB + 1);
    let request = fixture.request_with(|request| request.preallocate = true);
    fixture.assert_whole(&fixture.client().download(&request).expect("download"));
}

#[test]
fn a_download_without_a_flush_succeeds() {
    let fixture = Fixture::new(2 * MIB);
    let request = fixture.request_with(|request| request.flush = false);
    let outcome = fixture.client().download(&request).expect("download");
    fixture.assert_whole(&outcome);
    assert_eq!(outcome.proof, Proof::ObjectCrc);
}

#[test]
fn damage_on_the_disk_during_the_download_is_found_by_verify_before_rename() {
    let fixture = Fixture::new(2 * MIB);
    fixture.server.inject(Fault::RateLimit(2 * MIB));
    let request = fixture.request_with(|request| request.verify_before_rename = true);
    let download = fixture.client().start(&request).expect("start");
    let first = fixture.server.object_bytes(BUCKET, KEY, 0..PART).expect("object");
    let mut on_disk = vec![0; first.len()];
    while on_disk != first {
        if let Ok(file) = std::fs::File::open(fixture.temp()) {
            // Shorter than a part until the first write.
            let _ = file.read_exact_at(&mut on_disk, 0);
        }
        assert!(download.wait(Some(Duration::from_millis(1))).is_none(), "too late to damage it");
    }
    let file = std::fs::OpenOptions::new().write(true).open(fixture.temp()).expect("temp");
    file.write_all_at(&[!first[50_000]], 50_000).expect("damage");

    let outcome = download.wait(None).expect("no limit").expect("healed");
    fixture.assert_whole(&outcome);
    let figures = outcome.statistics;
    assert!(figures.bytes_discarded > 0 && figures.bytes_discarded < MIB, "{figures:?}");
}

fn tls_fixture(tls: Tls) -> Fixture {
    Fixture::with(Config { tls: Some(tls), ..Config::default() }, Object::pattern(5 * PART, 7))
}

#[test]
fn a_certificate_is_verified_against_the_given_ca() {
    let fixture = tls_fixture(Tls::Valid);
    fixture.assert_whole(&fixture.client().download(&fixture.request()).expect("trusted"));
    assert!(fixture.server.requests().len() > 1);
}

fn assert_refused_at_once(tls: Tls) {
    let fixture = tls_fixture(tls);
    let error = fixture.client().download(&fixture.request()).expect_err("refused");
    assert_eq!((error.kind(), error.status()), (ErrorKind::Transport, 200_060));
    assert!(error.message().contains("certificate"), "{error}");
    assert!(fixture.server.requests().is_empty() && fixture.server.connections() == 1);
    assert_eq!(fixture.files(), [""; 0]);
}

#[test]
fn a_certificate_for_another_host_is_refused_at_once() {
    assert_refused_at_once(Tls::WrongHost);
}

#[test]
fn a_certificate_that_has_expired_is_refused_at_once() {
    assert_refused_at_once(Tls::Expired);
}

#[test]
fn a_self_signed_certificate_is_refused_at_once() {
    assert_refused_at_once(Tls::SelfSigned);
}

#[test]
fn a_certificate_of_an_unknown_ca_is_refused() {
    let fixture = tls_fixture(Tls::Valid);
    let client = fixture.client_with(|options| options.ca_file = None);
    let error = client.download(&fixture.request()).expect_err("unknown CA");
    assert_eq!(error.status(), 200_060);
    let other = tls_fixture(Tls::Valid);
    let client = fixture.client_with(|options| options.ca_file = other.options().ca_file);
    let error = client.download(&fixture.request()).expect_err("another CA");
    assert_eq!((error.kind(), error.status()), (ErrorKind::Transport, 200_060), "{error}");
    assert!(fixture.server.requests().is_empty());
}

#[test]
fn a_ca_that_only_has_the_same_name_is_refused_at_once() {
    let fixture = tls_fixture(Tls::Valid);
    let pem = namesake(fixture.server.ca_pem().expect("CA")).expect("certificate");
    let file = fixture.dir().join("ca.pem");
    std::fs::write(&file, pem).expect("write");
    let client = fixture.client_with(|options| options.ca_file = Some(file.clone()));
    let error = client.download(&fixture.request()).expect_err("another key");
    assert_eq!((error.kind(), error.status()), (ErrorKind::Transport, 200_060), "{error}");
    assert!(error.message().contains("certificate is not trusted"), "{error}");
    assert!(fixture.server.requests().is_empty());
    assert_eq!(fixture.server.connections(), 1);
}

/// A CA certificate with the same name and a key of another type: its signatures cannot even be compared.
fn namesake(pem: &[u8]) -> Result<Vec<u8>, openssl::error::ErrorStack> {
    let real = X509::from_pem(pem)?;
    let key = PKey::from_rsa(Rsa::generate(2048)?)?;
    let mut builder = X509::builder()?;
    builder.set_version(2)?;
    builder.set_subject_name(real.subject_name())?;
    builder.set_issuer_name(real.issuer_name())?;
    builder.set_not_before(real.not_before())?;
    builder.set_not_after(real.not_after())?;
    builder.append_extension(BasicConstraints::new().critical().ca().build()?)?;
    builder.set_pubkey(&key)?;
    builder.sign(&key, MessageDigest::sha256())?;
    builder.build().to_pem()
}

#[test]
fn a_directory_of_ca_certificates_is_sufficient() {
    let fixture = tls_fixture(Tls::Valid);
    let pem = fixture.server.ca_pem().expect("CA");
    let hash = X509::from_pem(pem).expect("PEM").subject_name_hash();
    let directory = tempfile::tempdir().expect("directory");
    std::fs::write(directory.path().join(format!("{hash:08x}.0")), pem).expect("write");
    let client = fixture.client_with(|options| {
        options.ca_file = None;
        options.ca_path = Some(directory.path().to_owned());
    });
    fixture.assert_whole(&client.download(&fixture.request()).expect("trusted"));
}

#[test]
fn a_ca_file_that_does_not_exist_is_an_error_that_names_it() {
    let fixture = tls_fixture(Tls::Valid);
    let client = fixture.client_with(|options| options.ca_file = Some("/nowhere/ca.pem".into()));
    let error = client.download(&fixture.request()).expect_err("no CA file");
    assert!(error.message().contains("/nowhere/ca.pem"), "{error}");
    assert_eq!(fixture.files(), [""; 0]);
}

#[test]
fn without_verification_any_certificate_is_accepted() {
    for tls in [Tls::WrongHost, Tls::Expired, Tls::SelfSigned] {
        let fixture = tls_fixture(tls);
        let client = fixture.client_with(|options| options.verify_tls = false);
        fixture.assert_whole(&client.download(&fixture.request()).expect("not verified"));
    }
}

#[test]
fn faults_over_tls_are_retried_like_others() {
    for fault in [Fault::ResetAfter(100_000), Fault::CloseAfter(100_000), Fault::ShortBody(1)] {
        let fixture = tls_fixture(Tls::Valid);
        fixture.server.inject_when(Matcher::any().nth(2), fault);
        let outcome = fixture.client().download(&fixture.request()).expect("mended");
        fixture.assert_whole(&outcome);
        assert_eq!(outcome.statistics.bytes_from_network, 5 * PART);
    }
}

/// A fixture with the files of an interrupted download.
fn interrupted() -> Fixture {
    let fixture = Fixture::new(2 * MIB);
    fixture.server.inject(Fault::CloseAfter(3 * PART));
    let client = fixture.client_with(|options| options.max_attempts = 1);
    client.download(&fixture.request().thread_num(1)).expect_err("broken");
    fixture.server.clear_faults();
    fixture
}

#[test]
fn a_checkpoint_can_be_inspected() {
    let fixture = interrupted();
    let info =
        fixture.client().inspect_checkpoint(&fixture.request()).expect("inspect").expect("there");
    assert_eq!(Some(info.path), fixture.journal().map(|path| path.canonicalize().expect("path")));
    assert_eq!((info.bucket.as_str(), info.key.as_str(), info.url), (BUCKET, KEY, None));
    assert_eq!(info.file_path, fixture.dir().canonicalize().expect("path").join("file.bin"));
    assert_eq!(info.etag, fixture.server.object(BUCKET, KEY).expect("object").etag());
    assert_eq!((info.object_size, info.range), (2 * MIB, 0..2 * MIB));
    assert_eq!(info.bytes_recorded, PART + 3 * PART);
    assert!(info.last_modified.is_some_and(|date| date.ends_with(" GMT")));
}

#[test]
fn a_checkpoint_is_found_only_for_its_own_download() {
    let fixture = interrupted();
    let client = fixture.client();
    let others = [
        fixture.request().range(0, 99),
        fixture.request().file_path(fixture.dir().join("other.bin")),
        fixture.request_with(|request| request.key = "other".to_owned()),
        fixture.request_with(|request| request.checkpoint = Checkpoint::Off),
    ];
    for request in others {
        assert_eq!(client.inspect_checkpoint(&request).expect("inspect"), None);
        assert!(!client.discard_checkpoint(&request).expect("discard"));
    }
    assert!(fixture.journal().is_some() && fixture.temp().exists());
    let beside = fixture.request_with(|request| request.checkpoint = Checkpoint::BesideTarget);
    assert!(client.inspect_checkpoint(&beside).expect("inspect").is_some());
}

#[test]
fn a_discarded_checkpoint_is_gone_and_the_download_starts_over() {
    let fixture = interrupted();
    assert!(fixture.client().discard_checkpoint(&fixture.request()).expect("discard"));
    assert_eq!(fixture.files(), [""; 0]);
    assert!(!fixture.client().discard_checkpoint(&fixture.request()).expect("nothing left"));
    let outcome = fixture.client().download(&fixture.request()).expect("download");
    fixture.assert_whole(&outcome);
    assert_eq!(outcome.statistics.bytes_reused, 0);
}

#[test]
fn a_checkpoint_in_use_cannot_be_discarded() {
    let fixture = interrupted();
    fixture.server.inject(Fault::RateLimit(MIB));
    let client = fixture.client();
    let download = client.start(&fixture.request()).expect("start");
    while download.status().bytes_total.is_none() {
        std::thread::yield_now();
    }
    let error = client.discard_checkpoint(&fixture.request()).expect_err("in use");
    assert_eq!((error.kind(), error.code()), (ErrorKind::Busy, "Busy"));
    assert!(client.inspect_checkpoint(&fixture.request()).expect("inspect").is_some());
    fixture.assert_whole(&download.wait(None).expect("no limit").expect("unharmed"));
}
