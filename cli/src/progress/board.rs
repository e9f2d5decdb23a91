//! What is known about all downloads.

use std::collections::BTreeMap;
use std::time::Duration;

use oss_resumable::Status;

/// The figures of one download, or of several together.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Figures {
    /// Bytes that are there, those of an earlier run included.
    pub done: u64,
    /// Bytes in all, if known.
    pub total: Option<u64>,
    /// Bytes per second from the network.
    pub rate: u64,
    /// Bytes of an earlier run.
    pub reused: u64,
}

impl Figures {
    /// Time until the last byte, if it can be told.
    pub fn time_left(&self) -> Option<Duration> {
        let missing = self.total?.saturating_sub(self.done);
        (self.rate > 0).then(|| Duration::from_secs(missing.div_ceil(self.rate)))
    }
}

impl From<&Status> for Figures {
    fn from(status: &Status) -> Self {
        Figures {
            done: status.bytes_done,
            total: status.bytes_total,
            rate: status.bytes_per_second,
            reused: status.statistics.bytes_reused,
        }
    }
}

/// What there is to show at one moment.
pub struct Snapshot {
    /// The downloads that run.
    pub files: Vec<(String, Figures)>,
    pub whole: Whole,
    /// The only file is the whole.
    pub is_single: bool,
}

/// All downloads together, and what has ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Whole {
    pub name: String,
    /// The name where there is little room.
    pub short_name: String,
    /// `None` before there are any.
    pub figures: Option<Figures>,
}

impl Whole {
    /// Of so many files, so many have ended.
    pub fn of_files(ended: u64, files: u64, figures: Figures) -> Self {
        Whole {
            name: format!("{ended} of {files} files"),
            short_name: format!("{ended}/{files}"),
            figures: Some(figures),
        }
    }
}

/// All files of a command.
pub struct Board {
    names: Vec<String>,
    active: BTreeMap<usize, Figures>,
    /// Sum over the files that have ended.
    ended: Figures,
    ended_files: usize,
}

impl Board {
    /// A board for files with these names, in the order in which they are started.
    pub fn new(names: Vec<String>) -> Self {
        Board { names, active: BTreeMap::new(), ended: Figures::default(), ended_files: 0 }
    }

    /// A download that runs has this status.
    pub fn update(&mut self, file: usize, status: &Status) {
        self.active.insert(file, Figures::from(status));
    }

    /// A download has ended. What a failed one has brought counts no more, because it will not be complete.
    pub fn end(&mut self, file: usize, complete: Option<Figures>) {
        self.active.remove(&file);
        self.ended_files += 1;
        let Some(figures) = complete else { return };
        self.ended.done += figures.done;
        self.ended.reused += figures.reused;
    }

    /// What there is to show. The downloads are in the order of their starts.
    pub fn snapshot(&self) -> Snapshot {
        let name = |file: &usize| self.names.get(*file).cloned().unwrap_or_default();
        let files = self.active.iter().map(|(file, figures)| (name(file), *figures));
        Snapshot { files: files.collect(), whole: self.whole(), is_single: self.names.len() == 1 }
    }

    /// The total is known when every file has started.
    fn whole(&self) -> Whole {
        let mut sum = self.ended;
        let mut total = Some(self.ended.done);
        for figures in self.active.values() {
            sum.done += figures.done;
            sum.rate += figures.rate;
            sum.reused += figures.reused;
            total = total.zip(figures.total).map(|(total, more)| total + more);
        }
        let all_started = self.ended_files + self.active.len() == self.names.len();
        sum.total = total.filter(|_| all_started);
        match self.names.as_slice() {
            [only] => Whole { name: only.clone(), short_name: only.clone(), figures: Some(sum) },
            _ => Whole::of_files(self.ended_files as u64, self.names.len() as u64, sum),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn board(active: &[Figures], ended: &[Figures], files: usize) -> Board {
        let mut board = Board::new((0..files).map(|file| format!("file {file}")).collect());
        for (file, figures) in ended.iter().enumerate() {
            board.end(file, Some(*figures));
        }
        for (file, figures) in active.iter().enumerate() {
            board.active.insert(ended.len() + file, *figures);
        }
        board
    }

    const HALF: Figures = Figures { done: 50, total: Some(100), rate: 10, reused: 7 };
    const WHOLE: Figures = Figures { done: 100, total: Some(100), rate: 0, reused: 3 };

    #[test]
    fn the_whole_is_the_sum_of_what_runs_and_what_has_ended() {
        let whole = board(&[HALF, HALF], &[WHOLE], 3).whole();
        assert_eq!((whole.name.as_str(), whole.short_name.as_str()), ("1 of 3 files", "1/3"));
        let whole = whole.figures.expect("figures");
        assert_eq!(whole, Figures { done: 200, total: Some(300), rate: 20, reused: 17 });
        assert_eq!(whole.time_left(), Some(Duration::from_secs(5)));
    }

    #[test]
    fn the_total_is_not_known_before_every_file_has_started() {
        let total = |board: Board| board.whole().figures.expect("figures").total;
        assert_eq!(total(board(&[HALF], &[], 2)), None);
        let unknown = Figures { total: None, ..HALF };
        assert_eq!(total(board(&[HALF, unknown], &[], 2)), None);
    }

    #[test]
    fn the_bytes_of_a_failed_file_do_not_count() {
        let mut board = board(&[HALF], &[], 1);
        board.end(0, None);
        let whole = board.whole();
        assert_eq!(whole.name, "file 0");
        assert_eq!(whole.figures, Some(Figures { total: Some(0), ..Figures::default() }));
    }
}
