//! The fields of the files that this library keeps: little-endian numbers, and runs of bytes with their length. Pure.

/// Replaces the length of a run that is absent.
const ABSENT: u32 = u32::MAX;

/// Reads fields from the front of bytes that may end anywhere. `None` means that they end too early or are damaged.
pub struct Fields<'a>(pub &'a [u8]);

impl<'a> Fields<'a> {
    pub fn take(&mut self, len: usize) -> Option<&'a [u8]> {
        let (taken, rest) = self.0.split_at_checked(len)?;
        self.0 = rest;
        Some(taken)
    }

    pub fn array<const N: usize>(&mut self) -> Option<[u8; N]> {
        self.take(N)?.try_into().ok()
    }

    pub fn u32(&mut self) -> Option<u32> {
        self.array().map(u32::from_le_bytes)
    }

    pub fn u64(&mut self) -> Option<u64> {
        self.array().map(u64::from_le_bytes)
    }

    pub fn i64(&mut self) -> Option<i64> {
        self.array().map(i64::from_le_bytes)
    }

    /// What [`put_run`] wrote. The outer `None` means damage, the inner one an absent run.
    pub fn run(&mut self) -> Option<Option<&'a [u8]>> {
        match self.u32()? {
            ABSENT => Some(None),
            len => self.take(usize::try_from(len).ok()?).map(Some),
        }
    }

    /// A [`Fields::run`] in UTF-8.
    pub fn text(&mut self) -> Option<Option<String>> {
        match self.run()? {
            None => Some(None),
            Some(bytes) => std::str::from_utf8(bytes).ok().map(|text| Some(text.to_owned())),
        }
    }
}

/// How many bytes [`put_run`] appends.
pub fn run_len(run: Option<&[u8]>) -> usize {
    size_of::<u32>() + run.map_or(0, <[u8]>::len)
}

/// Appends the length of a run, and its bytes, to `fields`; `None` if it is too long.
pub fn put_run(fields: &mut Vec<u8>, run: Option<&[u8]>) -> Option<()> {
    let len = run.map_or(Some(ABSENT), |run| u32::try_from(run.len()).ok())?;
    fields.extend(len.to_le_bytes());
    fields.extend(run.unwrap_or_default());
    Some(())
}
