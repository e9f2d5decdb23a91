//! What `get` has to do: one job for each file.

use std::collections::HashMap;
use std::fs;
use std::path::{Path, PathBuf};

use oss_resumable::{Checkpoint, DownloadRequest, Overwrite, WhenBusy};

use crate::arguments::{Connections, GetArguments, Replacing, TargetArguments};
use crate::source::{Source, is_prefix};
use crate::source_list::{self, Listed};

/// One file to download.
pub struct Job {
    /// The source's name in messages.
    pub name: String,
    /// The file, as the user named it.
    pub target: PathBuf,
    pub request: DownloadRequest,
}

impl Job {
    /// The job of one source.
    pub fn new(source: &Source, place: &TargetArguments) -> Result<Self, String> {
        let mut request = source.request();
        let target = match &place.output {
            Some(file) => file.clone(),
            None => {
                let name = request.default_file_name().map_err(|error| error.message().to_owned());
                let name = name.map_err(|why| why.replace("set file_path", "give -o FILE"))?;
                place.directory.as_deref().unwrap_or(Path::new("")).join(&*name)
            }
        };
        request.file_path = Some(target.clone());
        request.checkpoint = match &place.checkpoint_dir {
            Some(directory) => Checkpoint::Directory(directory.clone()),
            None => Checkpoint::BesideTarget,
        };
        Ok(Job { name: source.name(), target, request })
    }
}

/// The jobs of a command. Nothing has been created, and no two are for the same file.
pub fn plan(arguments: &GetArguments) -> Result<Vec<Job>, String> {
    let named = arguments.sources.iter().map(|text| {
        if is_prefix(text) && arguments.target.output.is_none() {
            return Err(format!(
                "'{text}' names no file: give -r to download all objects whose keys begin with it, or -o FILE for an object"
            ));
        }
        let source = Source::parse(text)?;
        Ok(Listed { source, digest: None })
    });
    let mut sources: Vec<Listed> = named.collect::<Result<_, String>>()?;
    if let Some(list) = &arguments.from_file {
        sources.extend(source_list::read(list)?);
    }
    if arguments.target.output.is_some() && sources.len() != 1 {
        return Err(format!("-o names one file, and there are {} sources: give -d", sources.len()));
    }
    let jobs = sources.iter().map(|source| job(source, arguments));
    let jobs: Vec<Job> = jobs.collect::<Result<_, _>>()?;
    require_different_targets(&jobs)?;
    Ok(jobs)
}

/// Creates the directory of the files.
pub fn create_directory(place: &TargetArguments) -> Result<(), String> {
    let Some(directory) = &place.directory else { return Ok(()) };
    fs::create_dir_all(directory)
        .map_err(|error| format!("cannot create the directory '{}': {error}", directory.display()))
}

fn job(listed: &Listed, arguments: &GetArguments) -> Result<Job, String> {
    let mut job = Job::new(&listed.source, &arguments.target)?;
    if let Some(digest) = listed.digest {
        digest.expect_in(&mut job.request);
    }
    set_options(&mut job.request, arguments);
    Ok(job)
}

/// Sets what the arguments say about every file.
pub fn set_options(request: &mut DownloadRequest, arguments: &GetArguments) {
    request.overwrite = match arguments.overwrite {
        Replacing::Always => Overwrite::Replace,
        Replacing::Never => Overwrite::Fail,
        Replacing::IfDifferent => Overwrite::IfDifferent,
    };
    request.when_busy = if arguments.wait { WhenBusy::Wait } else { WhenBusy::Fail };
    match arguments.connections {
        Connections::Auto => (request.auto_concurrency, request.thread_num) = (true, 0),
        Connections::Fixed(count) => request.thread_num = count,
    }
}

fn require_different_targets(jobs: &[Job]) -> Result<(), String> {
    let mut seen = HashMap::new();
    for job in jobs {
        if let Some(other) = seen.insert(&job.target, &job.name) {
            return Err(format!(
                "{other} and {} would both become '{}'",
                job.name,
                job.target.display()
            ));
        }
    }
    Ok(())
}
