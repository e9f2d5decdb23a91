//! Snapshots and counts of prefix downloads.

use super::sized::size_first;
use crate::model::prefix::{PrefixCounts, PrefixPhase, PrefixStatus};

/// oss_resumable_prefix_status: listing the objects; nothing is written before the listing is complete.
pub const OSS_RESUMABLE_PREFIX_PHASE_LISTING: i32 = 1;
/// oss_resumable_prefix_status: comparing and fetching objects.
pub const OSS_RESUMABLE_PREFIX_PHASE_TRANSFERRING: i32 = 2;
/// oss_resumable_prefix_status: ended with a result, which may contain errors of objects.
pub const OSS_RESUMABLE_PREFIX_PHASE_SUCCEEDED: i32 = 3;
/// oss_resumable_prefix_status: ended with an error.
pub const OSS_RESUMABLE_PREFIX_PHASE_FAILED: i32 = 4;

/// The counts of an ended prefix download. Filled in by oss_resumable_prefix_result_counts(); set `struct_size` first.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct oss_resumable_prefix_counts {
    /// `sizeof(oss_resumable_prefix_counts)`, set by the caller.
    pub struct_size: usize,
    /// Objects that were listed, directory markers included.
    pub objects: u64,
    /// Objects that were fetched, whole or in part.
    pub fetched: u64,
    /// Objects whose files were there and are unchanged.
    pub unchanged: u64,
    /// Directory markers.
    pub directories: u64,
    /// Objects that could not be downloaded.
    pub failed: u64,
    /// Sizes of the listed objects, in bytes, as the listing says.
    pub bytes_listed: u64,
    /// Bytes of the files that are complete.
    pub bytes_done: u64,
    /// Body bytes of objects received from the network.
    pub bytes_from_network: u64,
    /// Those of `bytes_done` that were there already: the sizes of unchanged files, and what downloads kept of an earlier
    /// run or of a damaged file.
    pub bytes_reused: u64,
}
size_first!(oss_resumable_prefix_counts);

/// A snapshot of a prefix download. Filled in by oss_resumable_prefix_download_status(); set `struct_size` first.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct oss_resumable_prefix_status {
    /// `sizeof(oss_resumable_prefix_status)`, set by the caller.
    pub struct_size: usize,
    /// Objects that were listed so far, directory markers included.
    pub objects: u64,
    /// Objects that were fetched, whole or in part.
    pub fetched: u64,
    /// Objects whose files were there and are unchanged.
    pub unchanged: u64,
    /// Directory markers.
    pub directories: u64,
    /// Objects that could not be downloaded.
    pub failed: u64,
    /// Objects whose downloads have started and not ended, those in the client's queue included.
    pub active: u64,
    /// Sizes of the objects that were listed so far, in bytes, as the listing says.
    pub bytes_listed: u64,
    /// Bytes of the files that are complete, and of those that are being downloaded.
    pub bytes_done: u64,
    /// Body bytes of objects received from the network.
    pub bytes_from_network: u64,
    /// Body bytes per second received from the network over about the last two seconds; 0 after the end.
    pub bytes_per_second: u64,
    /// One of the `OSS_RESUMABLE_PREFIX_PHASE_…` values. Ignore those that you do not know.
    pub phase: i32,
    /// 1 while it is paused, otherwise 0.
    pub is_paused: i32,
    /// Those of `bytes_done` that were there already: the sizes of unchanged files, and what downloads kept of an earlier
    /// run or of a damaged file.
    pub bytes_reused: u64,
}
size_first!(oss_resumable_prefix_status);

impl From<PrefixCounts> for oss_resumable_prefix_counts {
    fn from(counts: PrefixCounts) -> Self {
        oss_resumable_prefix_counts {
            struct_size: size_of::<Self>(),
            objects: counts.objects,
            fetched: counts.fetched,
            unchanged: counts.unchanged,
            directories: counts.directories,
            failed: counts.failed,
            bytes_listed: counts.bytes_listed,
            bytes_done: counts.bytes_done,
            bytes_from_network: counts.bytes_from_network,
            bytes_reused: counts.bytes_reused,
        }
    }
}

impl From<&PrefixStatus> for oss_resumable_prefix_status {
    fn from(status: &PrefixStatus) -> Self {
        let counts = &status.counts;
        oss_resumable_prefix_status {
            struct_size: size_of::<Self>(),
            objects: counts.objects,
            fetched: counts.fetched,
            unchanged: counts.unchanged,
            directories: counts.directories,
            failed: counts.failed,
            active: status.active,
            bytes_listed: counts.bytes_listed,
            bytes_done: counts.bytes_done,
            bytes_from_network: counts.bytes_from_network,
            bytes_per_second: status.bytes_per_second,
            phase: match status.phase {
                PrefixPhase::Listing => OSS_RESUMABLE_PREFIX_PHASE_LISTING,
                PrefixPhase::Transferring => OSS_RESUMABLE_PREFIX_PHASE_TRANSFERRING,
                PrefixPhase::Succeeded => OSS_RESUMABLE_PREFIX_PHASE_SUCCEEDED,
                PrefixPhase::Failed => OSS_RESUMABLE_PREFIX_PHASE_FAILED,
            },
            is_paused: status.is_paused.into(),
            bytes_reused: counts.bytes_reused,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_figure_reaches_its_field() {
        let counts = PrefixCounts {
            objects: 1,
            fetched: 2,
            unchanged: 3,
            directories: 4,
            failed: 5,
            bytes_listed: 6,
            bytes_done: 7,
            bytes_from_network: 8,
            bytes_reused: 11,
        };
        let c = oss_resumable_prefix_counts::from(counts);
        assert_eq!([c.objects, c.fetched, c.unchanged, c.directories, c.failed], [1, 2, 3, 4, 5]);
        assert_eq!([c.bytes_listed, c.bytes_done, c.bytes_from_network], [6, 7, 8]);
        assert_eq!(c.bytes_reused, 11);
        let status = PrefixStatus {
            phase: PrefixPhase::Transferring,
            is_paused: true,
            counts,
            active: 9,
            bytes_per_second: 10,
        };
        let c = oss_resumable_prefix_status::from(&status);
        assert_eq!([c.objects, c.fetched, c.unchanged, c.directories, c.failed], [1, 2, 3, 4, 5]);
        assert_eq!([c.bytes_listed, c.bytes_done, c.bytes_from_network], [6, 7, 8]);
        assert_eq!(c.bytes_reused, 11);
        assert_eq!([c.active, c.bytes_per_second], [9, 10]);
        assert_eq!((c.phase, c.is_paused), (OSS_RESUMABLE_PREFIX_PHASE_TRANSFERRING, 1));
    }

    #[test]
    fn each_phase_has_a_number() {
        let phase = |phase| {
            oss_resumable_prefix_status::from(&PrefixStatus { phase, ..PrefixStatus::default() })
                .phase
        };
        use PrefixPhase::{Failed, Listing, Succeeded, Transferring};
        assert_eq!([Listing, Transferring, Succeeded, Failed].map(phase), [1, 2, 3, 4]);
    }
}
