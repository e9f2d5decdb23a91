//! Bars on a terminal: one for each of up to ten files, and one for the whole.
//!
//! They are drawn with [`console`] alone. indicatif leaves the cursor at the end of a filled line, where the `^C` of an
//! interrupt begins another line, and then erases one line too few.

use std::env;

use console::{Term, measure_text_width};

use super::board::Snapshot;
use super::layout::Layout;

/// Most files that have a bar.
const MOST: usize = 10;

pub struct Screen {
    /// Written to in one piece, so that it does not flicker.
    terminal: Term,
    /// Columns of each line that is on the terminal. The cursor is at the beginning of the line below.
    drawn: Vec<usize>,
    wraps: bool,
}

impl Screen {
    pub fn new() -> Self {
        Screen { terminal: Term::buffered_stderr(), drawn: Vec::new(), wraps: wraps_again() }
    }

    /// Draws what is to be shown over the former. `print`, if there is something to print, writes above it.
    pub fn show(&mut self, now: &Snapshot, print: Option<impl FnOnce()>) {
        if let Some(print) = print {
            self.clear();
            print();
        }
        let (height, width) = self.terminal.size();
        // Some terminals begin another line after the last column.
        let width = usize::from(width).saturating_sub(1);
        let most = MOST.min(usize::from(height).saturating_sub(2)).max(1);
        let has_reused = now.whole.figures.is_some_and(|figures| figures.reused > 0);
        let layout = Layout::new(width, has_reused);
        let mut lines = layout.lines(&now.files[..now.files.len().min(most)]);
        if !now.is_single {
            lines.push(layout.whole(&now.whole));
        }
        self.draw(&lines);
    }

    /// Removes the bars.
    pub fn clear(&mut self) {
        self.draw(&[]);
    }

    /// A terminal that cannot be written to shows nothing; the downloads go on.
    fn draw(&mut self, lines: &[String]) {
        let text: String = lines.iter().flat_map(|line| [line, ERASE_REST_OF_LINE, "\n"]).collect();
        let width = usize::from(self.terminal.size().1).max(1);
        let rows = |columns: &usize| if self.wraps { columns.div_ceil(width).max(1) } else { 1 };
        let _ = self
            .terminal
            .move_cursor_up(self.drawn.iter().map(rows).sum())
            .and_then(|()| self.terminal.write_str("\r"))
            .and_then(|()| self.terminal.write_str(&text))
            .and_then(|()| self.terminal.clear_to_end_of_screen())
            .and_then(|()| self.terminal.flush());
        self.drawn = lines.iter().map(|line| measure_text_width(line)).collect();
    }
}

/// Whether the terminal wraps the lines that are too long for it after it has become narrower. Most do; xterm, GNU screen and
/// the console of Linux cut them off.
fn wraps_again() -> bool {
    let is_set = |name| env::var_os(name).is_some_and(|value| !value.is_empty());
    !is_set("XTERM_VERSION")
        && !is_set("STY")
        && env::var_os("TERM").is_none_or(|term| term != "linux")
}

const ERASE_REST_OF_LINE: &str = "\x1b[K";
