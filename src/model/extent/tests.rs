use super::*;
use proptest::prelude::*;

/// Sixty-four bytes, each different from its neighbours.
fn object() -> Vec<u8> {
    (0..64u8).map(|n| n.wrapping_mul(37)).collect()
}

fn extent(offset: u64, len: u64) -> Extent {
    let object = object();
    let end = (offset + len) as usize;
    Extent { offset, len, crc: crc64::checksum(&object[offset as usize..end]) }
}

fn map_of(grain: u64, pieces: &[(u64, u64)]) -> ExtentMap {
    let mut map = ExtentMap::new(grain);
    for &(offset, len) in pieces {
        assert!(map.insert(extent(offset, len)));
    }
    map
}

#[test]
fn adjacent_extents_merge_up_to_the_grain() {
    let map = map_of(16, &[(0, 8), (8, 8), (16, 8)]);
    assert_eq!(map.iter().collect::<Vec<_>>(), [extent(0, 16), extent(16, 8)]);
}

#[test]
fn a_piece_that_fills_a_hole_joins_both_sides() {
    let map = map_of(16, &[(0, 4), (8, 4), (4, 4)]);
    assert_eq!(map.iter().collect::<Vec<_>>(), [extent(0, 12)]);
}

#[test]
fn empty_overlapping_and_overflowing_extents_are_refused() {
    let mut map = map_of(8, &[(10, 10)]);
    for (offset, len) in [(5, 0), (5, 6), (10, 10), (12, 2), (19, 1), (0, 64)] {
        assert!(!map.insert(extent(offset, len)), "{offset}+{len}");
    }
    assert!(!map.insert(Extent { offset: u64::MAX, len: 1, crc: 0 }));
    assert_eq!(map.iter().collect::<Vec<_>>(), [extent(10, 10)]);
}

#[test]
fn removing_one_byte_removes_its_whole_extent() {
    let mut map = map_of(0, &[(0, 8), (8, 8), (16, 8)]);
    assert_eq!(map.remove(9, 1), [extent(8, 8)]);
    assert_eq!(map.gaps(0..30), [8..16, 24..30]);
    assert_eq!(map.remove(0, u64::MAX), [extent(0, 8), extent(16, 8)]);
    assert!(map.remove(3, 0).is_empty());
}

#[test]
fn the_whole_checksum_needs_every_byte_and_no_other() {
    let map = map_of(0, &[(8, 8), (16, 8)]);
    assert_eq!(map.whole_crc(8..24), Some(extent(8, 16).crc));
    assert_eq!(map.whole_crc(8..25), None);
    assert_eq!(map.whole_crc(7..24), None);
    assert_eq!(map.whole_crc(8..20), None);
    assert_eq!(map.whole_crc(10..24), None);
    assert_eq!(map.whole_crc(30..30), Some(0));
}

#[test]
#[allow(clippy::reversed_empty_ranges)]
fn an_inverted_range_is_an_empty_one() {
    let map = map_of(0, &[(0, 8), (16, 8)]);
    assert!(map.gaps(20..3).is_empty());
    assert_eq!(map.whole_crc(20..3), None);
}

#[test]
fn the_grain_is_a_part_up_to_8_mib_and_grows_with_the_range() {
    assert_eq!(grain(102_400, 1 << 30), 102_400);
    assert_eq!(grain(1 << 30, 1 << 30), 8 << 20);
    assert_eq!(grain(102_400, 1 << 40), 8 << 20);
    assert_eq!(grain(102_400, 48 << 40), 384 << 20);
    assert_eq!(grain(0, 0), 1);
    assert_eq!(grain(u64::MAX, u64::MAX), 1 << 47);
}

proptest! {
    #[test]
    fn the_map_agrees_with_one_flag_for_each_byte(
        steps in prop::collection::vec((any::<bool>(), 0u64..64, 0u64..12), 0..40),
        grain in 0u64..24,
        start in 0u64..64,
        len in 0u64..64,
    ) {
        let mut map = ExtentMap::new(grain);
        let mut flags = [false; 64];
        for (add, offset, len) in steps {
            let len = len.min(64 - offset);
            let asked = offset as usize..(offset + len) as usize;
            if add {
                let free = len > 0 && !flags[asked.clone()].contains(&true);
                prop_assert_eq!(map.insert(extent(offset, len)), free);
                if free {
                    flags[asked].fill(true);
                }
            } else {
                for gone in map.remove(offset, len) {
                    prop_assert!(gone.offset < offset + len && gone.end() > offset);
                    flags[gone.offset as usize..gone.end() as usize].fill(false);
                }
                prop_assert!(!flags[asked].contains(&true));
            }
        }
        let runs: Vec<_> = map.iter().collect();
        for run in &runs {
            prop_assert_eq!(*run, extent(run.offset, run.len));
        }
        for pair in runs.windows(2) {
            prop_assert!(pair[0].end() <= pair[1].offset);
        }

        let range = start..(start + len).min(64);
        let mut missing = [false; 64];
        for gap in map.gaps(range.clone()) {
            missing[gap.start as usize..gap.end as usize].fill(true);
        }
        for byte in range {
            prop_assert_eq!(missing[byte as usize], !flags[byte as usize]);
        }
        if !flags.contains(&false) {
            prop_assert_eq!(map.whole_crc(0..64), Some(crc64::checksum(&object())));
        }
    }

    #[test]
    fn insertion_in_any_order_keeps_at_most_two_extents_a_grain(
        order in Just((0u64..64).collect::<Vec<_>>()).prop_shuffle(), grain in 1u64..32
    ) {
        let mut map = ExtentMap::new(grain);
        for offset in order {
            prop_assert!(map.insert(extent(offset, 1)));
        }
        prop_assert!(map.iter().all(|e| e.len <= grain));
        prop_assert!(map.iter().count() as u64 <= 2 * 64u64.div_ceil(grain) + 1);
        prop_assert_eq!(map.whole_crc(0..64), Some(crc64::checksum(&object())));
    }
}

#[test]
fn the_first_gap_follows_the_extents_that_cover_the_start() {
    let map = map_of(8, &[(0, 8), (8, 8), (20, 4)]);
    for (start, gap) in
        [(0, 16), (5, 16), (8, 16), (15, 16), (16, 16), (18, 18), (20, 24), (30, 30)]
    {
        assert_eq!(map.first_gap(start), gap, "{start}");
    }
}
