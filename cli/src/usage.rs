//! Arguments that clap refuses.

use std::env;

use clap::Parser;

use crate::arguments::Cli;
use crate::exit::Exit;
use crate::output::note;
use crate::source::{is_url, without_secrets};

/// Reads the arguments. Prints help and versions, and ends the program after that or if the arguments are wrong.
pub fn parse() -> Result<Cli, Exit> {
    Cli::try_parse().map_err(|error| {
        let text = error.to_string();
        let arguments = env::args_os().skip(1);
        let shown = shown(&text, arguments.map(|argument| argument.to_string_lossy().into_owned()));
        if shown == text {
            error.exit();
        }
        for line in shown.trim_end().lines() {
            note(line);
        }
        Exit::Usage
    })
}

/// A message in which the URLs among the arguments are shown without what may be secret.
fn shown(text: &str, arguments: impl Iterator<Item = String>) -> String {
    let urls = arguments.flat_map(|argument| {
        let value = argument.split_once('=').map(|(_, value)| value.to_owned());
        [Some(argument), value].into_iter().flatten().filter(|text| is_url(text))
    });
    urls.fold(text.to_owned(), |text, url| text.replace(&url, &without_secrets(&url)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_url_that_is_refused_is_shown_without_its_query() {
        let url = "https://host/a?Signature=S3cret";
        for argument in [url.to_owned(), format!("--connections={url}")] {
            let text = format!("error: unexpected '{url}' found");
            assert_eq!(
                shown(&text, [argument].into_iter()),
                "error: unexpected 'https://host/a' found"
            );
        }
        assert_eq!(shown("as it is", ["https://host/b?c".to_owned()].into_iter()), "as it is");
    }
}
