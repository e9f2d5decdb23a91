//! Whether the pages of a listing are those that were asked for, and come to an end. Pure.

use crate::model::listing::{ListEntry, ListPage};

/// Most pages without an entry in a row.
const MAX_EMPTY_PAGES: u32 = 1000;
/// Longest name that is shown in a message, in characters.
const MAX_SHOWN: usize = 80;

/// Checks the pages of one listing, one after the other. The memory that it needs does not depend on their number.
#[derive(Debug)]
pub struct ListProgress {
    prefix: String,
    /// The continuation token of an earlier page. It is replaced after ever longer runs, so that one of a cycle, however
    /// long, comes again while it is remembered.
    remembered: Option<String>,
    since: u64,
    replace_after: u64,
    empty_pages: u32,
}

impl ListProgress {
    pub fn new(prefix: &str) -> Self {
        ListProgress {
            prefix: prefix.to_owned(),
            remembered: None,
            since: 0,
            replace_after: 1,
            empty_pages: 0,
        }
    }

    /// Checks the next page; the error says what is wrong with it.
    pub fn check(&mut self, page: &ListPage) -> Result<(), String> {
        let name = |entry: &ListEntry| match entry {
            ListEntry::Object(object) => object.key.clone(),
            ListEntry::CommonPrefix(prefix) => prefix.clone(),
        };
        let names = page.entries.iter().map(name);
        if let Some(other) = names.into_iter().find(|name| !name.starts_with(&self.prefix)) {
            let shown: String = other.chars().take(MAX_SHOWN).collect();
            return Err(format!("it lists '{}', which has another prefix", shown.escape_debug()));
        }
        let Some(next) = &page.next else { return Ok(()) };
        self.empty_pages = if page.entries.is_empty() { self.empty_pages + 1 } else { 0 };
        if self.empty_pages > MAX_EMPTY_PAGES {
            return Err(format!("{MAX_EMPTY_PAGES} pages before it were empty too"));
        }
        if self.remembered.as_ref() == Some(next) {
            return Err(
                "it goes on with a page that was listed already, so that the listing would never end".to_owned(),
            );
        }
        self.since += 1;
        if self.since >= self.replace_after {
            self.remembered = Some(next.clone());
            self.since = 0;
            self.replace_after = self.replace_after.saturating_mul(2);
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::listing::ListedObject;
    use proptest::prelude::*;

    fn page(key: &str, next: Option<usize>) -> ListPage {
        let object = ListedObject { key: key.to_owned(), ..ListedObject::default() };
        let entries = if key.is_empty() { Vec::new() } else { vec![ListEntry::Object(object)] };
        ListPage { entries, next: next.map(|token| token.to_string()) }
    }

    #[test]
    fn names_with_another_prefix_are_refused() {
        let mut progress = ListProgress::new("a/");
        progress.check(&page("a/../b", None)).expect("it has the prefix");
        let error = progress.check(&page("b\n", None)).expect_err("it has not");
        assert!(error.contains("'b\\n'"), "{error}");
        let prefixes = vec![ListEntry::CommonPrefix("b/".to_owned())];
        let prefixes = ListPage { entries: prefixes, next: None };
        assert!(progress.check(&prefixes).is_err());
    }

    #[test]
    fn a_token_that_repeats_itself_is_refused_at_once() {
        let mut progress = ListProgress::new("");
        progress.check(&page("a", Some(1))).expect("the first");
        assert!(progress.check(&page("b", Some(1))).is_err());
    }

    #[test]
    fn pages_that_stay_empty_are_refused() {
        let mut progress = ListProgress::new("");
        let last = (0..).find(|token| progress.check(&page("", Some(*token))).is_err());
        assert_eq!(last, Some(1000));
    }

    proptest! {
        #[test]
        fn a_cycle_of_any_length_is_found_and_nothing_else(
            before in 0usize..50, length in 1usize..50,
        ) {
            let mut progress = ListProgress::new("");
            let token = |n: usize| if n < before { n } else { before + (n - before) % length };
            let found = (0..).find(|n| progress.check(&page("k", Some(token(*n)))).is_err());
            let found = found.expect("it never ends");
            prop_assert!(found >= before + length, "no token has come twice");
            prop_assert!(found <= 4 * (before + length) + 4, "{}", found);
        }
    }
}
