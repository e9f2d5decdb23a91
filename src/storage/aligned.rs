//! A buffer whose bytes can start at an address that suits direct I/O.

/// Bytes in memory of a fixed capacity, of which the first lies where [`AlignedBuffer::start`] puts it.
#[derive(Debug)]
pub struct AlignedBuffer {
    memory: Vec<u8>,
    /// Unused bytes before the first one.
    lead: usize,
}

impl AlignedBuffer {
    /// Largest alignment of the first byte.
    pub const MAX_ALIGNMENT: usize = 64 * 1024;

    /// An empty buffer for `capacity` bytes. Pages of it that are never written take no memory.
    pub fn with_capacity(capacity: usize) -> Self {
        let memory = Vec::with_capacity(capacity.saturating_add(2 * Self::MAX_ALIGNMENT));
        AlignedBuffer { memory, lead: 0 }
    }

    /// `len` zeros, for blocks that are read.
    pub fn zeroed(len: usize) -> Self {
        let mut buffer = AlignedBuffer::with_capacity(len);
        buffer.start(Self::MAX_ALIGNMENT, 0);
        buffer.memory.resize(buffer.lead + len, 0);
        buffer
    }

    /// Empties the buffer. The next byte's address will be `phase` more than a multiple of `alignment`, a power of two
    /// that is greater than `phase` and at most [`AlignedBuffer::MAX_ALIGNMENT`].
    pub fn start(&mut self, alignment: usize, phase: usize) {
        self.memory.clear();
        let boundary = self.memory.as_ptr().align_offset(alignment);
        // An address that cannot be aligned is still good for every write through the page cache.
        self.lead = if boundary < alignment { boundary + phase } else { 0 };
        self.memory.resize(self.lead, 0);
    }

    /// Empties the buffer, for bytes whose address does not matter.
    pub fn clear(&mut self) {
        self.start(1, 0);
    }

    /// Number of bytes.
    pub fn len(&self) -> usize {
        self.memory.len() - self.lead
    }

    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    pub fn bytes(&self) -> &[u8] {
        self.memory.get(self.lead..).unwrap_or_default()
    }

    pub fn bytes_mut(&mut self) -> &mut [u8] {
        self.memory.get_mut(self.lead..).unwrap_or_default()
    }

    /// Where more bytes can be appended, up to the capacity; bytes that are there must not be removed.
    pub fn tail(&mut self) -> &mut Vec<u8> {
        &mut self.memory
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_begin_where_they_are_wanted_and_stay_there() {
        let mut buffer = AlignedBuffer::with_capacity(100);
        for (alignment, phase) in [(4096, 0), (4096, 4095), (512, 7), (1, 0), (65_536, 65_535)] {
            buffer.start(alignment, phase);
            assert!(buffer.is_empty());
            buffer.tail().extend_from_slice(&[7; 100]);
            assert_eq!(buffer.bytes(), [7; 100]);
            assert_eq!(buffer.bytes().as_ptr().addr() % alignment, phase);
        }
        buffer.clear();
        assert!(buffer.is_empty() && buffer.bytes().is_empty());
    }

    #[test]
    fn a_block_for_reading_is_aligned_as_far_as_any_can_be() {
        let mut block = AlignedBuffer::zeroed(5000);
        assert_eq!(block.bytes_mut(), [0; 5000]);
        assert_eq!(block.bytes().as_ptr().addr() % AlignedBuffer::MAX_ALIGNMENT, 0);
    }
}
