//! Which bytes a free connection fetches next if a program reads the file from its start while it grows. Pure.

use std::ops::Range;

use super::plan::{fair_share, start_of};

/// How far ahead a request may begin: so many pieces for each connection after the first missing byte. A connection half
/// as fast as the others holds up nobody.
const AHEAD: u64 = 2;
/// A remainder of at most this part of a piece goes with the piece.
const SHORT: u64 = 4;

/// What limits the requests of a download that is fetched from its start.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sequence {
    /// Length of a piece, in bytes.
    pub part_size: u64,
    /// Number of connections.
    pub connections: u64,
}

impl Sequence {
    /// Where a request may begin while `first_missing` is the first byte that has to be fetched: before this byte.
    fn begins_before(&self, first_missing: u64) -> u64 {
        let ahead = AHEAD.saturating_mul(self.connections.max(1)).saturating_mul(self.part_size);
        first_missing.saturating_add(ahead)
    }

    /// The byte that no request reaches while `first_missing` is the first byte that has to be fetched.
    #[cfg(test)]
    pub fn ends_before(&self, first_missing: u64) -> u64 {
        let longest = self.part_size.saturating_add(self.part_size / SHORT);
        self.begins_before(first_missing).saturating_add(longest)
    }

    /// The piece for a free connection: the start of the first hole, no longer than what would be its share if all
    /// connections ended together. `None` if that is too far ahead. `holes`, `busy` and `whole` are as for
    /// [`next_span`](super::plan::next_span).
    pub fn next_piece(
        &self,
        holes: &[Range<u64>],
        first_missing: u64,
        busy: u64,
        whole: u64,
    ) -> Option<Range<u64>> {
        let first = holes.first().filter(|hole| hole.start < self.begins_before(first_missing))?;
        let (share, shortest) = fair_share(holes, busy, self.connections, whole);
        let len = share.min(self.part_size);
        Some(start_of(first, len, shortest.min(self.part_size / SHORT)))
    }
}

#[cfg(test)]
// A list of byte ranges may contain a single one.
#[allow(clippy::single_range_in_vec_init)]
mod tests {
    use super::*;
    use crate::transfer::policy::plan::subtract;
    use proptest::prelude::*;

    const MIB: u64 = 1024 * 1024;

    #[test]
    fn connections_take_the_first_missing_parts_in_turn() {
        let sequence = Sequence { part_size: 8 * MIB, connections: 3 };
        let mut holes = vec![8 * MIB..1024 * MIB];
        for part in 1..4 {
            let piece = sequence.next_piece(&holes, 0, 8 * MIB, 1024 * MIB).expect("a piece");
            assert_eq!(piece, part * 8 * MIB..(part + 1) * 8 * MIB);
            holes = subtract(holes, [piece]);
        }
    }

    #[test]
    fn no_request_begins_far_after_the_first_missing_byte() {
        let sequence = Sequence { part_size: MIB, connections: 3 };
        let after = |start: u64| sequence.next_piece(&[start..100 * MIB], MIB, 0, 100 * MIB);
        assert!(after(7 * MIB - 1).is_some());
        assert_eq!(after(7 * MIB), None);
    }

    #[test]
    fn at_the_end_of_the_object_the_pieces_are_smaller() {
        let sequence = Sequence { part_size: 8 * MIB, connections: 4 };
        let piece = sequence.next_piece(&[88 * MIB..100 * MIB], 80 * MIB, 8 * MIB, 100 * MIB);
        assert_eq!(piece, Some(88 * MIB..93 * MIB));
    }

    #[test]
    fn a_short_remainder_goes_with_the_last_piece() {
        let sequence = Sequence { part_size: 4 * MIB, connections: 1 };
        let piece = |end| sequence.next_piece(&[0..end], 0, 0, end);
        assert_eq!(piece(5 * MIB), Some(0..5 * MIB));
        assert_eq!(piece(5 * MIB + 1), Some(0..4 * MIB));
    }

    proptest! {
        /// Connections of any speeds, one of which may stand still for long.
        #[test]
        fn all_is_fetched_from_the_start_and_never_far_ahead(
            size in 1u64..64 * MIB,
            part_size in 100 * 1024..16 * MIB,
            speeds in proptest::collection::vec(1u64..200, 1..9),
        ) {
            let sequence = Sequence { part_size, connections: speeds.len() as u64 };
            let mut busy: Vec<Option<Range<u64>>> = vec![None; speeds.len()];
            let mut stored = Vec::<Range<u64>>::new();
            let first_missing = |stored: &[Range<u64>]| {
                let ranges = std::iter::once(0..size);
                subtract(ranges, stored.iter().cloned()).first().map_or(size, |hole| hole.start)
            };
            let mut turns = 0;
            while first_missing(&stored) < size {
                turns += 1;
                prop_assert!(turns < 100_000, "it does not end");
                for index in 0..busy.len() {
                    let mut taken: Vec<_> = stored.clone();
                    taken.extend(busy.iter().flatten().cloned());
                    taken.sort_by_key(|range| range.start);
                    let holes = subtract(std::iter::once(0..size), taken);
                    let running = busy.iter().flatten().map(|range| range.end - range.start).sum();
                    let missing = first_missing(&stored);
                    if busy[index].is_none() {
                        let piece = sequence.next_piece(&holes, missing, running, size);
                        if let Some(piece) = &piece {
                            prop_assert_eq!(piece.start, holes[0].start, "the first hole");
                            prop_assert!(piece.start < piece.end && piece.end <= holes[0].end);
                            prop_assert!(piece.end <= sequence.ends_before(missing));
                        }
                        busy[index] = piece;
                    }
                }
                prop_assert!(busy.iter().any(Option::is_some), "nobody fetches the missing bytes");
                for (range, speed) in busy.iter_mut().zip(&speeds) {
                    let Some(held) = range else { continue };
                    let came = held.start..held.end.min(held.start + speed * 16 * 1024);
                    held.start = came.end;
                    if held.is_empty() {
                        *range = None;
                    }
                    stored.push(came);
                }
                stored.sort_by_key(|range| range.start);
                stored.dedup_by(|next, last| {
                    let follows = last.end == next.start;
                    if follows {
                        last.end = next.end;
                    }
                    follows
                });
            }
        }
    }
}
