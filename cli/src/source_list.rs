//! The file of `--from-file`: a source in each line, after a digest if the line has one.

use std::fs;
use std::io::{self, Read};
use std::path::Path;

use oss_resumable::{DownloadRequest, Md5, Sha256};

use crate::source::Source;

/// A line of a list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Listed {
    pub source: Source,
    pub digest: Option<Digest>,
}

/// What the file must have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Digest {
    Sha256(Sha256),
    Md5(Md5),
}

impl Digest {
    pub fn expect_in(self, request: &mut DownloadRequest) {
        match self {
            Digest::Sha256(digest) => request.expected_sha256 = Some(digest),
            Digest::Md5(digest) => request.expected_md5 = Some(digest),
        }
    }

    /// Reads hexadecimal digits as `sha256sum` and `md5sum` write them.
    fn parse(text: &str) -> Option<Self> {
        if !text.bytes().all(|digit| digit.is_ascii_hexdigit()) {
            return None;
        }
        match text.len() {
            64 => text.parse().ok().map(Digest::Sha256),
            32 => text.parse().ok().map(Digest::Md5),
            _ => None,
        }
    }
}

/// Reads the file, or standard input if its name is `-`.
pub fn read(path: &Path) -> Result<Vec<Listed>, String> {
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
fn parse(text: &str) -> Result<Vec<Listed>, (usize, String)> {
    let mut listed = Vec::new();
    for (index, line) in text.lines().enumerate() {
        if line.trim().is_empty() || line.starts_with('#') {
            continue;
        }
        listed.push(parse_line(line).map_err(|why| (index + 1, why))?);
    }
    Ok(listed)
}

/// `SOURCE`, `DIGEST  SOURCE` or `DIGEST *SOURCE`. A backslash in front of all of it means that backslashes and line ends
/// in the source are escaped.
fn parse_line(line: &str) -> Result<Listed, String> {
    let (escaped, rest) = line.strip_prefix('\\').map_or((false, line), |rest| (true, rest));
    let with_digest = rest.split_once(' ').and_then(|(digest, rest)| {
        let source = rest.strip_prefix([' ', '*'])?;
        Some((Digest::parse(digest)?, source))
    });
    let Some((digest, source)) = with_digest else {
        return Ok(Listed { source: Source::parse(line)?, digest: None });
    };
    let source = if escaped { unescaped(source) } else { source.to_owned() };
    Ok(Listed { source: Source::parse(&source)?, digest: Some(digest) })
}

fn unescaped(text: &str) -> String {
    let mut plain = String::with_capacity(text.len());
    let mut characters = text.chars();
    while let Some(character) = characters.next() {
        plain.push(match character {
            '\\' => match characters.next() {
                Some('n') => '\n',
                Some('r') => '\r',
                other => other.unwrap_or('\\'),
            },
            other => other,
        });
    }
    plain
}

#[cfg(test)]
mod tests {
    use super::*;

    const SHA256: &str = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
    const MD5: &str = "d41d8cd98f00b204e9800998ecf8427e";

    #[test]
    fn each_line_is_a_source() {
        let list = "# comment\noss://b/a\n\noss://b/with blanks \r\n";
        let listed = parse(list).expect("a list");
        let names: Vec<_> = listed.iter().map(|line| line.source.name()).collect();
        assert_eq!(names, ["oss://b/a", "oss://b/with blanks "]);
        assert!(listed.iter().all(|line| line.digest.is_none()));
    }

    #[test]
    fn a_digest_may_be_in_front_of_it() {
        let list = format!(
            "{SHA256}  oss://b/a b\n{MD5} *oss://b/c\n\\{SHA256}  oss://b/d\\ne\\\\f\n{}  oss://b/g\n",
            SHA256.to_uppercase()
        );
        let listed = parse(&list).expect("a list");
        let names: Vec<_> = listed.iter().map(|line| line.source.name()).collect();
        assert_eq!(names, ["oss://b/a b", "oss://b/c", "oss://b/d\ne\\f", "oss://b/g"]);
        let sha256 = Some(Digest::Sha256(SHA256.parse().expect("a digest")));
        let md5 = Some(Digest::Md5(MD5.parse().expect("a digest")));
        let digests: Vec<_> = listed.iter().map(|line| line.digest).collect();
        assert_eq!(digests, [sha256, md5, sha256, sha256]);
    }

    #[test]
    fn a_wrong_line_is_named_by_its_number() {
        assert_eq!(parse("oss://b/a\n\nnonsense").expect_err("nonsense").0, 3);
        let short = format!("{}  oss://b/a", &SHA256[1..]);
        for wrong in [short.as_str(), &format!("{SHA256}\toss://b/a"), &format!("{SHA256}  file")] {
            assert!(parse(wrong).is_err(), "{wrong}");
        }
    }
}
