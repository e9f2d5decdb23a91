//! The bytes of one file that a disk may have after a power loss.

use std::rc::Rc;

use super::disk::Order;

/// Disks write a sector completely or not at all.
pub const SECTOR: usize = 512;
/// The outcomes of a write when all ways are tried: nothing, all of it, its first half. Any other number selects random
/// sectors.
const WAYS_OF_A_WRITE: u64 = 3;

/// A change of a file that may not be on the disk yet.
#[derive(Clone)]
pub enum Change {
    Write {
        offset: usize,
        bytes: Rc<[u8]>,
    },
    /// Truncated, or lengthened by a hole.
    Length(usize),
    /// Reserved up to this offset.
    Allocate(usize),
}

/// A file: its bytes on the disk, and its pending changes.
#[derive(Clone, Default)]
pub struct Content {
    durable: Vec<u8>,
    pending: Vec<Change>,
}

impl Content {
    pub fn of(durable: Vec<u8>) -> Self {
        Content { durable, pending: Vec::new() }
    }

    pub fn change(&mut self, change: Change) {
        self.pending.push(change);
    }

    pub fn flush(&mut self) {
        self.durable = self.now();
        self.pending.clear();
    }

    /// The bytes that a program reads.
    pub fn now(&self) -> Vec<u8> {
        let mut bytes = self.durable.clone();
        for change in &self.pending {
            apply(change, &mut bytes, &[], &mut |_| true);
        }
        bytes
    }

    /// The number of ways for each of the choices of a power loss.
    pub fn choices(&self, order: Order, stale: usize) -> Vec<u64> {
        if self.pending.is_empty() {
            return Vec::new();
        }
        let lengths = self.pending.iter().filter(|change| is_length(change)).count() as u64;
        let of_changes = self.pending.iter().map(|change| match (change, order) {
            (Change::Write { .. }, _) => WAYS_OF_A_WRITE,
            (_, Order::Journaled) => 1,
            (_, Order::Any) => 2,
        });
        let first = match order {
            Order::Journaled => vec![lengths + 1],
            Order::Any => vec![1 + self.lengths().len() as u64, 1 + stale as u64],
        };
        first.into_iter().chain(of_changes).collect()
    }

    /// The bytes after a power loss with the choices `picks`; any numbers are valid. `stale` are bytes that may appear
    /// where a file was lengthened and not written.
    pub fn after(&self, order: Order, picks: &[u64], stale: &[Rc<[u8]>]) -> Vec<u8> {
        let Some((&first, picks)) = picks.split_first() else { return self.durable.clone() };
        match order {
            Order::Journaled => self.after_in_order(first, picks),
            Order::Any => {
                let (&filler, picks) = picks.split_first().expect("a pick of each choice");
                let filler = (filler % (stale.len() as u64 + 1)) as usize;
                let filler = filler.checked_sub(1).map_or(&[][..], |i| &stale[i]);
                self.after_in_any_order(first, picks, filler)
            }
        }
    }

    /// Changes of the length are kept in order, and a lengthened file reads as zeros.
    fn after_in_order(&self, lengths: u64, picks: &[u64]) -> Vec<u8> {
        let total = self.pending.iter().filter(|change| is_length(change)).count() as u64;
        let mut left = lengths % (total + 1);
        let mut bytes = self.durable.clone();
        for (change, &pick) in self.pending.iter().zip(picks) {
            if !is_length(change) {
                apply(change, &mut bytes, &[], &mut |sector| keeps(pick, sector));
            } else if left > 0 {
                left -= 1;
                apply(change, &mut bytes, &[], &mut |_| true);
            }
        }
        bytes
    }

    /// Any change without any other, any length that the file had, and `filler` where it was lengthened.
    fn after_in_any_order(&self, length: u64, picks: &[u64], filler: &[u8]) -> Vec<u8> {
        let lengths = self.lengths();
        let mut bytes = self.durable.clone();
        for (change, &pick) in self.pending.iter().zip(picks) {
            if !is_length(change) {
                apply(change, &mut bytes, filler, &mut |sector| keeps(pick, sector));
            } else if pick % 2 == 1 {
                apply(change, &mut bytes, filler, &mut |_| true);
            }
        }
        if let Some(n) = (length % (lengths.len() as u64 + 1)).checked_sub(1) {
            set_length(&mut bytes, lengths[n as usize], filler);
        }
        bytes
    }

    /// Every length that the file had since its last flush.
    fn lengths(&self) -> Vec<usize> {
        let mut len = self.durable.len();
        let mut lengths = vec![len];
        for change in &self.pending {
            len = match change {
                Change::Write { offset, bytes } => len.max(offset + bytes.len()),
                Change::Length(new) => *new,
                Change::Allocate(end) => len.max(*end),
            };
            lengths.push(len);
        }
        lengths.sort_unstable();
        lengths.dedup();
        lengths
    }
}

fn is_length(change: &Change) -> bool {
    !matches!(change, Change::Write { .. })
}

/// Applies the pieces of a change for which `kept` is true; each is in one sector.
fn apply(change: &Change, bytes: &mut Vec<u8>, filler: &[u8], kept: &mut dyn FnMut(Piece) -> bool) {
    match change {
        Change::Length(len) => set_length(bytes, *len, filler),
        Change::Allocate(end) => {
            if *end > bytes.len() {
                set_length(bytes, *end, filler);
            }
        }
        Change::Write { offset, bytes: written } => {
            let mut at = 0;
            let first_half = written.len().div_ceil(2);
            while at < written.len() {
                let start = offset + at;
                let len = (SECTOR - start % SECTOR).min(written.len() - at);
                if kept(Piece { sector: start / SECTOR, in_first_half: at < first_half }) {
                    if start + len > bytes.len() {
                        set_length(bytes, start + len, filler);
                    }
                    bytes[start..start + len].copy_from_slice(&written[at..at + len]);
                }
                at += len;
            }
        }
    }
}

/// The part of a write that is in one sector.
struct Piece {
    sector: usize,
    in_first_half: bool,
}

/// Whether a write with the outcome `pick` left this piece on the disk.
fn keeps(pick: u64, piece: Piece) -> bool {
    match pick {
        0 => false,
        1 => true,
        2 => piece.in_first_half,
        seed => {
            // A few sectors missing, half of them, or nearly all.
            let odds = [16, 128, 240][(seed % 3) as usize];
            mixed(seed ^ (piece.sector as u64)) % 256 < odds
        }
    }
}

/// SplitMix64.
fn mixed(seed: u64) -> u64 {
    let z = seed.wrapping_mul(0x9E37_79B9_7F4A_7C15);
    let z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    let z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    z ^ (z >> 31)
}

/// Truncates, or lengthens with the bytes of `filler` at that offset, followed by zeros.
fn set_length(bytes: &mut Vec<u8>, len: usize, filler: &[u8]) {
    let from = bytes.len();
    bytes.resize(len, 0);
    if let (Some(grown), Some(filler)) = (bytes.get_mut(from..), filler.get(from..)) {
        let n = grown.len().min(filler.len());
        grown[..n].copy_from_slice(&filler[..n]);
    }
}
