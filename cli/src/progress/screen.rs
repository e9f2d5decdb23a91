//! Bars on a terminal: one for each of up to ten files, and one for the whole.

use console::Term;
use indicatif::{MultiProgress, ProgressBar, ProgressDrawTarget, ProgressStyle};

use super::board::Board;
use super::layout;

/// Most files that have a bar.
const MOST: usize = 10;

pub struct Screen {
    terminal: Term,
    bars: MultiProgress,
    rows: Vec<ProgressBar>,
    has_whole: bool,
}

impl Screen {
    /// For so many files; a single one is the whole.
    pub fn new(files: usize) -> Self {
        let bars = MultiProgress::with_draw_target(ProgressDrawTarget::stderr());
        Screen { terminal: Term::stderr(), bars, rows: Vec::new(), has_whole: files > 1 }
    }

    pub fn show(&mut self, board: &Board, print: impl FnOnce()) {
        self.bars.suspend(print);
        let (height, width) = self.terminal.size();
        // The last column would wrap on some terminals, and the last line is the cursor's.
        let width = usize::from(width).saturating_sub(1);
        let most = MOST.min(usize::from(height).saturating_sub(2)).max(1);
        let files =
            board.active().take(most).map(|(name, figures)| layout::line(name, &figures, width));
        let mut lines: Vec<String> = files.collect();
        if self.has_whole {
            let (name, figures) = board.whole();
            lines.push(layout::line(&name, &figures, width));
        }
        self.draw(&lines);
    }

    fn draw(&mut self, lines: &[String]) {
        while self.rows.len() > lines.len() {
            if let Some(row) = self.rows.pop() {
                row.finish_and_clear();
                self.bars.remove(&row);
            }
        }
        while self.rows.len() < lines.len() {
            let row = ProgressBar::new_spinner();
            if let Ok(style) = ProgressStyle::with_template("{msg}") {
                row.set_style(style);
            }
            self.rows.push(self.bars.add(row));
        }
        for (row, line) in self.rows.iter().zip(lines) {
            row.set_message(line.clone());
        }
    }

    pub fn clear(self) {
        for row in &self.rows {
            row.finish_and_clear();
        }
    }
}
