//! A line about a download that fits into a terminal.

use console::{measure_text_width, style};

use super::board::{Figures, Whole};
use super::names;
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

    /// Lines of downloads. Each bar has a color if standard error shows colors.
    pub fn lines(&self, downloads: &[(String, Figures)]) -> Vec<String> {
        let names: Vec<_> = downloads.iter().map(|(name, _)| printable(name)).collect();
        let fitted = names::fitted(&names, self.name);
        fitted
            .into_iter()
            .zip(downloads)
            .map(|(name, (_, figures))| self.line(name, figures))
            .collect()
    }

    /// The line of all downloads together.
    pub fn whole(&self, whole: &Whole) -> String {
        let Some(figures) = &whole.figures else {
            return names::tail(&printable(&whole.name), self.width);
        };
        let names = [&whole.name, &whole.short_name].map(|name| printable(name));
        let fits = names.iter().find(|name| columns(name) <= self.name);
        let [_, short] = &names;
        self.line(names::tail(fits.unwrap_or(short), self.name), figures)
    }

    /// A line with a name that fits.
    fn line(&self, name: String, figures: &Figures) -> String {
        let padding = self.name.saturating_sub(columns(&name));
        let mut line = name + &" ".repeat(padding);
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
pub fn sentence(name: &str, figures: Option<&Figures>) -> String {
    let fields = figures.iter().flat_map(|figures| SHOWN.map(|field| field.text(figures)));
    let mut texts = vec![name.to_owned()];
    texts.extend(fields.filter(|text| !text.is_empty()));
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

    fn line(width: usize, name: &str, figures: Figures) -> String {
        Layout::new(width, true).lines(&[(name.to_owned(), figures)]).remove(0)
    }

    #[test]
    fn a_line_fits_into_every_width() {
        let long = "a/very/long/名前/of/an/object/that/does/not/fit.bin".repeat(5);
        for name in ["short", long.as_str(), "", "\x1b[31mred\n"] {
            for figures in [FIGURES, Figures::default(), Figures { total: None, ..FIGURES }] {
                for width in (0..50).chain([59, 60, 79, 99, 100, 120, 199, 200, 500]) {
                    let layout = Layout::new(width, true);
                    let mut lines =
                        layout.lines(&[(name.to_owned(), figures), (name.to_owned(), figures)]);
                    for figures in [None, Some(figures)] {
                        let (name, short_name) = (name.to_owned(), name.to_owned());
                        lines.push(layout.whole(&Whole { name, short_name, figures }));
                    }
                    for line in lines {
                        assert!(columns(&line) <= width, "{width}: {line}");
                        assert!(!line.contains(char::is_control), "{line:?}");
                    }
                }
            }
        }
    }

    #[test]
    fn the_number_of_files_is_shown_where_there_is_little_room_too() {
        let whole = Whole::of_files(61, 75, FIGURES);
        let line = |width| Layout::new(width, true).whole(&whole);
        assert_eq!(line(39), "61/75        9%  1023.0 MiB/s      0:10");
        assert!(line(79).starts_with("61/75 "), "{}", line(79));
        assert!(line(119).starts_with("61 of 75 files "), "{}", line(119));
    }

    #[test]
    fn forty_columns_show_what_matters_most() {
        let line = line(39, "dir/model.bin", FIGURES);
        assert_eq!(line, "..del.bin    9%  1023.0 MiB/s      0:10");
    }

    #[test]
    fn eighty_columns_show_all_figures() {
        let line = line(79, "dir/model.bin", FIGURES);
        let expected =
            "..model.bin    9%       1.0/10.0 GiB  1023.0 MiB/s      0:10  1023.0 MiB reused";
        assert_eq!(line, expected);
    }

    #[test]
    fn two_hundred_columns_show_everything() {
        let line = line(199, "dir/model.bin", FIGURES);
        for part in ["[==>", "9%", "1.0/10.0 GiB", "1023.0 MiB/s", "ETA 0:10", "1023.0 MiB reused"]
        {
            assert!(line.contains(part), "{part}: {line}");
        }
    }

    #[test]
    fn a_sentence_has_no_empty_parts() {
        assert_eq!(sentence("0 of 2 files", Some(&Figures::default())), "0 of 2 files, 0 B, 0 B/s");
        assert_eq!(sentence("listing", None), "listing");
    }
}
