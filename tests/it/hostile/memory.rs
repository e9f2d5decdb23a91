//! A secret is wiped from the memory of a process that no longer uses it.

use std::fs::{self, File};
use std::io::{Read, Write};
use std::ops::Range;
use std::os::unix::fs::FileExt;
use std::process::{Command, Stdio};
use std::sync::Arc;

use local_oss::Fault;
use oss_resumable::{
    AccessKey, Client, ClientOptions, ContentKey, Credentials, DownloadRequest, KeyUnwrapper,
    SignatureVersion, WrappedKey,
};

use crate::encryption;
use crate::fixture::{BUCKET, Fixture, ID, KEY, MIB, PART, SECRET, wait_for_progress};

/// The secret is masked with this byte on its way to the child, so that no other buffer of the child contains it.
const MASK: u8 = 0x5A;

#[test]
fn a_secret_is_wiped_when_its_client_is_dropped_and_when_it_is_replaced() {
    for how in ["keep", "free", "replace"] {
        for signature in ["V4", "V1"] {
            let found = copies_after(how, signature);
            let expected = how == "keep";
            assert_eq!(
                found > 0,
                expected,
                "{found} copies of the secret after '{how}', {signature}"
            );
        }
    }
}

/// The number of copies of the secret in a process after a download and after what is done to its client.
fn copies_after(how: &str, signature: &str) -> usize {
    let fixture = Fixture::new(4 * PART);
    let said = said_by("hostile::memory::child", &fixture, (how, signature), SECRET.as_bytes());
    number_after("copies: ", &said)
}

#[test]
fn a_content_key_is_wiped_when_its_download_has_ended_although_the_client_lives_on() {
    let fixture = encryption::fixture(2 * MIB);
    fixture.server.inject(Fault::RateLimit(MIB));
    for how in ["decryption key", "unwrapper"] {
        let key = &encryption::KEY;
        let said = said_by("hostile::memory::decrypting_child", &fixture, (how, "V4"), key);
        assert!(number_after("during: ", &said) > 0, "{said}");
        assert_eq!(number_after("copies: ", &said), 0, "after '{how}'");
        std::fs::remove_file(fixture.target()).expect("the file");
    }
}

/// What a test says that runs in a process of its own and is given a secret.
fn said_by(test: &str, fixture: &Fixture, (how, signature): (&str, &str), secret: &[u8]) -> String {
    let mut child = Command::new(std::env::current_exe().expect("this program"))
        .args(["--exact", "--ignored", "--nocapture", test])
        .env("TEST_ENDPOINT", fixture.server.endpoint())
        .env("TEST_FILE", fixture.target())
        .env("TEST_HOW", how)
        .env("TEST_SIGNATURE", signature)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("child");
    let masked: Vec<u8> = secret.iter().map(|byte| byte ^ MASK).collect();
    child.stdin.take().expect("stdin").write_all(&masked).expect("write");
    let output = child.wait_with_output().expect("child");
    let said = String::from_utf8(output.stdout).expect("UTF-8");
    assert!(output.status.success(), "{said}");
    said
}

fn number_after(word: &str, said: &str) -> usize {
    let count = said.lines().find_map(|line| line.split_once(word));
    count.expect(said).1.parse().expect("a number")
}

#[test]
#[ignore = "runs in a child process of its own, which the other test here looks into"]
fn child() {
    let variable = |name: &str| std::env::var(name).expect("run by the other test");
    let mut masked = Vec::new();
    std::io::stdin().read_to_end(&mut masked).expect("stdin");
    let mut options = ClientOptions::new(variable("TEST_ENDPOINT")).region("cn-hangzhou");
    options.credentials = Credentials::Static(AccessKey::new(ID, unmasked(&masked), None));
    if variable("TEST_SIGNATURE") == "V1" {
        options.signature = SignatureVersion::V1;
    }
    let client = Client::new(options).expect("client");
    let request = oss_resumable::DownloadRequest::new(crate::fixture::BUCKET, crate::fixture::KEY)
        .file_path(variable("TEST_FILE"));
    client.download(&request).expect("download");
    let kept = match variable("TEST_HOW").as_str() {
        "keep" => Some(client),
        "replace" => {
            let other = AccessKey::new("other", "another secret", None);
            client.set_credentials(Credentials::Static(other)).expect("replace");
            Some(client)
        }
        _ => {
            drop(client);
            None
        }
    };
    println!("copies: {}", copies(&masked));
    drop(kept);
}

#[test]
#[ignore = "runs in a child process of its own, which a test here looks into"]
fn decrypting_child() {
    struct Unwrapper(Vec<u8>);
    impl KeyUnwrapper for Unwrapper {
        fn unwrap_key(&self, _: &WrappedKey) -> Result<ContentKey, String> {
            let mut key: Vec<u8> = self.0.iter().map(|byte| byte ^ MASK).collect();
            let content_key = ContentKey::new(&key, &encryption::IV);
            key.iter_mut().for_each(|byte| *byte = std::hint::black_box(0));
            content_key.map_err(|error| error.message().to_owned())
        }
    }
    let variable = |name: &str| std::env::var(name).expect("run by the other test");
    let mut masked = Vec::new();
    std::io::stdin().read_to_end(&mut masked).expect("stdin");
    let mut options = ClientOptions::new(variable("TEST_ENDPOINT")).region("cn-hangzhou");
    options.credentials = Credentials::Static(AccessKey::new(ID, SECRET, None));
    if variable("TEST_HOW") == "unwrapper" {
        options.key_unwrapper = Some(Arc::new(Unwrapper(masked.clone())));
    } else {
        encryption::with_key(&mut options);
    }
    let client = Client::new(options).expect("client");
    let request =
        DownloadRequest::new(BUCKET, KEY).file_path(variable("TEST_FILE")).part_size(PART);
    let download = client.start(&request).expect("start");
    wait_for_progress(&download, PART);
    // The search takes longer than the rest of the download on a busy machine.
    download.set_bandwidth(1);
    println!("during: {}", copies(&masked));
    download.set_bandwidth(0);
    download.wait(None).expect("no limit").expect("download");
    drop(download);
    println!("copies: {}", copies(&masked));
    drop(client);
}

/// The secret, in one allocation: growing it would leave copies behind.
fn unmasked(masked: &[u8]) -> String {
    let bytes: Vec<u8> = masked.iter().map(|byte| byte ^ MASK).collect();
    String::from_utf8(bytes).expect("UTF-8")
}

/// Counts the copies of the unmasked text in this process's writable memory. The text is never unmasked for the
/// comparison.
fn copies(masked: &[u8]) -> usize {
    let memory = File::open("/proc/self/mem").expect("memory");
    let mut buffer = vec![0u8; 1 << 20];
    let own = buffer.as_ptr_range();
    let own = own.start as u64..own.end as u64;
    let mut found = 0;
    for region in writable_regions() {
        let mut at = region.start;
        while at < region.end {
            let wanted = buffer.len().min((region.end - at) as usize);
            // Some regions, such as guard pages, cannot be read.
            let Ok(read) = memory.read_at(&mut buffer[..wanted], at) else { break };
            let is_here = |window: &[u8]| window.iter().zip(masked).all(|(a, b)| *a == b ^ MASK);
            found += buffer[..read]
                .windows(masked.len())
                .enumerate()
                .filter(|(offset, window)| !own.contains(&(at + *offset as u64)) && is_here(window))
                .count();
            // Windows overlap, so that a copy across two reads is found.
            let step = read.saturating_sub(masked.len() - 1);
            at +=
                if at + read as u64 >= region.end || step == 0 { read.max(1) } else { step } as u64;
        }
    }
    found
}

fn writable_regions() -> Vec<Range<u64>> {
    let maps = fs::read_to_string("/proc/self/maps").expect("maps");
    maps.lines()
        .filter_map(|line| {
            let (range, rest) = line.split_once(' ')?;
            let (start, end) = range.split_once('-')?;
            let address = |text| u64::from_str_radix(text, 16).ok();
            rest.starts_with("rw").then_some(address(start)?..address(end)?)
        })
        .collect()
}
