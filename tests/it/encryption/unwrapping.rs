//! Content keys from the caller's unwrapper.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use local_oss::{Config, Fault, Matcher};
use oss_resumable::{ContentKey, DecryptionKey, ErrorKind, KeyUnwrapper, LogLevel, WrappedKey};
use parking_lot::{Condvar, Mutex};

use super::{IV, KEY, assert_no_key, assert_plain, metadata, object, private_key};
use crate::fixture::{BUCKET, Fixture, KEY as OBJECT_KEY, MIB, PART, wait_for_progress};

const SIZE: u64 = 2 * MIB;

/// An object whose key is wrapped by a key management service.
pub fn fixture() -> Fixture {
    let mut metadata = metadata();
    metadata[0].1 = openssl::base64::encode_block(b"wrapped key");
    metadata[1].1 = openssl::base64::encode_block(b"wrapped counter");
    metadata[3].1 = "KMS/ALICLOUD".to_owned();
    metadata.push(("matdesc", r#"{"master":"1"}"#.to_owned()));
    Fixture::with(Config::default(), object(SIZE, &metadata))
}

/// A key management service that answers when it may.
#[derive(Default)]
struct Kms {
    asked: AtomicUsize,
    held_up: Mutex<bool>,
    released: Condvar,
    answer: Option<Result<ContentKey, String>>,
}

impl Kms {
    fn new() -> Arc<Self> {
        Arc::new(Kms::default())
    }

    fn held_up() -> Arc<Self> {
        Arc::new(Kms { held_up: Mutex::new(true), ..Kms::default() })
    }

    fn answering(answer: Result<ContentKey, String>) -> Arc<Self> {
        Arc::new(Kms { answer: Some(answer), ..Kms::default() })
    }

    fn release(&self) {
        *self.held_up.lock() = false;
        self.released.notify_all();
    }

    fn asked(&self) -> usize {
        self.asked.load(Ordering::SeqCst)
    }

    fn wait_until_asked(&self) {
        while self.asked() == 0 {
            std::thread::sleep(Duration::from_millis(1));
        }
    }
}

impl KeyUnwrapper for Kms {
    fn unwrap_key(&self, wrapped: &WrappedKey) -> Result<ContentKey, String> {
        assert_eq!((&*wrapped.bucket, &*wrapped.object_key), (BUCKET, OBJECT_KEY));
        assert_eq!(wrapped.wrap_algorithm, "KMS/ALICLOUD");
        assert_eq!(wrapped.matdesc.as_deref(), Some(r#"{"master":"1"}"#));
        assert_eq!(wrapped.description, [("master".to_owned(), "1".to_owned())]);
        assert_eq!(wrapped.encrypted_key, b"wrapped key");
        assert_eq!(wrapped.encrypted_iv, b"wrapped counter");
        self.asked.fetch_add(1, Ordering::SeqCst);
        let mut held_up = self.held_up.lock();
        while *held_up {
            self.released.wait(&mut held_up);
        }
        self.answer.clone().unwrap_or_else(|| Ok(ContentKey::new(&KEY, &IV).expect("a key")))
    }
}

fn client(fixture: &Fixture, kms: &Arc<Kms>) -> oss_resumable::Client {
    fixture.client_with(|options| options.key_unwrapper = Some(kms.clone()))
}

#[test]
fn an_unwrapper_is_asked_once_a_run_however_many_connections_there_are() {
    let fixture = fixture();
    let kms = Kms::new();
    let client = client(&fixture, &kms);
    fixture.server.inject(Fault::CloseAfter(100_000));
    fixture.server.inject(Fault::RateLimit(2 * MIB));
    let download = client.start(&fixture.request()).expect("start");
    wait_for_progress(&download, 3 * PART);
    download.cancel();
    download.wait(None).expect("no limit").expect_err("cancelled");
    assert_eq!(kms.asked(), 1);
    fixture.server.clear_faults();
    let outcome = client.download(&fixture.request()).expect("resume");
    assert_plain(&fixture, SIZE, 0..SIZE);
    assert!(outcome.statistics.bytes_reused > 0);
    assert_eq!(kms.asked(), 2);
}

#[test]
fn a_start_over_with_the_same_key_does_not_ask_again() {
    let fixture = fixture();
    let kms = Kms::new();
    // Changed once at the second request, so that the run starts over.
    fixture.server.inject_when(Matcher::any().nth(2), Fault::WrongEtag);
    client(&fixture, &kms).download(&fixture.request()).expect("download");
    assert_plain(&fixture, SIZE, 0..SIZE);
    assert_eq!(kms.asked(), 1);
}

#[test]
fn a_slow_unwrapper_holds_up_neither_another_download_nor_a_cancel() {
    let fixture = fixture();
    let kms = Kms::held_up();
    let client = client(&fixture, &kms);
    let waiting = client.start(&fixture.request()).expect("start");
    kms.wait_until_asked();
    fixture.server.put(BUCKET, "plain", local_oss::Object::pattern(SIZE, 1));
    let other = fixture.request_with(|request| {
        request.key = "plain".to_owned();
        request.file_path = Some(fixture.dir().join("plain"));
    });
    client.download(&other).expect("another download");
    std::fs::remove_file(fixture.dir().join("plain")).expect("remove");

    let cancelled = Instant::now();
    waiting.cancel();
    let error = waiting.wait(None).expect("no limit").expect_err("cancelled");
    assert_eq!(error.kind(), ErrorKind::Cancelled);
    assert!(cancelled.elapsed() < Duration::from_secs(5), "the unwrapper is still held up");
    assert_eq!(fixture.files(), [""; 0], "nothing was written");
    kms.release();
    client.shutdown();
}

#[test]
fn bytes_wait_for_a_slow_unwrapper_even_when_their_connection_is_lost_meanwhile() {
    let fixture = fixture();
    let kms = Kms::held_up();
    fixture.server.inject_when(Matcher::any().times(1), Fault::CloseAfter(50_000));
    let client = client(&fixture, &kms);
    let download = client.start(&fixture.request()).expect("start");
    kms.wait_until_asked();
    std::thread::sleep(Duration::from_millis(300));
    assert_eq!(fixture.files(), [""; 0], "nothing is written without the key");
    kms.release();
    download.wait(None).expect("no limit").expect("download");
    assert_plain(&fixture, SIZE, 0..SIZE);
    assert_eq!(kms.asked(), 1);
}

#[test]
fn an_unwrapper_that_does_not_answer_ends_the_download_and_is_named() {
    let fixture = fixture();
    let kms = Kms::held_up();
    let client = fixture.client_with(|options| {
        options.key_unwrapper = Some(kms.clone());
        options.first_byte_limit = Some(Duration::from_millis(500));
    });
    let error = client.download(&fixture.request()).expect_err("no answer");
    assert_eq!((error.kind(), error.code()), (ErrorKind::Service, "EncryptionClientError"));
    assert!(error.message().contains("the key unwrapper has not answered"), "{error}");
    assert!(error.message().contains("first_byte_limit"), "{error}");
    assert_eq!(fixture.files(), [""; 0]);
    kms.release();
}

/// Threads of this process that wait for an unwrapper, of all tests that are running.
fn unwrapping_threads() -> usize {
    let tasks = std::fs::read_dir("/proc/self/task").expect("tasks").flatten();
    let name = |task: std::fs::DirEntry| std::fs::read_to_string(task.path().join("comm"));
    tasks.filter_map(|task| name(task).ok()).filter(|name| name.trim_end() == "oss-unwrap").count()
}

#[test]
fn an_unwrapper_that_never_answers_occupies_a_limited_number_of_threads() {
    const LIMIT: usize = 64;
    let fixture = fixture();
    let kms = Kms::held_up();
    let client = client(&fixture, &kms);
    for asked in 1..=LIMIT {
        let download = client.start(&fixture.request()).expect("start");
        while kms.asked() < asked {
            std::thread::sleep(Duration::from_millis(1));
        }
        download.cancel();
        download.wait(None).expect("no limit").expect_err("cancelled");
    }
    for _ in 0..40 {
        let error = client.download(&fixture.request()).expect_err("asked too often");
        assert_eq!((error.kind(), error.code()), (ErrorKind::Service, "EncryptionClientError"));
        assert!(error.message().contains("has not answered 64 earlier calls"), "{error}");
    }
    assert_eq!(kms.asked(), LIMIT);
    // Other tests may be asking too, but not as often.
    assert!((LIMIT..LIMIT + 20).contains(&unwrapping_threads()), "{}", unwrapping_threads());
    kms.release();
    while client.download(&fixture.request()).is_err() {
        std::thread::sleep(Duration::from_millis(1));
    }
    assert_plain(&fixture, SIZE, 0..SIZE);
}

#[test]
fn a_reason_of_several_lines_and_any_length_becomes_one_short_line() {
    let lines = Arc::new(Mutex::new(Vec::new()));
    for (reason, words) in [
        (format!("down\r\nforged: line\x1b[0m{}", "x".repeat(10_000)), "down  forged: line [0mx"),
        (" \n".to_owned(), "no reason was given"),
    ] {
        let fixture = fixture();
        let sink = lines.clone();
        let client = fixture.client_with(|options| {
            options.key_unwrapper = Some(Kms::answering(Err(reason)));
            options.log_level = LogLevel::Debug;
            options.log = Some(Arc::new(move |_, line: &str| sink.lock().push(line.to_owned())));
        });
        let error = client.download(&fixture.request()).expect_err("no key");
        assert!(error.message().contains(words), "{error}");
        lines.lock().push(error.message().to_owned());
    }
    for line in &*lines.lock() {
        assert!(line.len() < 1000 && !line.contains(char::is_control), "{line:?}");
    }
}

#[test]
fn what_an_unwrapper_says_against_it_is_the_error() {
    struct Panicking;
    impl KeyUnwrapper for Panicking {
        fn unwrap_key(&self, _: &WrappedKey) -> Result<ContentKey, String> {
            panic!("no key")
        }
    }
    let fixture = fixture();
    let disabled: Arc<dyn KeyUnwrapper> = Kms::answering(Err("the master key is gone".to_owned()));
    for (unwrapper, words) in
        [(disabled, "the master key is gone"), (Arc::new(Panicking), "panicked")]
    {
        let client = fixture.client_with(|options| options.key_unwrapper = Some(unwrapper));
        let error = client.download(&fixture.request()).expect_err("no key");
        assert_eq!((error.kind(), error.code()), (ErrorKind::Service, "EncryptionClientError"));
        assert!(error.message().contains(words), "{error}");
        assert_no_key("the error", error.to_string().as_bytes());
        assert_eq!(fixture.files(), [""; 0]);
    }
}

#[test]
fn keys_of_the_client_come_before_its_unwrapper() {
    let kms = Kms::answering(Err("asked".to_owned()));
    let keys = |matdesc: Option<&str>| {
        let key = DecryptionKey::new(private_key("first"));
        vec![DecryptionKey { matdesc: matdesc.map(str::to_owned), ..key }]
    };
    for (matdesc, asked) in [(None, 0), (Some(r#"{"another":"key"}"#), 1)] {
        let fixture = super::fixture(SIZE);
        let client = fixture.client_with(|options| {
            options.decryption_keys = keys(matdesc);
            options.key_unwrapper = Some(Arc::new(Rsa(kms.clone())));
        });
        assert_eq!(client.download(&fixture.request()).is_err(), asked == 1);
        assert_eq!(kms.asked(), asked);
    }
}

/// Counts only that it was asked.
struct Rsa(Arc<Kms>);

impl KeyUnwrapper for Rsa {
    fn unwrap_key(&self, wrapped: &WrappedKey) -> Result<ContentKey, String> {
        assert_eq!(wrapped.wrap_algorithm, "RSA/NONE/PKCS1Padding");
        self.0.asked.fetch_add(1, Ordering::SeqCst);
        Err("no".to_owned())
    }
}
