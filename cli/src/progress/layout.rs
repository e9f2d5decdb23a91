//! A line about a download that fits into a terminal.

use console::{measure_text_width, style};

use super::board::Figures;
use crate::output::printable;
use crate::quantity::{bytes, clock, rate};

/// Fewest columns of a name.
const LEAST_NAME: usize = 12;
/// Fewest and most columns of a bar.
const BAR: (usize, usize) = (12, 40);
const GAP: usize = 2;

/// The fields behind the name, in the order in which they are shown, with the rank in which they find room.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Field {
    Bar,
    Percent,
    Bytes,
    Rate,
    TimeLeft,
    Reused,
}

const SHOWN: [Field; 6] =
    [Field::Bar, Field::Percent, Field::Bytes, Field::Rate, Field::TimeLeft, Field::Reused];
const RANKED: [Field; 6] =
    [Field::Percent, Field::Rate, Field::TimeLeft, Field::Bytes, Field::Reused, Field::Bar];

impl Field {
    fn width(self) -> usize {
        match self {
            Field::Bar => BAR.0,
            Field::Percent => 4,
            Field::Bytes => 23,
            Field::Rate => 12,
            Field::TimeLeft => 11,
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

/// A line of at most `width` columns. With colors, the bar has one.
pub fn line(name: &str, figures: &Figures, width: usize) -> String {
    let fields = fields(width);
    let taken: usize = fields.iter().map(|field| GAP + field.width()).sum();
    let mut left = width.saturating_sub(taken);
    let mut bar = 0;
    if fields.contains(&Field::Bar) {
        // The name has priority up to what it needs.
        let spare = left.saturating_sub(columns(name).max(LEAST_NAME));
        bar = (BAR.0 + spare).min(BAR.1);
        left -= bar - BAR.0;
    }
    let mut line = fitted(name, left);
    for field in fields {
        line.push_str("  ");
        match field {
            Field::Bar => line.push_str(&draw_bar(figures, bar)),
            _ => line.push_str(&format!("{:>1$}", field.text(figures), field.width())),
        }
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
    let mut room = width.saturating_sub(LEAST_NAME);
    let mut chosen = Vec::new();
    for field in RANKED {
        match room.checked_sub(GAP + field.width()) {
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
                for width in 0..300 {
                    let line = line(name, &figures, width);
                    assert!(columns(&line) <= width, "{width}: {line}");
                    assert!(!line.contains(char::is_control), "{line:?}");
                }
            }
        }
    }

    #[test]
    fn narrow_terminals_show_what_matters_most() {
        assert_eq!(line("dir/model.bin", &FIGURES, 39), "dir/model.bin   9%  1023.0 MiB/s");
        assert_eq!(
            line("dir/model.bin", &FIGURES, 46),
            "dir/model.bin    9%  1023.0 MiB/s     ETA 0:10"
        );
    }

    #[test]
    fn wide_terminals_show_everything() {
        let line = line("dir/model.bin", &FIGURES, 200);
        for part in [
            "[===>",
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
