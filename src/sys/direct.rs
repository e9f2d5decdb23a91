//! Direct I/O: reads and writes past the page cache.

use std::fs::{self, File, OpenOptions};
use std::io;
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use rustix::fs::{AtFlags, StatxFlags};

/// The alignment that every file system accepts which does not state another one.
const USUAL_ALIGNMENT: u64 = 4096;
/// File systems in memory. Some accept `O_DIRECT` without effect.
const IN_MEMORY: [u32; 2] = [0x0102_1994, 0x8584_58F6];

/// A second descriptor of a file, whose reads and writes bypass the page cache.
#[derive(Debug)]
pub struct DirectFile {
    pub file: File,
    /// Offsets, lengths and addresses must be multiples of this power of two. At least a page of memory and a block of
    /// the file system, so that the page cache never has a part of such a run of bytes.
    pub unit: usize,
}

/// Opens `file`, which is at `path`, for direct reads and writes; `None` if that cannot be done.
pub fn open(file: &File, path: &Path, max_unit: usize) -> Option<DirectFile> {
    let unit = unit(file)?;
    if unit > max_unit || is_in_memory(file) {
        return None;
    }
    let flags = libc::O_DIRECT | libc::O_NOFOLLOW | libc::O_NONBLOCK | libc::O_NOCTTY;
    let opened = OpenOptions::new().read(true).write(true).custom_flags(flags).open(path).ok()?;
    // Another program may have replaced the file.
    let (here, there) = (file.metadata().ok()?, opened.metadata().ok()?);
    let same = (here.dev(), here.ino()) == (there.dev(), there.ino());
    same.then_some(DirectFile { file: opened, unit })
}

fn unit(file: &File) -> Option<usize> {
    let flags = StatxFlags::BASIC_STATS | StatxFlags::DIOALIGN;
    // Without the call nothing is known about the file system.
    let found = rustix::fs::statx(file, "", AtFlags::EMPTY_PATH, flags).ok();
    let stated = found.filter(|found| found.stx_mask & StatxFlags::DIOALIGN.bits() != 0);
    let stated = stated.map(|found| (found.stx_dio_offset_align, found.stx_dio_mem_align));
    let block = found.map_or(0, |found| found.stx_blksize);
    unit_of(stated, block, page_size())
}

/// The unit if the file system states these alignments of offsets and addresses, and `block` as its block size; `None`
/// if it states that there is no direct I/O.
fn unit_of(stated: Option<(u32, u32)>, block: u32, page: usize) -> Option<usize> {
    let stated = match stated {
        Some((0, _) | (_, 0)) => return None,
        Some((offset, memory)) => u64::from(offset.max(memory)),
        None => USUAL_ALIGNMENT,
    };
    // Network file systems state the size of a request instead.
    let block = Some(u64::from(block)).filter(|&block| block <= 64 * 1024).unwrap_or_default();
    let unit = stated.max(block).max(page as u64);
    usize::try_from(unit).ok().filter(|unit| unit.is_power_of_two())
}

fn page_size() -> usize {
    // SAFETY: sysconf() takes a number, touches no memory of the caller and returns −1 for an unknown number.
    let size = unsafe { libc::sysconf(libc::_SC_PAGESIZE) };
    usize::try_from(size).unwrap_or(USUAL_ALIGNMENT as usize)
}

fn is_in_memory(file: &File) -> bool {
    // The kernel's magic numbers have 32 bits; the field is wider and signed.
    rustix::fs::fstatfs(file).is_ok_and(|found| IN_MEMORY.contains(&(found.f_type as u32)))
}

/// Bytes of memory that this process could use without swapping, for its files' pages, too; `None` if unknown.
pub fn available_memory() -> Option<u64> {
    let system = fs::read_to_string("/proc/meminfo").ok().and_then(|text| available_in(&text));
    let group = fs::read_to_string("/proc/self/cgroup").ok().and_then(|text| group_of(&text));
    let group = group.and_then(|group| group_limit(&group));
    system.into_iter().chain(group).min()
}

fn available_in(meminfo: &str) -> Option<u64> {
    let line = meminfo.lines().find_map(|line| line.strip_prefix("MemAvailable:"))?;
    line.trim().strip_suffix("kB")?.trim().parse::<u64>().ok()?.checked_mul(1024)
}

/// The process's control group, of version 2.
fn group_of(cgroup: &str) -> Option<PathBuf> {
    let path = cgroup.lines().find_map(|line| line.strip_prefix("0::/"))?;
    Some(Path::new("/sys/fs/cgroup").join(path))
}

/// The lowest memory limit of a control group and the groups around it.
fn group_limit(group: &Path) -> Option<u64> {
    let limit = |group: &Path| fs::read_to_string(group.join("memory.max")).ok();
    group.ancestors().filter_map(limit).filter_map(|text| text.trim().parse().ok()).min()
}

/// Whether the error means that the file system does not support direct I/O, at least not as it was asked for.
pub fn is_refusal(error: &io::Error) -> bool {
    matches!(error.raw_os_error(), Some(libc::EINVAL | libc::EOPNOTSUPP | libc::ENOSYS))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_unit_is_at_least_a_page_and_a_block_and_what_the_file_system_states() {
        assert_eq!(unit_of(None, 4096, 4096), Some(4096));
        assert_eq!(unit_of(Some((512, 4)), 4096, 4096), Some(4096));
        assert_eq!(unit_of(Some((512, 512)), 4096, 65_536), Some(65_536));
        assert_eq!(unit_of(Some((16_384, 512)), 4096, 4096), Some(16_384));
        assert_eq!(unit_of(None, 16_384, 4096), Some(16_384));
        assert_eq!(unit_of(None, 1 << 20, 4096), Some(4096), "the size of a request");
        assert_eq!(unit_of(Some((0, 0)), 4096, 4096), None);
        assert_eq!(unit_of(Some((3000, 512)), 0, 512), None, "no power of two");
    }

    #[test]
    fn the_available_memory_is_read_in_bytes() {
        let text = "MemTotal:       100 kB\nMemAvailable:    25 kB\nBuffers: 3 kB\n";
        assert_eq!(available_in(text), Some(25 * 1024));
        assert_eq!(available_in("MemTotal: 100 kB\n"), None);
        assert!(available_memory().is_some_and(|bytes| bytes > 1 << 20));
    }

    #[test]
    fn a_control_group_is_found_and_its_lowest_limit_counts() {
        let group = group_of("1:cpu:/x\n0::/user/app\n").expect("version 2");
        assert_eq!(group, Path::new("/sys/fs/cgroup/user/app"));
        assert_eq!(group_of("1:cpu:/x\n"), None);

        let dir = tempfile::tempdir().expect("directory");
        let inner = dir.path().join("inner");
        fs::create_dir(&inner).expect("directory");
        assert_eq!(group_limit(&inner), None);
        fs::write(inner.join("memory.max"), "max\n").expect("write");
        assert_eq!(group_limit(&inner), None);
        fs::write(dir.path().join("memory.max"), "5000\n").expect("write");
        assert_eq!(group_limit(&inner), Some(5000));
    }

    #[test]
    fn a_file_that_was_replaced_is_not_opened() {
        let dir = tempfile::tempdir().expect("directory");
        let path = dir.path().join("file");
        let file = File::create(&path).expect("create");
        fs::remove_file(&path).expect("remove");
        assert!(open(&file, &path, usize::MAX).is_none());
        fs::write(&path, "another").expect("write");
        assert!(open(&file, &path, usize::MAX).is_none());
    }
}
