//! A line about a download that fits into a terminal.

use console::{measure_text_width, style};

use super::board::Figures;
use crate::output::printable;
use crate::quantity::{bytes, clock, progress, rate};

/// Fewest and most columns of a name.
const NAME: (usize, usize) = (9, 60);
/// Fewest and most columns of a bar.
const BAR: (usize, usize) = (12, 40);
/// Fewest columns of a line in which the time left has a label.
const ROOMY: usize = 90;
const GAP: usize = 2;

/// The fields behind the name.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Field {
    Bar,
    Percent,
    Bytes,
    Rate,
    TimeLeft,
    Reused,
}

/// In the order in which they are shown.
const SHOWN: [Field; 6] =
    [Field::Bar, Field::Percent, Field::Bytes, Field::Rate, Field::TimeLeft, Field::Reused];
/// In the order in which they find room.
const RANKED: [Field; 6] =
    [Field::Percent, Field::Rate, Field::TimeLeft, Field::Bytes, Field::Reused, Field::Bar];

impl Field {
    fn text(self, figures: &Figures) -> String {
        match self {
            Field::Bar => String::new(),
            Field::Percent => percent(figures).map_or(String::new(), |share| format!("{share}%")),
            Field::Bytes => match figures.total {
                Some(total) => progress(figures.done, total),
                None => bytes(figures.done),
            },
            Field::Rate => rate(figures.rate),
            Field::TimeLeft => {
                figures.time_left().map_or(String::new(), |left| format!("ETA {}", clock(left)))
            }
            Field::Reused => match figures.reused {
                0 => String::new(),
                reused => format!("{} reused", bytes(reused)),
            },
        }
    }
}

/// Where the fields are in lines of one width.
pub struct Layout {
    width: usize,
    fields: Vec<Field>,
    name: usize,
    bar: usize,
}

impl Layout {
    /// Lines of at most `width` columns, with room for the reused bytes if there are any.
    pub fn new(width: usize, has_reused: bool) -> Self {
        let mut layout = Layout { width, fields: Vec::new(), name: 0, bar: 0 };
        let mut room = width.saturating_sub(NAME.0);
        let mut chosen = Vec::new();
        for field in RANKED.into_iter().filter(|field| has_reused || *field != Field::Reused) {
            match room.checked_sub(GAP + layout.columns(field)) {
                Some(left) => room = left,
                None => break,
            }
            chosen.push(field);
        }
        layout.fields.extend(SHOWN.iter().filter(|field| chosen.contains(field)));
        // The name has a fifth of the line before the bar grows.
        let taken: usize = chosen.iter().map(|field| GAP + layout.columns(*field)).sum();
        let left = width.saturating_sub(taken);
        if chosen.contains(&Field::Bar) {
            layout.bar = (BAR.0 + left.saturating_sub(width / 5)).min(BAR.1);
            layout.name = (left + BAR.0 - layout.bar).min(NAME.1);
        } else {
            layout.name = left.min(NAME.1);
        }
        layout
    }

    fn columns(&self, field: Field) -> usize {
        match field {
            Field::Bar => self.bar.max(BAR.0),
            Field::Percent => 4,
            Field::Bytes => 17,
            Field::Rate => 12,
            Field::TimeLeft if self.width < ROOMY => 8,
            Field::TimeLeft => 12,
            Field::Reused => 17,
        }
    }

    /// The line of a download. The bar has a color if standard error shows colors.
    pub fn line(&self, name: &str, figures: &Figures) -> String {
        let mut line = fitted(name, self.name);
        for field in &self.fields {
            let text = match field {
                Field::Bar => draw_bar(figures, self.bar),
                Field::TimeLeft if self.width < ROOMY => field.text(figures).replace("ETA ", ""),
                _ => field.text(figures),
            };
            let padding = self.columns(*field).saturating_sub(columns(&text));
            line.extend([" ".repeat(GAP + padding), text]);
        }
        line.truncate(line.trim_end().len());
        line
    }
}

/// A name and all figures that are known, for a log.
pub fn sentence(name: &str, figures: &Figures) -> String {
    let fields = SHOWN.iter().map(|field| field.text(figures)).filter(|text| !text.is_empty());
    let texts: Vec<_> = std::iter::once(name.to_owned()).chain(fields).collect();
    texts.join(", ")
}

fn percent(figures: &Figures) -> Option<u64> {
    let total = figures.total.filter(|total| *total > 0)?;
    // 100 % is for what is complete.
    let share = u128::from(figures.done) * 100 / u128::from(total);
    u64::try_from(share.min(100)).ok()
}

fn draw_bar(figures: &Figures, width: usize) -> String {
    let inner = width - 2;
    let full = percent(figures).map_or(0, |share| inner * share as usize / 100);
    let tip = if full > 0 && full < inner { ">" } else { "" };
    let body = "=".repeat(full - tip.len()) + tip;
    format!("[{}{}]", style(body).for_stderr().cyan(), " ".repeat(inner - full))
}

/// The name in exactly `width` columns: its end, because that tells files apart.
fn fitted(name: &str, width: usize) -> String {
    let name = printable(name);
    let mut shown = name.as_str();
    let mut mark = "";
    while columns(shown) + mark.len() > width {
        let mut rest = shown.chars();
        if rest.next().is_none() {
            return ".".repeat(width);
        }
        (shown, mark) = (rest.as_str(), "..");
    }
    let padding = width - columns(shown) - mark.len();
    format!("{mark}{shown}{}", " ".repeat(padding))
}

fn columns(text: &str) -> usize {
    measure_text_width(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    const FIGURES: Figures = Figures {
        done: 1023 << 20,
        total: Some(10_239 << 20),
        rate: 1023 << 20,
        reused: 1023 << 20,
    };

    #[test]
    fn a_line_fits_into_every_width() {
        let long = "a/very/long/名前/of/an/object/that/does/not/fit.bin".repeat(5);
        for name in ["short", long.as_str(), "", "\x1b[31mred\n"] {
            for figures in [FIGURES, Figures::default(), Figures { total: None, ..FIGURES }] {
                for width in (0..50).chain([59, 60, 79, 99, 100, 120, 199, 200, 500]) {
                    let line = Layout::new(width, true).line(name, &figures);
                    assert!(columns(&line) <= width, "{width}: {line}");
                    assert!(!line.contains(char::is_control), "{line:?}");
                }
            }
        }
    }

    #[test]
    fn forty_columns_show_what_matters_most() {
        let line = Layout::new(39, true).line("dir/model.bin", &FIGURES);
        assert_eq!(line, "..del.bin    9%  1023.0 MiB/s      0:10");
    }

    #[test]
    fn eighty_columns_show_all_figures() {
        let line = Layout::new(79, true).line("dir/model.bin", &FIGURES);
        let expected =
            "..model.bin    9%       1.0/10.0 GiB  1023.0 MiB/s      0:10  1023.0 MiB reused";
        assert_eq!(line, expected);
    }

    #[test]
    fn two_hundred_columns_show_everything() {
        let line = Layout::new(199, true).line("dir/model.bin", &FIGURES);
        for part in ["[==>", "9%", "1.0/10.0 GiB", "1023.0 MiB/s", "ETA 0:10", "1023.0 MiB reused"]
        {
            assert!(line.contains(part), "{part}: {line}");
        }
    }

    #[test]
    fn the_end_of_a_long_name_is_kept() {
        assert_eq!(fitted("models/model-00001.bin", 12), "..-00001.bin");
        assert_eq!(fitted("名名名", 5), "..名 ");
    }

    #[test]
    fn a_sentence_has_no_empty_parts() {
        assert_eq!(sentence("0 of 2 files", &Figures::default()), "0 of 2 files, 0 B, 0 B/s");
    }
}
