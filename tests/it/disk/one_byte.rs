//! A temporary file of an earlier run with one byte changed, at any offset.

use std::collections::BTreeSet;
use std::fs;
use std::ops::Range;

use local_oss::{Fault, Matcher};

use crate::effort::{Chance, cases, figure};
use crate::fixture::{Fixture, PART};
use crate::interrupted::Leftovers;
use crate::traffic::{merged, sent};

const SIZE: u64 = 24 * PART;
/// Every request but the first delivers less than two parts.
const BROKEN_AFTER: u64 = 150_000;
/// Number of broken requests; the remaining bytes are missing.
const BREAKS: u64 = 13;

/// An interrupted download with many extents, and their ranges according to its journal.
fn interrupted() -> (Fixture, Leftovers, Vec<Range<u64>>) {
    let fixture = Fixture::new(SIZE);
    fixture.server.inject_when(Matcher::any().from(2), Fault::CloseAfter(BROKEN_AFTER));
    let last = Matcher::any().from(2 + BREAKS);
    let forbidden = Fault::Status { status: 403, code: "AccessDenied".into(), retry_after: None };
    fixture.server.inject_when(last, forbidden);
    let error = fixture.client().download(&fixture.request().thread_num(1)).expect_err("forbidden");
    assert_eq!(error.code(), "AccessDenied");
    fixture.server.clear_faults();
    let left = fixture.leftovers();
    let extents = recorded(&left.journal);
    assert!(extents.len() as u64 > BREAKS, "{extents:?}");
    assert_eq!(merged(extents.clone()), [0..left.temp.len() as u64]);
    assert!((left.temp.len() as u64) < SIZE);
    (fixture, left, extents)
}

/// The extents in a journal, as `docs/checkpoint.md` describes it.
fn recorded(journal: &[u8]) -> Vec<Range<u64>> {
    let number = |at: usize| u64::from_le_bytes(journal[at..at + 8].try_into().expect("8 bytes"));
    let header = (number(12) & 0xFFFF_FFFF) as usize;
    let records = (header..journal.len()).step_by(32);
    records.map(|at| number(at)..number(at) + number(at + 8)).collect()
}

/// The first and the last byte of the file, of every extent and of every page of the first, and random others.
fn positions(extents: &[Range<u64>], by_chance: u32) -> BTreeSet<u64> {
    let held = extents.iter().map(|extent| extent.end).max().expect("extents");
    let mut chance = Chance::new();
    let edges = extents.iter().flat_map(|extent| [extent.start, extent.end - 1]);
    let pages = extents[0].clone().step_by(4096);
    let others = (0..by_chance).map(|_| chance.below(held));
    edges.chain(pages).chain(others).collect()
}

#[test]
fn a_byte_changed_anywhere_costs_its_extent_and_no_other() {
    let (fixture, left, extents) = interrupted();
    let held = left.temp.len() as u64;
    let by_chance = cases(200, 2000);
    let mut chance = Chance::new();
    let client = fixture.client();
    let request = fixture.request_with(|request| request.flush = false);
    for at in positions(&extents, by_chance) {
        let mut temp = left.temp.clone();
        temp[at as usize] ^= 1 << chance.below(8);
        fixture.put_back(&Leftovers { temp, ..left.clone() });
        let before = fixture.server.requests().len();
        let outcome = client.download(&request).expect("the right file");
        fixture.assert_whole(&outcome);

        let damaged = extents.iter().find(|extent| extent.contains(&at)).expect("an extent");
        let fetched = merged(fixture.requests_after(before).iter().map(sent));
        let expected = merged([damaged.clone(), held..SIZE]);
        assert_eq!(fetched, expected, "byte {at}");
        let lost = damaged.end - damaged.start;
        assert_eq!(outcome.statistics.bytes_reused, held - lost, "byte {at}");
        assert_eq!(outcome.statistics.bytes_discarded, lost, "byte {at}");
        fs::remove_file(fixture.target()).expect("remove");
    }
    figure(&format!("{by_chance} random bytes"));
}

#[test]
fn a_byte_changed_in_every_extent_costs_all_of_them_and_not_the_file() {
    let (fixture, left, extents) = interrupted();
    let mut temp = left.temp.clone();
    extents.iter().for_each(|extent| temp[extent.start as usize + 7] ^= 0x80);
    fixture.put_back(&Leftovers { temp, ..left.clone() });
    let outcome = fixture.client().download(&fixture.request()).expect("the right file");
    fixture.assert_whole(&outcome);
    assert_eq!(outcome.statistics.bytes_reused, 0);
    assert_eq!(outcome.statistics.bytes_from_network, SIZE);
}
