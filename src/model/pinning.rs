//! How the bytes of several replies are pinned to one generation of the object.

/// How the bytes of several replies are pinned to one generation of the object.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Pinning {
    /// Every request carries `If-Match`, and every reply is compared with the generation.
    #[default]
    IfMatch,
    /// The service does not recognise its own ETag, or has a weak one: no request carries `If-Match`, and every reply
    /// is compared with the generation.
    Comparison,
    /// The object may grow, but its existing bytes do not change: replies may be of a longer object with another ETag.
    Growth,
}

impl Pinning {
    /// Whether only the whole object's CRC-64, or a digest that the caller expects, proves that the bytes belong together.
    pub fn needs_object_crc(self) -> bool {
        self != Pinning::IfMatch
    }
}
