//! A forked child has a client and a running download of its parent: its calls are refused, nothing hangs, and the
//! parent's download continues unharmed.

use std::process::Command;
use std::time::{Duration, Instant};

use local_oss::Fault;
use oss_resumable::{
    AccessKey, Client, ClientOptions, Credentials, Download, DownloadRequest, Error, ErrorKind,
    EventQueue, Phase,
};

use crate::fixture::{BUCKET, Fixture, ID, KEY, MIB, SECRET};

const FORKS: usize = 20;

/// Calls the library's Rust API in a forked child; returns the first wrong result.
fn try_everything(
    client: Client,
    download: Download,
    queued: Download,
    queue: EventQueue,
    request: &DownloadRequest,
) -> Result<(), &'static str> {
    let key = AccessKey::new(ID, SECRET, None);
    let refused = |error: Option<Error>, what| match error {
        Some(error) if error.kind() == ErrorKind::Forked => Ok(()),
        _ => Err(what),
    };
    refused(client.start(request).err(), "start")?;
    refused(client.download(request).err(), "download")?;
    refused(client.set_region("cn-beijing").err(), "set_region")?;
    refused(client.set_max_connections(1).err(), "set_max_connections")?;
    refused(client.set_credentials(Credentials::Anonymous).err(), "set_credentials")?;
    refused(client.presign(request, &key, Duration::from_secs(60)).err(), "presign")?;
    refused(client.inspect_checkpoint(request).err(), "inspect_checkpoint")?;
    refused(client.discard_checkpoint(request).err(), "discard_checkpoint")?;
    refused(download.wait(None).and_then(Result::err), "wait")?;
    refused(queue.next(None).err(), "next")?;
    refused(queue.fd().err(), "fd")?;
    let own = Client::new(options()).map_err(|_| "a client of the child")?;
    refused(own.start(request).err(), "start with the parent's queue")?;
    refused(queued.wait(None).and_then(Result::err), "wait for a queued download")?;
    if download.status().phase != Phase::Failed || queued.status().phase != Phase::Failed {
        return Err("status");
    }
    queued.set_priority(1);
    queued.cancel();
    download.set_bandwidth(1);
    download.cancel();
    client.shutdown();
    drop(queued);
    drop(queue);
    drop(download);
    drop(client);
    Ok(())
}

fn options() -> ClientOptions {
    let endpoint = std::env::var("TEST_ENDPOINT").expect("run by the test below");
    let mut options = ClientOptions::new(endpoint).region("cn-hangzhou");
    options.credentials = Credentials::Static(AccessKey::new(ID, SECRET, None));
    options.max_active_downloads = 1;
    options
}

#[test]
#[ignore = "runs in a process of its own, started by the test below"]
fn parent() {
    let client = Client::new(options()).expect("client");
    let queue = EventQueue::new().expect("queue");
    let request = DownloadRequest::new(BUCKET, KEY).file_path("file.bin").checkpoint_dir(".");
    let request = request.event_queue(&queue, 0);
    let download = client.start(&request).expect("start");
    let after_it = DownloadRequest::new(BUCKET, "generated/1000").file_path("queued.bin");
    let queued = client.start(&after_it).expect("start");
    while download.status().bytes_done == 0 {
        std::thread::yield_now();
    }
    for fork in 0..FORKS {
        // The child has copies of the handles, as of all memory.
        let child = raw::fork(|| {
            let (client, download, queue) = raw::copies(&client, &download, &queue);
            let queued = raw::copy(&queued);
            try_everything(client, download, queued, queue, &request)
        });
        assert_eq!(raw::wait(child, Duration::from_secs(20)), Some(0), "child {fork}");
    }
    assert!(download.wait(Some(Duration::ZERO)).is_none(), "it ended before the last fork");
    let ended = download.wait(None).expect("no limit");
    println!("saved {} bytes", ended.expect("the children harmed it").file_size);
    let ended = queued.wait(None).expect("no limit");
    assert_eq!(ended.expect("its turn came").file_size, 1000);
}

#[test]
fn every_call_in_a_forked_child_is_refused_and_the_parent_unaffected() {
    let fixture = Fixture::new(16 * MIB);
    let slow = fixture.server.inject(Fault::RateLimit(MIB));
    let program = std::env::current_exe().expect("this program");
    let parent = Command::new(program)
        .args(["--exact", "--ignored", "--nocapture", "forked::parent"])
        .env("TEST_ENDPOINT", fixture.server.endpoint())
        .current_dir(fixture.dir())
        .stdout(std::process::Stdio::piped())
        .spawn()
        .expect("start");
    let output = parent.wait_with_output().expect("run");
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(output.status.success() && said.contains("saved"), "{said}");
    assert!(fixture.server.fault_hits(slow) > 0);
    fixture.assert_range(0..16 * MIB);
    assert_eq!(fixture.files(), ["file.bin", "queued.bin"]);
}

/// `fork` and related calls.
#[allow(unsafe_code)]
mod raw {
    use super::*;

    /// Runs `body` in a forked child, which exits with 0 if it succeeds.
    pub fn fork(body: impl FnOnce() -> Result<(), &'static str>) -> libc::pid_t {
        // SAFETY: the child runs `body` and ends with `_exit`; it never returns into the test runner.
        unsafe {
            let child = libc::fork();
            if child == 0 {
                if let Err(wrong) = body() {
                    libc::write(2, wrong.as_ptr().cast(), wrong.len());
                    libc::_exit(1);
                }
                libc::_exit(0);
            }
            assert!(child > 0, "fork");
            child
        }
    }

    /// The child's copies of the handles. The parent's originals are in another process.
    pub fn copies(
        client: &Client,
        download: &Download,
        queue: &EventQueue,
    ) -> (Client, Download, EventQueue) {
        // SAFETY: called in the forked child only, which does not use the originals and ends without dropping them.
        unsafe { (std::ptr::read(client), std::ptr::read(download), std::ptr::read(queue)) }
    }

    /// The child's copy of another download.
    pub fn copy(download: &Download) -> Download {
        // SAFETY: as above.
        unsafe { std::ptr::read(download) }
    }

    /// The child's exit status; a child that does not end in time is killed and gives `None`.
    pub fn wait(child: libc::pid_t, limit: Duration) -> Option<i32> {
        let give_up_at = Instant::now() + limit;
        let mut status = 0;
        // SAFETY: `status` outlives the calls; the child is the caller's own and has not been waited for.
        unsafe {
            while libc::waitpid(child, &raw mut status, libc::WNOHANG) == 0 {
                if Instant::now() > give_up_at {
                    libc::kill(child, libc::SIGKILL);
                    libc::waitpid(child, &raw mut status, 0);
                    return None;
                }
                std::thread::sleep(Duration::from_millis(1));
            }
        }
        libc::WIFEXITED(status).then(|| libc::WEXITSTATUS(status))
    }
}
