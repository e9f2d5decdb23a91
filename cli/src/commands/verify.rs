//! `verify`: compares a file with an object by the checksum that the service stores.

use std::fs::File;
use std::io::{self, Read};
use std::path::Path;

use openssl::hash::{Hasher, MessageDigest};
use oss_resumable::{Client, ErrorKind, Outcome};
use serde::Serialize;

use crate::arguments::VerifyArguments;
use crate::configuration::{client_options, url_options};
use crate::exit::{Exit, Failure};
use crate::output::{Lines, printable};
use crate::source::Source;

const BLOCK: usize = 1 << 20;

/// What the service says about the object.
struct Expected {
    size: u64,
    crc64: Option<u64>,
    /// `Content-MD5`, in Base64.
    md5: Option<String>,
}

/// The result in JSON.
#[derive(Serialize)]
struct Object<'a> {
    file: String,
    source: &'a str,
    matches: bool,
    compared: &'static str,
}

pub fn run(arguments: &VerifyArguments) -> Result<Exit, Failure> {
    let source = Source::parse(&arguments.source).map_err(Failure::Usage)?;
    let options = match source {
        Source::Object { .. } => client_options(&arguments.connection).map_err(Failure::Usage)?,
        Source::Url(_) => url_options(&arguments.connection),
    };
    let file = &arguments.file;
    let unreadable =
        |error: io::Error| Failure::Failed(format!("cannot read '{}': {error}", file.display()));
    let size = File::open(file).and_then(|file| file.metadata()).map_err(unreadable)?.len();
    let expected = ask(&Client::new(options)?, &source)?;
    let (compared, matches) = match &expected {
        Expected { size: other, .. } if *other != size => ("size", false),
        Expected { crc64: Some(crc), .. } => ("crc64", crc64(file).map_err(unreadable)? == *crc),
        Expected { md5: Some(digest), .. } => ("md5", md5(file).map_err(unreadable)? == *digest),
        Expected { .. } => {
            return Err(Failure::Failed(format!(
                "{}: the service has no checksum with which the file could be compared",
                source.name()
            )));
        }
    };
    tell(arguments, &source, compared, matches).map_err(Failure::Failed)?;
    Ok(if matches { Exit::Success } else { Exit::Failed })
}

fn tell(
    arguments: &VerifyArguments,
    source: &Source,
    compared: &'static str,
    matches: bool,
) -> Result<(), String> {
    let (file, name) = (arguments.file.to_string_lossy(), source.name());
    let mut lines = Lines::default();
    if arguments.json {
        let object = Object { file: file.into_owned(), source: &name, matches, compared };
        lines.write(serde_json::to_string(&object).map_err(|error| error.to_string())?);
    } else {
        let what = match compared {
            "size" => "size",
            "md5" => "MD5",
            _ => "CRC-64",
        };
        let verb = if matches { "is" } else { "differs from" };
        lines.write(printable(&format!("{file} {verb} {name} ({what})")));
    }
    lines.finish()
}

/// Asks for the first byte of the object: its reply says what is stored.
fn ask(client: &Client, source: &Source) -> Result<Expected, Failure> {
    let scratch = tempfile::tempdir().map_err(|error| {
        Failure::Failed(format!("cannot create a temporary directory: {error}"))
    })?;
    let mut request = source.request().range(0, 0).file_path(scratch.path().join("byte"));
    request.flush = false;
    request.thread_num = 1;
    request.allow_encrypted = true;
    match client.download(&request) {
        Ok(outcome) => Ok(Expected {
            size: outcome.object_size,
            crc64: outcome.object_crc64,
            md5: content_md5(&outcome),
        }),
        // An empty object has no first byte.
        Err(error) if error.status() == 416 && error.kind() == ErrorKind::Service => {
            Ok(Expected { size: 0, crc64: Some(0), md5: None })
        }
        Err(error) => Err(error.into()),
    }
}

/// `Content-MD5` is that of the whole object in a reply of OSS; other servers may mean the part that they send.
fn content_md5(outcome: &Outcome) -> Option<String> {
    let header = |wanted: &str| {
        let found = outcome.headers.iter().find(|(name, _)| name.eq_ignore_ascii_case(wanted));
        found.map(|(_, value)| value.clone())
    };
    header("x-oss-request-id").and(header("Content-MD5"))
}

fn crc64(file: &Path) -> io::Result<u64> {
    let mut crc = 0;
    each_block(file, |block| {
        crc = oss_resumable::crc64(crc, block);
        Ok(())
    })?;
    Ok(crc)
}

fn md5(file: &Path) -> io::Result<String> {
    let mut hasher = Hasher::new(MessageDigest::md5())?;
    each_block(file, |block| Ok(hasher.update(block)?))?;
    Ok(openssl::base64::encode_block(&hasher.finish()?))
}

fn each_block(file: &Path, mut take: impl FnMut(&[u8]) -> io::Result<()>) -> io::Result<()> {
    let mut file = File::open(file)?;
    let mut block = vec![0; BLOCK];
    loop {
        match file.read(&mut block)? {
            0 => return Ok(()),
            count => take(&block[..count])?,
        }
    }
}
