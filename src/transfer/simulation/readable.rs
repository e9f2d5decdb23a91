//! What must hold of the readable part of a file while it is downloaded.

use std::ops::Range;

use crate::model::extent::{Extent, ExtentMap};
use crate::model::request::Order;
use crate::transfer::event::Event;
use crate::transfer::policy::sequential::Sequence;
use crate::transfer::readable::Readable;

use super::content::{Bytes, Content};
use super::disk::Damage;
use super::plan::{FaultKind, Shape};
use super::process::Process;
use super::service::{ERROR_DOCUMENT, Generation, processed_content};
use super::universe::Universe;

/// What was seen of a process that may be followed.
#[derive(Debug)]
pub struct Followed {
    /// Number of contiguous bytes, and how often it had decreased.
    seen: (u64, u64),
    /// Bytes that the process has or may have: those of its journal, and those that were stored.
    held: ExtentMap,
}

impl Followed {
    pub fn new() -> Self {
        // Extents that were merged could only be removed together.
        Followed { seen: (0, 0), held: ExtentMap::new(0) }
    }

    pub fn holds(&mut self, extents: &[Extent]) {
        for extent in extents {
            // An earlier run may have stored some of the bytes.
            for gap in self.held.gaps(extent.offset..extent.end()) {
                let len = gap.end - gap.start;
                let _ = self.held.insert(Extent { offset: gap.start, len, crc: 0 });
            }
        }
    }

    /// The process takes an event.
    pub fn received(&mut self, event: &Event) {
        match event {
            Event::Stored(extent) => self.holds(&[*extent]),
            Event::Damaged(extent) => drop(self.held.remove(extent.offset, extent.len)),
            _ => {}
        }
    }
}

impl Universe {
    /// The bytes that a process says can be read are in its temporary file, and it says when they were not.
    pub fn check_readable(&self, process: &Process, has_ended: bool) {
        if self.disk.is_dead(process.disk_id) {
            return;
        }
        let Readable { temp_path, bytes, resets } = process.shared.readable();
        let (bytes_before, resets_before) = process.watch.borrow().followed.seen;
        if (bytes, resets) == (bytes_before, resets_before) {
            return;
        }
        process.watch.borrow_mut().followed.seen = (bytes, resets);
        if bytes < bytes_before && resets == resets_before {
            self.violated("a reader learns of bytes that were useless", || {
                format!("{bytes_before} bytes became {bytes}")
            });
        }
        if has_ended || self.may_misread(process) {
            return;
        }
        let temps = self.disk.temp_files();
        let temp = temp_path.and_then(|path| {
            temps.into_iter().find(|(name, _)| name.as_os_str() == path.as_os_str())
        });
        let Some((_, file)) = temp else {
            return self.violated("readable bytes are in the file", || "there is none".to_owned());
        };
        let readable = file.slice(0..bytes.min(file.len()));
        let has_hole = readable.pieces().iter().any(|piece| piece.content == Content::ZEROS);
        let service = self.service.borrow();
        let known = |generation: &Generation| is_start_of(&readable, process, generation);
        let is_error = readable.are(ERROR_DOCUMENT.0, 0..bytes);
        let is_right = || is_error || service.generations.iter().any(known);
        if readable.len() < bytes || has_hole || !(self.may_mix() || is_right()) {
            self.violated("readable bytes are in the file", || {
                format!("the first {bytes} bytes are {readable:?}")
            });
        }
    }

    /// Whether only the CRC-64 of the object tells whether all bytes are of one generation.
    fn may_mix(&self) -> bool {
        self.plan.object.appendable || self.plan.service.refuses_etag
    }

    /// Whether bytes may be in the file that the service has not sent so, or are changed by others.
    fn may_misread(&self, process: &Process) -> bool {
        let wrong = |kind: &FaultKind| {
            matches!(kind, FaultKind::Flip(_) | FaultKind::Shape(Shape::OtherRange))
        };
        let changes = |damage: &Damage| !matches!(damage, Damage::Target(..) | Damage::NoTarget);
        self.plan.faults.iter().any(|fault| wrong(&fault.kind))
            || !self.plan.disk.corrupt_writes.is_empty()
            || process.plan.meanwhile.iter().any(|(_, damage)| changes(damage))
            // Bytes of another object are found out at the end.
            || self.plan.sdk.is_some()
            || self.others_of_target(process)
    }

    /// A request of a download that is fetched from its start does not reach far beyond the first missing byte.
    pub fn check_order(&self, process: &Process, asked: Range<u64>) {
        let request = &process.request;
        if request.order != Order::Sequential
            || request.is_processed()
            || self.has_reason(process)
            || self.others_of_target(process)
        {
            return;
        }
        let start = request.range.map_or(0, |range| u64::try_from(range.start).unwrap_or(0));
        let first_missing = process.watch.borrow().followed.held.first_gap(start);
        let sequence = Sequence {
            part_size: request.part_size,
            connections: u64::from(request.most_connections()),
        };
        if asked.end > sequence.ends_before(first_missing) {
            self.violated("the first bytes are fetched first", || {
                format!("{asked:?} is asked for while byte {first_missing} is missing")
            });
        }
    }
}

/// Whether the bytes are the first ones that a process wants of a generation.
fn is_start_of(bytes: &Bytes, process: &Process, generation: &Generation) -> bool {
    if process.request.is_processed() {
        return bytes.are(processed_content(generation), 0..bytes.len());
    }
    let start = process.wanted(generation.size).start;
    bytes.are(generation.content, start..start + bytes.len())
}
