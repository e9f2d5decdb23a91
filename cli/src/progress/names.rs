//! Names of files in few columns, so that they can be told apart.

use std::collections::HashSet;

use console::measure_text_width;

/// What stands for the part that is left out.
const MARK: &str = "..";

/// The names in at most `width` columns each: whole or their ends, or what is in front of their common end if the ends are
/// the same.
pub fn fitted(names: &[String], width: usize) -> Vec<String> {
    let tails: Vec<_> = names.iter().map(|name| tail(name, width)).collect();
    let different: HashSet<_> = tails.iter().collect();
    let common = common_end(names.iter().filter(|name| measure_text_width(name) > width));
    if different.len() == names.len() || common == 0 || width <= 2 * MARK.len() {
        return tails;
    }
    let shortened = names.iter().zip(tails).map(|(name, short)| {
        if measure_text_width(name) <= width {
            return short;
        }
        let front = &name[..name.len() - common];
        tail(front, width - MARK.len()) + MARK
    });
    shortened.collect()
}

/// A name in at most `width` columns: whole, or its end.
pub fn tail(name: &str, width: usize) -> String {
    if measure_text_width(name) <= width {
        return name.to_owned();
    }
    let starts = name.char_indices().map(|(start, _)| start).chain([name.len()]);
    let room = width.checked_sub(MARK.len());
    let end = room.and_then(|room| {
        starts.map(|start| &name[start..]).find(|end| measure_text_width(end) <= room)
    });
    end.map_or_else(|| ".".repeat(width), |end| format!("{MARK}{end}"))
}

/// The length in bytes of what all names end with.
fn common_end<'a>(mut names: impl Iterator<Item = &'a String>) -> usize {
    let Some(first) = names.next() else { return 0 };
    names.fold(first.len(), |common, name| {
        let pairs = first.chars().rev().zip(name.chars().rev());
        let same = pairs.take_while(|(a, b)| a == b).map(|(character, _)| character.len_utf8());
        common.min(same.sum())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(names: &[&str], width: usize) -> Vec<String> {
        let names: Vec<_> = names.iter().map(|name| (*name).to_owned()).collect();
        fitted(&names, width)
    }

    #[test]
    fn the_end_of_a_long_name_is_kept() {
        assert_eq!(shown(&["models/model-00001.bin", "short"], 12), ["..-00001.bin", "short"]);
        assert_eq!(shown(&["名名名"], 5), ["..名"]);
        assert_eq!(shown(&["name", "name"], 1), [".", "."]);
    }

    #[test]
    fn names_with_the_same_end_are_told_apart_by_what_is_in_front_of_it() {
        let names = [1, 12].map(|part| format!("models/model-{part:05}-of-00014.safetensors"));
        let names = [names[0].as_str(), &names[1], "short"];
        assert_eq!(shown(&names, 15), ["..model-00001..", "..model-00012..", "short"]);
        assert_eq!(shown(&names, 9), ["..00001..", "..00012..", "short"]);
        assert_eq!(shown(&names, 30)[0], "..l-00001-of-00014.safetensors");
    }

    #[test]
    fn names_fit_whatever_they_are() {
        let names = [
            "",
            "a",
            "名前/名前/名前",
            "x名前/名前/名前",
            "aaaaaaaaaaaaaaaaaaaa",
            "aaaaaaaaaaaaaaaaaaaaa",
        ];
        for width in 0..25 {
            for name in shown(&names, width) {
                assert!(measure_text_width(&name) <= width, "{width}: {name}");
            }
        }
    }
}
