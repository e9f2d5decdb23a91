//! What happens before a prefix download starts: its request is validated, and the manifest locked.

use std::fs::{self, DirBuilder};
use std::io;
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Instant;

use super::control::Control;
use super::decision::Circumstances;
use super::manifest::Manifest;
use super::mapping::{Limits, MANIFEST_DIRECTORY};
use super::run::{Progress, Run};
use super::tree::{self, Tree};
use crate::client::Client;
use crate::model::error::{Error, Result};
use crate::model::listing::ListRequest;
use crate::model::options::max_active_downloads;
use crate::model::prefix::PrefixRequest;
use crate::model::request::{Checkpoint, DownloadRequest};
use crate::oss::validate;
use crate::storage::paths;
use crate::sync::channel::unbounded;
use crate::sys;

/// The manifest's name in its directory, if that holds no other.
const MANIFEST: &str = "manifest";
/// Suffix of its name if the directory may hold others.
const SUFFIX: &str = ".oss-resumable-manifest";
/// Permission bits of the manifest's directory: checkpoints are nobody else's business.
const MODE: u32 = 0o700;
/// The id that the kernel has had since the system started.
const BOOT_ID: &str = "/proc/sys/kernel/random/boot_id";

/// Validates the request and locks the manifest; `Busy` if another run has locked it.
pub fn prepare(client: &Client, request: &PrefixRequest) -> Result<Run> {
    let started = Instant::now();
    let exit_guard = sys::exit::guard()?;
    check(request)?;
    client.require_service()?;
    let (messages, inbox) = unbounded();
    let control = Arc::new(Control::new(messages.clone(), started));
    if let Some(queue) = &request.events {
        control.report_to(queue, request.tag)?;
    }
    let directory = existing_directory(&request.directory, "directory")?;
    let tree = Tree::open(&directory)?;
    let (checkpoints, manifest_path) = match &request.manifest_dir {
        Some(path) => {
            let found = existing_directory(path, "manifest_dir")?;
            let path = found.join(manifest_name(&directory));
            (found, path)
        }
        None => {
            let own = own_directory(&directory)?;
            let path = own.join(MANIFEST);
            (own, path)
        }
    };
    let manifest = Manifest::open(&manifest_path, &directory)?;
    let file_system = sys::file::file_system(&directory)
        .map_err(|error| Error::io("read the file system of", &directory, &error))?;
    drop(exit_guard);
    let limits = Limits { name: file_system.name_max, path: paths::room_in(&directory) };
    Ok(Run {
        client: client.clone(),
        control,
        messages,
        inbox,
        folds: folds(&directory),
        window: Run::window_for(max_active_downloads(client.options().max_active_downloads)),
        circumstances: Circumstances { verify: request.verify, boot: boot_id() },
        request: request.clone(),
        directory,
        checkpoints,
        tree,
        manifest,
        limits,
        started,
        progress: Progress::default(),
    })
}

/// Checks everything that needs no I/O.
fn check(request: &PrefixRequest) -> Result<()> {
    let list = ListRequest::new(&request.bucket).prefix(&request.prefix);
    validate::list_request(&ListRequest { start_after: request.start_after.clone(), ..list })?;
    let objects = &request.objects;
    let fixed = [
        (!objects.bucket.is_empty(), "bucket"),
        (!objects.key.is_empty(), "key"),
        (objects.url.is_some(), "url"),
        (objects.url_provider.is_some(), "url_provider"),
        (objects.file_path.is_some(), "file_path"),
        (objects.checkpoint != Checkpoint::Off, "checkpoint"),
        (objects.range.is_some(), "range"),
        (objects.version_id.is_some(), "version_id"),
        (objects.has_conditions(), "a condition"),
        (objects.is_processed(), "x-oss-process"),
        (objects.expected_sha256.is_some(), "expected_sha256"),
        (objects.expected_md5.is_some(), "expected_md5"),
        (objects.expected_crc64.is_some(), "expected_crc64"),
        (objects.events.is_some(), "an event queue"),
        (objects.deadline.is_some(), "deadline"),
    ];
    if let Some((_, field)) = fixed.iter().find(|(is_set, _)| *is_set) {
        return Err(Error::validation(format!(
            "the request for the objects of a prefix must not set {field}: the prefix download does, or it has no meaning there"
        )));
    }
    for (name, path) in
        [("directory", Some(&request.directory)), ("manifest_dir", request.manifest_dir.as_ref())]
    {
        if let Some(path) = path {
            validate::usable_path(name, path)?;
        }
    }
    // The rest is that of every object.
    validate::request(&DownloadRequest {
        bucket: request.bucket.clone(),
        key: "key".to_owned(),
        ..objects.clone()
    })
}

/// The directory's absolute path without symbolic links.
fn existing_directory(path: &Path, what: &str) -> Result<PathBuf> {
    let found =
        fs::canonicalize(path).and_then(|found| Ok((fs::metadata(&found)?.is_dir(), found)));
    match found {
        Ok((true, found)) => Ok(found),
        Ok((false, _)) => {
            Err(Error::validation(format!("{what} '{}' is not a directory", path.display())))
        }
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            Err(Error::validation(format!("{what} '{}' does not exist", path.display())))
        }
        Err(error) => Err(Error::io(&format!("read the metadata of {what}"), path, &error)),
    }
}

/// Creates the manifest's directory, if it is not there.
fn own_directory(directory: &Path) -> Result<PathBuf> {
    let path = directory.join(MANIFEST_DIRECTORY);
    match DirBuilder::new().mode(MODE).create(&path) {
        Err(error) if error.kind() != io::ErrorKind::AlreadyExists => {
            return Err(Error::io("create the directory", &path, &error));
        }
        _ => {}
    }
    match fs::symlink_metadata(&path) {
        Ok(found) if found.is_dir() => Ok(path),
        Ok(found) if found.is_symlink() => Err(tree::link(&path)),
        Ok(_) => Err(Error::validation(format!("'{}' is not a directory", path.display()))),
        Err(error) => Err(Error::io("read the metadata of", &path, &error)),
    }
}

/// The name of the manifest of `directory` in a directory that others may share.
fn manifest_name(directory: &Path) -> String {
    let digest = openssl::sha::sha256(directory.as_os_str().as_encoded_bytes());
    let digits: String = digest.iter().take(16).map(|byte| format!("{byte:02x}")).collect();
    digits + SUFFIX
}

/// Whether a directory does not distinguish upper and lower case. Its manifest's directory is looked up by another name.
fn folds(directory: &Path) -> bool {
    fs::symlink_metadata(directory.join(MANIFEST_DIRECTORY.to_uppercase())).is_ok()
        && fs::symlink_metadata(directory.join(MANIFEST_DIRECTORY)).is_ok()
}

fn boot_id() -> Option<[u8; 16]> {
    let text = fs::read_to_string(BOOT_ID).ok()?;
    let digits: String = text.chars().filter(char::is_ascii_hexdigit).collect();
    u128::from_str_radix(&digits, 16).ok().map(u128::to_be_bytes)
}
