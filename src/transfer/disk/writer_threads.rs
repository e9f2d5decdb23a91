//! Writer threads for slow disks.
//!
//! As long as the disk is fast, the transfer thread itself writes (see [`super::intake`]): the page cache accepts the
//! bytes faster than another thread can be woken. Once a write blocks, the buffers of that fetch are written here.

use std::sync::Arc;

use crate::sync::Mutex;
use crate::sync::atomic::Ordering;
use crate::sync::channel::{Receiver, Sender, bounded};
use crate::sys::panic::catch;
use crate::sys::thread::{self, Joined};
use crate::transfer::event::{Event, FetchEnd};

use super::buffers::Buffers;
use super::write_target::{Write, WriteTarget};

/// Writer threads of one client.
const WRITER_THREADS: usize = 4;
/// Queued writes for one thread; the buffers bound the memory, this only sizes the channel.
const QUEUE_DEPTH: usize = 4096;

/// One step for a writer thread. The steps of one fetch stay in order.
pub enum Step {
    Write(Write),
    /// All earlier steps are done: report the fetch's end.
    End(Box<FetchEnd>),
}

struct Task {
    write_target: Arc<WriteTarget>,
    step: Step,
}

/// A writer thread and the channel to it.
type WriterThread = (Sender<Task>, Joined);

/// The writer threads and the buffers of one client. The threads start with the first step.
pub struct WriterThreads {
    threads: Mutex<Vec<WriterThread>>,
    buffers: Arc<Buffers>,
}

impl WriterThreads {
    pub fn new() -> Self {
        WriterThreads { threads: Mutex::new(Vec::new()), buffers: Arc::new(Buffers::default()) }
    }

    pub fn buffers(&self) -> &Arc<Buffers> {
        &self.buffers
    }

    /// Queues a step; `fetch` selects the thread. Returns the step if no thread can be started.
    pub fn submit(
        &self,
        fetch: u64,
        write_target: &Arc<WriteTarget>,
        step: Step,
    ) -> Result<(), Step> {
        let mut threads = self.threads.lock();
        if threads.is_empty() {
            // Only once, however many start: if their number changed, so would a fetch's thread.
            threads.extend((0..WRITER_THREADS).map_while(|_| self.start_thread()));
        }
        if threads.is_empty() {
            return Err(step);
        }
        let thread = &threads[usize::try_from(fetch).unwrap_or(0) % threads.len()].0;
        write_target.pending.fetch_add(1, Ordering::AcqRel);
        thread.send(Task { write_target: write_target.clone(), step }).map_err(|refused| {
            write_target.pending.fetch_sub(1, Ordering::AcqRel);
            refused.0.step
        })
    }

    /// `None` if the system cannot start another thread.
    fn start_thread(&self) -> Option<WriterThread> {
        let (sender, steps) = bounded(QUEUE_DEPTH);
        let buffers = self.buffers.clone();
        let join = thread::spawn("oss-write", move || serve(&steps, &buffers)).ok()?;
        Some((sender, join))
    }

    /// Ends the writer threads once they have done their steps.
    pub fn shut_down(&self) {
        let threads = std::mem::take(&mut *self.threads.lock());
        for (sender, join) in threads {
            drop(sender);
            // A writer thread reports its failures as events.
            let _ = join.join();
        }
    }
}

fn serve(steps: &Receiver<Task>, buffers: &Buffers) {
    for Task { write_target, step } in steps {
        match step {
            Step::Write(write) => {
                let written = catch(|| write_target.write(&write));
                // The thread survives a defect: it also has steps of other fetches.
                let written = written.unwrap_or_else(|defect| {
                    write_target.failed.store(true, Ordering::Release);
                    Err(defect.into())
                });
                if let Err(error) = written {
                    let _ = write_target.events.send(Event::Fault(error));
                }
                if let Some(buffer) = write.bytes {
                    buffers.give_back(buffer);
                }
            }
            Step::End(end) => {
                let _ = write_target.events.send(Event::Ended(end));
            }
        }
        write_target.pending.fetch_sub(1, Ordering::AcqRel);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::extent::Extent;
    use crate::storage::aligned::AlignedBuffer;
    use crate::storage::temp_file::TempFile;
    use crate::sync::inbox::inbox;

    #[test]
    fn a_fetch_keeps_its_writer_thread_when_only_some_threads_could_be_started() {
        let dir = tempfile::tempdir().expect("directory");
        let file = TempFile::create(&dir.path().join("file"), None).expect("file");
        let (events, received) = inbox();
        let write_target = Arc::new(WriteTarget::new(Arc::new(file), 0, events));
        let writer_threads = WriterThreads::new();
        writer_threads.threads.lock().extend(writer_threads.start_thread());
        for offset in 0..100 {
            let extent = Some(Extent { offset, len: 1, crc: 0 });
            let mut bytes = AlignedBuffer::with_capacity(1);
            bytes.tail().push(0);
            let step = Step::Write(Write { bytes: Some(bytes), offset, extent });
            assert!(writer_threads.submit(3, &write_target, step).is_ok());
        }
        assert_eq!(writer_threads.threads.lock().len(), 1);
        writer_threads.shut_down();
        let stored: Vec<u64> = std::iter::from_fn(|| received.try_recv().ok())
            .map(|event| match event {
                Event::Stored(extent) => extent.offset,
                _ => panic!("unexpected event"),
            })
            .collect();
        assert!(stored.iter().copied().eq(0..100));
    }
}
