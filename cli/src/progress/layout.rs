//! A line about a download that fits into a terminal.

use console::{measure_text_width, style};

use super::board::Figures;
use crate::output::printable;
use crate::quantity::{bytes, clock, rate};

/// Fewest and most columns of a name.
const NAME: (usize, usize) = (8, 60);
/// Fewest and most columns of a bar.
const BAR: (usize, usize) = (12, 40);
/// Fewest columns of a line in which the time left has a label.
const ROOMY: usize = 60;
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
    /// Columns in a line of `width`.
    fn columns(self, width: usize) -> usize {
        match self {
            Field::Bar => BAR.0,
            Field::Percent => 4,
            Field::Bytes => 23,
            Field::Rate => 12,
            Field::TimeLeft if width < ROOMY => 8,
            Field::TimeLeft => 12,
            Field::Reused => 17,
        }
    }

    fn text(self, figures: &Figures) -> String {
        match self {
            Field::Bar => String::new(),
            Field::Percent => percent(figures).map_or(String::new(), |share| format!("{share}%")),
            Field::Bytes => match figures.total {
                Some(total) => format!("{} of {}", bytes(figures.done), bytes(total)),
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

/// A line of at most `width` columns, whose fields begin where those of other lines of this width do. The bar has a
/// color if standard error shows colors.
pub fn line(name: &str, figures: &Figures, width: usize) -> String {
    let fields = fields(width);
    let taken: usize = fields.iter().map(|field| GAP + field.columns(width)).sum();
    let left = width.saturating_sub(taken);
    let bar = (BAR.0 + left.saturating_sub(width / 5)).min(BAR.1);
    let name_columns = if fields.contains(&Field::Bar) { left + BAR.0 - bar } else { left };
    let mut line = fitted(name, name_columns.min(NAME.1));
    for field in fields {
        let text = match field {
            Field::Bar => draw_bar(figures, bar),
            Field::TimeLeft if width < ROOMY => field.text(figures).replace("ETA ", ""),
            _ => field.text(figures),
        };
        let padding = field.columns(width).saturating_sub(columns(&text));
        line.extend([" ".repeat(GAP + padding), text]);
    }
    line.truncate(line.trim_end().len());
    line
}

/// The same without a name, padding and bar: for a log.
pub fn sentence(name: &str, figures: &Figures) -> String {
    let fields = SHOWN.iter().map(|field| field.text(figures)).filter(|text| !text.is_empty());
    let texts: Vec<_> = std::iter::once(name.to_owned()).chain(fields).collect();
    texts.join(", ")
}

/// The fields for which there is room, in the order in which they are shown.
fn fields(width: usize) -> Vec<Field> {
    let mut room = width.saturating_sub(NAME.0);
    let mut chosen = Vec::new();
    for field in RANKED {
        match room.checked_sub(GAP + field.columns(width)) {
            Some(left) => room = left,
            None => break,
        }
        chosen.push(field);
    }
    SHOWN.into_iter().filter(|field| chosen.contains(field)).collect()
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
                    let line = line(name, &figures, width);
                    assert!(columns(&line) <= width, "{width}: {line}");
                    assert!(!line.contains(char::is_control), "{line:?}");
                }
            }
        }
    }

    #[test]
    fn narrow_terminals_show_what_matters_most() {
        let expected = "..del.bin    9%  1023.0 MiB/s      0:10";
        assert_eq!((line("dir/model.bin", &FIGURES, 39).as_str(), expected.len()), (expected, 39));
        let roomier = line("dir/model.bin", &FIGURES, 64);
        assert!(
            roomier.starts_with("dir/model.bin ") && roomier.ends_with("ETA 0:10"),
            "{roomier}"
        );
    }

    #[test]
    fn wide_terminals_show_everything() {
        let line = line("dir/model.bin", &FIGURES, 200);
        for part in [
            "[==>",
            "9%",
            "1023.0 MiB of 10.0 GiB",
            "1023.0 MiB/s",
            "ETA 0:10",
            "1023.0 MiB reused",
        ] {
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
