//! Downloads one object to a file and writes its bytes to the standard output meanwhile, for a program that can begin
//! before everything is there. What it writes is proven only by its exit status 0.
//!
//! ```text
//! OSS_ACCESS_KEY_ID=... OSS_ACCESS_KEY_SECRET=... cargo run --example follow -- \
//!     https://oss-cn-hangzhou.aliyuncs.com cn-hangzhou examplebucket film.mp4 film.mp4 | player
//! ```

use std::fs::File;
use std::io::{self, Write};
use std::os::unix::fs::FileExt;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use oss_resumable::{Client, ClientOptions, Download, DownloadRequest, Order, Phase, Status};

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [endpoint, region, bucket, key, file] = arguments.as_slice() else {
        eprintln!("usage: follow ENDPOINT REGION BUCKET KEY FILE");
        return ExitCode::from(2);
    };
    let mut request = DownloadRequest::new(bucket, key).file_path(file).part_size(1024 * 1024);
    request.order = Order::Sequential;
    match follow(endpoint, region, &request, file.into()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}

fn follow(
    endpoint: &str,
    region: &str,
    request: &DownloadRequest,
    file_path: PathBuf,
) -> Result<(), Box<dyn std::error::Error>> {
    let client = Client::new(ClientOptions::new(endpoint).region(region))?;
    let download = client.start(request)?;
    let mut reader = Reader { file_path, file: None, written: 0 };
    loop {
        let ended = download.wait(Some(Duration::from_millis(20)));
        reader.look(&download)?;
        if let Some(result) = ended {
            result?;
            return Ok(());
        }
    }
}

struct Reader {
    file_path: PathBuf,
    file: Option<File>,
    written: u64,
}

impl Reader {
    /// Writes what is new. An error if bytes that were written turned out to be useless.
    fn look(&mut self, download: &Download) -> io::Result<()> {
        let status = download.status();
        self.open(&status)?;
        let Some(file) = &self.file else { return Ok(()) };
        let mut buffer = vec![0; 64 * 1024];
        while self.written < status.contiguous_bytes {
            let left =
                usize::try_from(status.contiguous_bytes - self.written).unwrap_or(usize::MAX);
            let most = left.min(buffer.len());
            let got = file.read_at(&mut buffer[..most], self.written)?;
            // As long as nothing has been reset, the bytes are those that the status has promised.
            if got == 0 || download.status().contiguous_resets != 0 {
                return Err(io::Error::other("what was written cannot be continued"));
            }
            io::stdout().write_all(&buffer[..got])?;
            self.written += got as u64;
        }
        io::stdout().flush()
    }

    fn open(&mut self, status: &Status) -> io::Result<()> {
        if self.file.is_none() && status.phase == Phase::Succeeded {
            self.file = Some(File::open(&self.file_path)?);
        } else if let (None, Some(path)) = (&self.file, &status.temp_path) {
            // It may have been renamed a moment ago: the next look finds it.
            self.file = File::open(path).ok();
        }
        Ok(())
    }
}
