//! Listings: what is in a bucket, over any number of pages, and what happens when a page does not come.

mod ending;
mod entries;
mod failures;
mod hostile;

use local_oss::{Matcher, Object};
use oss_resumable::{Client, Error, ListEntry, ListRequest, Result};

use crate::fixture::{BUCKET, Fixture, KEY};

/// A server with these keys, whose objects are as long as their keys.
fn fixture(keys: &[&str]) -> Fixture {
    let fixture = Fixture::new(1);
    fixture.server.remove(BUCKET, KEY);
    for key in keys {
        fixture.server.put(BUCKET, key, Object::bytes(*key));
    }
    fixture
}

/// A server with this number of objects `0000`, `0001` …
fn fixture_with(count: usize) -> Fixture {
    let keys: Vec<String> = (0..count).map(|number| format!("{number:04}")).collect();
    fixture(&keys.iter().map(String::as_str).collect::<Vec<_>>())
}

fn request() -> ListRequest {
    ListRequest::new(BUCKET)
}

/// The requests for pages.
fn pages() -> Matcher {
    Matcher::any().key("")
}

fn name(entry: ListEntry) -> String {
    match entry {
        ListEntry::Object(object) => object.key,
        ListEntry::CommonPrefix(prefix) => format!("{prefix} ..."),
        other => panic!("{other:?}"),
    }
}

/// The names of all entries; those of common prefixes end in ` ...`.
fn names(client: &Client, request: &ListRequest) -> Result<Vec<String>> {
    client.list_objects(request)?.map(|entry| entry.map(name)).collect()
}

/// The error of a listing whose first page does not come.
fn error(client: &Client, request: &ListRequest) -> Error {
    names(client, request).expect_err("an error")
}
