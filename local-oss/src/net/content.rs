//! The bytes of a body, correct or wrong on purpose.

use std::io;

use crc_fast::{CrcAlgorithm, Digest};

use crate::object::Reader;
use crate::pattern::Pattern;
use crate::service::Body;

/// Seed of the garbage bytes.
const GARBAGE_SEED: u64 = 0xBAD0_BAD0_BAD0_BAD0;
/// The bytes after the end of a body that is too long.
const FILLER: u8 = b'x';

/// Reads a body block by block, with filler bytes after its end.
pub(super) struct Content<'a> {
    source: Source<'a>,
    length: u64,
    position: u64,
    flips: &'a [u64],
    garbage: bool,
    /// Number of garbage bytes before the body.
    before: u64,
}

enum Source<'a> {
    Bytes(&'a [u8]),
    Object { reader: Reader, start: u64 },
    Reversed { reader: Reader, size: u64 },
}

impl<'a> Content<'a> {
    pub(super) fn open(body: &'a Body, flips: &'a [u64], garbage: bool) -> io::Result<Self> {
        let source = match body {
            Body::None => Source::Bytes(&[]),
            Body::Bytes(bytes) => Source::Bytes(bytes),
            Body::Part { generation, start, .. } => {
                Source::Object { reader: generation.open()?, start: *start }
            }
            Body::Reversed(generation) => {
                Source::Reversed { reader: generation.open()?, size: generation.size() }
            }
        };
        let length = body.length().unwrap_or(0);
        Ok(Content { source, length, position: 0, flips, garbage, before: 0 })
    }

    /// Puts this many bytes of garbage before the body.
    pub(super) fn after_garbage(self, bytes: u64) -> Self {
        Content { before: bytes, ..self }
    }

    /// Fills `block` with the next bytes.
    pub(super) fn read(&mut self, block: &mut [u8]) -> io::Result<()> {
        let before = usize::try_from(self.before).unwrap_or(usize::MAX).min(block.len());
        let (garbage, block) = block.split_at_mut(before);
        Pattern::new(u64::MAX, GARBAGE_SEED).fill(self.before, garbage);
        self.before -= before as u64;
        let left = usize::try_from(self.length.saturating_sub(self.position)).unwrap_or(usize::MAX);
        let (own, filler) = block.split_at_mut(left.min(block.len()));
        filler.fill(FILLER);
        if self.garbage {
            Pattern::new(u64::MAX, GARBAGE_SEED).fill(self.position, own);
        } else {
            self.read_source(own)?;
        }
        self.position += block.len() as u64;
        Ok(())
    }

    fn read_source(&self, block: &mut [u8]) -> io::Result<()> {
        match &self.source {
            Source::Bytes(bytes) => {
                let start = usize::try_from(self.position).unwrap_or(usize::MAX);
                let piece = bytes.get(start..start.saturating_add(block.len()));
                block.copy_from_slice(piece.ok_or(io::ErrorKind::UnexpectedEof)?);
            }
            Source::Object { reader, start } => {
                self.read_object(reader, start + self.position, block)?;
            }
            Source::Reversed { reader, size } => {
                let end = size - self.position;
                self.read_object(reader, end - block.len() as u64, block)?;
                block.reverse();
            }
        }
        Ok(())
    }

    fn read_object(&self, reader: &Reader, offset: u64, block: &mut [u8]) -> io::Result<()> {
        reader.read_exact_at(offset, block)?;
        for flip in self.flips {
            let within = flip.checked_sub(offset).and_then(|at| usize::try_from(at).ok());
            if let Some(byte) = within.and_then(|at| block.get_mut(at)) {
                *byte ^= 1;
            }
        }
        Ok(())
    }
}

/// A gzip stream of stored (uncompressed) blocks, RFC 1951 §3.2.4 and RFC 1952.
pub(super) struct Gzip {
    crc: Digest,
    length: u32,
}

impl Gzip {
    pub(super) const HEADER: [u8; 10] = [0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 0xff];
    /// Capacity of a stored block in bytes.
    pub(super) const BLOCK: usize = 65_535;

    pub(super) fn new() -> Self {
        Gzip { crc: Digest::new(CrcAlgorithm::Crc32IsoHdlc), length: 0 }
    }

    /// Appends at most [`Self::BLOCK`] bytes to `out`.
    pub(super) fn block(&mut self, bytes: &[u8], out: &mut Vec<u8>) {
        let length = bytes.len() as u16;
        out.push(0);
        out.extend_from_slice(&length.to_le_bytes());
        out.extend_from_slice(&(!length).to_le_bytes());
        out.extend_from_slice(bytes);
        self.crc.update(bytes);
        self.length = self.length.wrapping_add(u32::from(length));
    }

    /// An empty last block and the trailer.
    pub(super) fn end(self) -> Vec<u8> {
        let mut out = vec![1, 0, 0, 0xff, 0xff];
        out.extend_from_slice(&(self.crc.finalize() as u32).to_le_bytes());
        out.extend_from_slice(&self.length.to_le_bytes());
        out
    }
}
