//! How the downloads are going, shown while they run.

mod board;
mod layout;
mod names;
mod plain;
mod screen;

use std::env;
use std::io::{self, IsTerminal};
use std::time::{Duration, Instant};

pub use board::{Board, Figures, Snapshot, Whole};
use plain::Plain;
use screen::Screen;

/// Time between two looks of a user at a terminal.
const EVERY: Duration = Duration::from_millis(100);

/// Shows the progress on standard error.
pub struct Progress {
    view: View,
    next: Instant,
}

enum View {
    /// Bars that are drawn again and again.
    Screen(Screen),
    /// A line now and then, without control characters.
    Plain(Plain),
    Silent,
}

impl Progress {
    /// Bars if standard error is a terminal that can draw them, plain lines otherwise, nothing if `quiet`.
    pub fn new(quiet: bool) -> Self {
        let view = if quiet {
            View::Silent
        } else if io::stderr().is_terminal()
            && env::var_os("TERM").is_none_or(|term| term != "dumb")
        {
            View::Screen(Screen::new())
        } else {
            View::Plain(Plain::new())
        };
        Progress { view, next: Instant::now() }
    }

    /// Time until the next call of [`Progress::show`] is due.
    pub fn time_left(&self) -> Duration {
        self.next.saturating_duration_since(Instant::now())
    }

    /// Shows the progress. `print` writes the lines that have come in between, if there are any.
    pub fn show(&mut self, now: &Snapshot, print: Option<impl FnOnce()>) {
        match &mut self.view {
            View::Screen(screen) => screen.show(now, print),
            View::Plain(plain) => {
                print.into_iter().for_each(|print| print());
                plain.show(&now.whole);
            }
            View::Silent => print.into_iter().for_each(|print| print()),
        }
        self.next = Instant::now() + EVERY;
    }

    /// Removes the bars.
    pub fn finish(self) {
        if let View::Screen(mut screen) = self.view {
            screen.clear();
        }
    }
}
