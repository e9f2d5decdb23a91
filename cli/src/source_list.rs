//! The file of `--from-file`: a source in each line.

use std::fs;
use std::io::{self, Read};
use std::path::Path;

use crate::source::Source;

/// Reads the file, or standard input if its name is `-`.
pub fn read(path: &Path) -> Result<Vec<Source>, String> {
    let shown = path.display();
    let text = if path == Path::new("-") {
        let mut text = String::new();
        io::stdin().lock().read_to_string(&mut text).map(|_| text)
    } else {
        fs::read_to_string(path)
    };
    let text = text.map_err(|error| format!("cannot read '{shown}': {error}"))?;
    parse(&text).map_err(|(line, why)| format!("line {line} of '{shown}': {why}"))
}

/// The sources of a list. Empty lines and lines that begin with `#` are left out. Fails with the number of a line, from 1.
fn parse(text: &str) -> Result<Vec<Source>, (usize, String)> {
    let mut sources = Vec::new();
    for (index, line) in text.lines().enumerate() {
        if line.trim().is_empty() || line.starts_with('#') {
            continue;
        }
        sources.push(Source::parse(line).map_err(|why| (index + 1, why))?);
    }
    Ok(sources)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_line_is_a_source() {
        let list = "# comment\noss://b/a\n\noss://b/with blanks \r\n";
        let names: Vec<_> = parse(list).expect("a list").iter().map(Source::name).collect();
        assert_eq!(names, ["oss://b/a", "oss://b/with blanks "]);
    }

    #[test]
    fn a_wrong_line_is_named_by_its_number() {
        assert_eq!(parse("oss://b/a\n\nnonsense").expect_err("nonsense").0, 3);
    }
}
