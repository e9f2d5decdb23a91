//! Bars on a terminal: one for each of up to ten files, and one for the whole.
//!
//! They are drawn with [`console`] alone. indicatif leaves the cursor at the end of a filled line, where the `^C` of an
//! interrupt begins another line, and then erases one line too few.

use console::Term;

use super::board::Snapshot;
use super::layout::Layout;

/// Most files that have a bar.
const MOST: usize = 10;

pub struct Screen {
    /// Written to in one piece, so that it does not flicker.
    terminal: Term,
    /// Lines that are on the terminal. The cursor is at the beginning of the line below.
    drawn: usize,
}

impl Screen {
    pub fn new() -> Self {
        Screen { terminal: Term::buffered_stderr(), drawn: 0 }
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
        let (whole_name, whole) = &now.whole;
        let layout = Layout::new(width, whole.reused > 0);
        let files = now.files.iter().take(most);
        let mut lines: Vec<_> = files.map(|(name, figures)| layout.line(name, figures)).collect();
        if !now.is_single {
            lines.push(layout.line(whole_name, whole));
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
        let _ = self
            .terminal
            .move_cursor_up(self.drawn)
            .and_then(|()| self.terminal.write_str("\r"))
            .and_then(|()| self.terminal.write_str(&text))
            .and_then(|()| self.terminal.clear_to_end_of_screen())
            .and_then(|()| self.terminal.flush());
        self.drawn = lines.len();
    }
}

const ERASE_REST_OF_LINE: &str = "\x1b[K";
