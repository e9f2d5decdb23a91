//! The program of the corpus in Rust; `bindings/corpus/README.md` describes its arguments and its output.

use std::collections::HashMap;
use std::fs::File;
use std::io::{self, BufRead, BufReader, Lines};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

use oss_resumable::{
    AccessKey, Client, ClientOptions, Credentials, CredentialsProvider, Download, DownloadRequest,
    EventKind, EventQueue, Outcome, Overwrite, Phase, PrefixRequest, Result, Status, WhenBusy,
};

/// The options, `--name value`.
struct Arguments(HashMap<String, String>);

impl Arguments {
    /// `None` if an option has no value, or no name.
    fn parse(arguments: &[String]) -> Option<Self> {
        let (pairs, []) = arguments.as_chunks() else { return None };
        let option = |[name, value]: &[String; 2]| {
            Some((name.strip_prefix("--")?.to_owned(), value.clone()))
        };
        pairs.iter().map(option).collect::<Option<_>>().map(Arguments)
    }

    fn get(&self, name: &str) -> Option<&str> {
        self.0.get(name).map(String::as_str)
    }

    fn text(&self, name: &str) -> &str {
        self.get(name).unwrap_or_default()
    }

    fn number(&self, name: &str) -> Option<u64> {
        self.get(name)?.parse().ok()
    }
}

/// The answers to a provider, one in each line of a file.
struct Answers {
    lines: Mutex<Lines<BufReader<File>>>,
    calls: AtomicU64,
}

impl Answers {
    fn open(path: &str) -> io::Result<Arc<Self>> {
        let lines = Mutex::new(BufReader::new(File::open(path)?).lines());
        Ok(Arc::new(Answers { lines, calls: AtomicU64::new(0) }))
    }

    fn calls(&self) -> u64 {
        self.calls.load(Ordering::Relaxed)
    }

    /// Runs on a thread of the library.
    fn next(&self) -> std::result::Result<String, String> {
        self.calls.fetch_add(1, Ordering::Relaxed);
        let line = self.lines.lock().map_err(|error| error.to_string())?.next();
        line.ok_or("there is no other answer")?.map_err(|error| error.to_string())
    }
}

/// Supplies keys, "ID SECRET TOKEN".
struct Keys(Arc<Answers>);

impl CredentialsProvider for Keys {
    fn fetch(&self) -> std::result::Result<AccessKey, String> {
        let line = self.0.next()?;
        match line.split_whitespace().collect::<Vec<_>>()[..] {
            [id, secret, token] => Ok(AccessKey::new(id, secret, Some(token.to_owned()))),
            _ => Err("this is no key".to_owned()),
        }
    }
}

/// Observes a download; pauses or cancels it once this many bytes are there.
#[derive(Default)]
struct Watch {
    pause_at: Option<u64>,
    cancel_at: Option<u64>,
    done: u64,
    calls: u64,
    decreases: u64,
    calls_while_paused: u64,
    from_network: u64,
    while_paused: u64,
}

impl Watch {
    /// Runs in `Download::wait_with`; returns `false` to cancel the download.
    fn observe(&mut self, download: &Download, status: &Status) -> bool {
        self.calls += 1;
        self.decreases += u64::from(status.bytes_done < self.done);
        self.done = status.bytes_done;
        let from_network = status.statistics.bytes_from_network;
        if status.phase == Phase::Paused {
            self.calls_while_paused += 1;
            match self.calls_while_paused {
                1 => self.from_network = from_network,
                3 => {
                    self.while_paused = from_network - self.from_network;
                    download.resume();
                }
                _ => {}
            }
        } else if self.pause_at.take_if(|at| status.bytes_done >= *at).is_some() {
            download.pause();
        }
        self.cancel_at.is_none_or(|at| status.bytes_done < at)
    }
}

/// Prints how an object ended; returns whether it is there.
fn report(tag: u64, result: &Result<Outcome>) -> bool {
    match result {
        Ok(outcome) => {
            println!(r#"{{"tag": {tag}, "result": {}, "error": null}}"#, outcome.to_json());
        }
        Err(error) => {
            println!(r#"{{"tag": {tag}, "result": null, "error": {}}}"#, error.to_json());
        }
    }
    result.is_ok()
}

fn describe(from: &Arguments, mut to: DownloadRequest) -> DownloadRequest {
    if let Some(connections) = from.number("thread-num") {
        to = to.thread_num(connections as u32);
    }
    if let (Some(start), Some(end)) = (from.number("range-start"), from.number("range-end")) {
        to = to.range(start as i64, end as i64);
    }
    to.expected_sha256 = from.get("expected-sha256").map(|text| text.parse().expect("a SHA-256"));
    to.overwrite = match from.text("overwrite") {
        "fail" => Overwrite::Fail,
        "if-different" => Overwrite::IfDifferent,
        _ => Overwrite::Replace,
    };
    to.when_busy = if from.text("when-busy") == "wait" { WhenBusy::Wait } else { WhenBusy::Fail };
    to
}

fn download_object(
    client: &Client,
    arguments: &Arguments,
    keys: Option<&Answers>,
) -> io::Result<bool> {
    let urls = arguments.get("url").map(Answers::open).transpose()?;
    let mut request = match urls.clone() {
        Some(urls) => {
            let first = urls.next().unwrap_or_default();
            DownloadRequest::from_url(first).url_provider(move || urls.next())
        }
        None => DownloadRequest::new(arguments.text("bucket"), arguments.text("key")),
    };
    request = describe(arguments, request).file_path(arguments.text("file-path"));
    if let Some(directory) = arguments.get("checkpoint-dir") {
        request = request.checkpoint_dir(directory);
    }

    let mut watch = Watch {
        pause_at: arguments.number("pause-at"),
        cancel_at: arguments.number("cancel-at"),
        ..Watch::default()
    };
    let is_there = match client.start(&request) {
        Ok(download) => {
            let mut observe = |status: &Status| watch.observe(&download, status);
            download.wait_with(None, &mut observe).is_some_and(|result| report(0, &result))
        }
        Err(error) => report(0, &Err(error)),
    };
    // The first URL was not asked for by the library.
    let url_calls = urls.map_or(0, |urls| urls.calls() - 1);
    println!(
        r#"{{"progress_calls": {}, "progress_decreases": {}, "last_bytes_done": {}, "was_paused": {}, "bytes_while_paused": {}, "provider_calls": {}}}"#,
        watch.calls,
        watch.decreases,
        watch.done,
        watch.calls_while_paused > 0,
        watch.while_paused,
        url_calls + keys.map_or(0, Answers::calls),
    );
    Ok(is_there)
}

/// Starts the download of every key in a file, each to the directory, and follows them in this thread.
fn download_many(client: &Client, arguments: &Arguments) -> io::Result<bool> {
    let directory = PathBuf::from(arguments.text("directory"));
    let keys = std::fs::read_to_string(arguments.text("objects"))?;
    let queue = EventQueue::new().map_err(io::Error::other)?;
    let (mut running, mut ended, mut are_there) = (HashMap::new(), 0, true);
    for (tag, key) in (0..).zip(keys.lines()) {
        let name = Path::new(key).file_name().unwrap_or_default();
        let request = describe(arguments, DownloadRequest::new(arguments.text("bucket"), key))
            .file_path(directory.join(name))
            .event_queue(&queue, tag);
        match client.start(&request) {
            Ok(download) => _ = running.insert(tag, download),
            Err(error) => {
                are_there = report(tag, &Err(error));
                ended += 1;
            }
        }
    }
    while !running.is_empty() {
        let Some(event) = queue.next(None).map_err(io::Error::other)? else { continue };
        if let EventKind::Ended(_) = event.kind
            && let Some(download) = running.remove(&event.tag)
            // Returns at once.
            && let Some(result) = download.wait(None)
        {
            are_there &= report(event.tag, &result);
            ended += 1;
        }
    }
    println!(r#"{{"ended": {ended}}}"#);
    Ok(are_there)
}

fn download_prefix(client: &Client, arguments: &Arguments) -> bool {
    let request = PrefixRequest::new(
        arguments.text("bucket"),
        arguments.text("prefix"),
        arguments.text("directory"),
    );
    let outcome = match client.download_prefix(&request) {
        Ok(outcome) => outcome,
        Err(error) => return report(0, &Err(error)),
    };
    for (tag, object) in (0..).zip(outcome.objects()) {
        if let oss_resumable::ObjectResult::Failed(error) = object.result {
            report(tag, &Err(error.clone()));
        }
    }
    let counts = outcome.counts();
    println!(
        r#"{{"objects": {}, "fetched": {}, "unchanged": {}, "failed": {}, "bytes_from_network": {}}}"#,
        counts.objects, counts.fetched, counts.unchanged, counts.failed, counts.bytes_from_network,
    );
    outcome.is_complete()
}

fn download(kind: &str, arguments: &Arguments) -> io::Result<bool> {
    // Without a provider, the key comes from OSS_ACCESS_KEY_ID and OSS_ACCESS_KEY_SECRET.
    let mut options = match arguments.get("endpoint") {
        Some(endpoint) => ClientOptions::new(endpoint).region(arguments.text("region")),
        None => ClientOptions::for_urls(),
    };
    options.ca_file = arguments.get("ca-file").map(PathBuf::from);
    options.max_bandwidth = arguments.number("max-bandwidth").unwrap_or(0);
    let keys = arguments.get("keys").map(Answers::open).transpose()?;
    if let Some(keys) = keys.clone() {
        options.credentials = Credentials::provider(Keys(keys));
    }
    let client = match Client::new(options) {
        Ok(client) => client,
        Err(error) => return Ok(report(0, &Err(error))),
    };
    match kind {
        "many" => download_many(&client, arguments),
        "prefix" => Ok(download_prefix(&client, arguments)),
        _ => download_object(&client, arguments, keys.as_deref()),
    }
}

fn main() -> ExitCode {
    let given: Vec<String> = std::env::args().skip(1).collect();
    let parsed = given.split_first().and_then(|(kind, rest)| Some((kind, Arguments::parse(rest)?)));
    let Some((kind, arguments)) = parsed else {
        eprintln!("usage: corpus object|many|prefix [--OPTION VALUE]...");
        return ExitCode::from(2);
    };
    match download(kind, &arguments) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}
