//! The owner, group and permission bits that the new file takes from the file that it replaces.

use std::fs::{self, Metadata};
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

/// What the owner needs to write a temporary file, and to continue it in a later run.
pub const OWNER_READS_AND_WRITES: u32 = 0o600;
const PERMISSIONS: u32 = 0o777;
const ALL_READ_AND_WRITE: u32 = 0o066;

/// The permission bits, owner and group of a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rights {
    /// Permission bits without set-user-ID, set-group-ID and sticky, which were granted for other bytes.
    pub mode: u32,
    /// The owner.
    pub uid: u32,
    /// The group.
    pub gid: u32,
}

impl From<&Metadata> for Rights {
    fn from(found: &Metadata) -> Self {
        Rights { mode: found.mode() & PERMISSIONS, uid: found.uid(), gid: found.gid() }
    }
}

impl Rights {
    /// The rights of the regular file at `path`; `None` if there is none.
    pub fn of(path: &Path) -> io::Result<Option<Self>> {
        use io::ErrorKind::{NotADirectory, NotFound};
        match fs::symlink_metadata(path) {
            Ok(found) => Ok(found.is_file().then(|| Rights::from(&found))),
            Err(error) if matches!(error.kind(), NotFound | NotADirectory) => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// The widest permission bits with which a file of the group `gid` grants nobody more than this file, except its
    /// owner: owners can give themselves any right.
    ///
    /// A user may be in one of the two groups, in both or in none. After a change of the group, members of the old one
    /// may count as others, and others as members of the new one, so both classes get only what both had.
    pub fn mode_with_group(&self, gid: u32) -> u32 {
        if gid == self.gid {
            return self.mode;
        }
        let both = (self.mode >> 3) & self.mode & 0o007;
        self.mode & 0o700 | both << 3 | both
    }

    /// Whether a process of the user `user` may continue a temporary file with the rights `temp`, whoever left it, to
    /// replace this file: it grants nobody more than this file does, or the process can change its mode.
    pub fn admit(&self, temp: &Rights, user: u32) -> bool {
        if temp.uid == user {
            return true;
        }
        // Another owner can open the file whatever its mode is, or may have it open already.
        let owner = temp.uid == self.uid || self.mode & ALL_READ_AND_WRITE == ALL_READ_AND_WRITE;
        let wider = temp.mode & !self.mode_with_group(temp.gid) & ALL_READ_AND_WRITE;
        owner && (user == 0 || wider == 0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// Whether a user, who owns no file here, is in the groups 0, 1 and 2.
    type Groups = [bool; 3];

    fn may(file: &Rights, groups: Groups) -> u32 {
        if groups[file.gid as usize] { file.mode >> 3 & 7 } else { file.mode & 7 }
    }

    fn everybody() -> impl Iterator<Item = Groups> {
        (0..8).map(|n| [n & 1 != 0, n & 2 != 0, n & 4 != 0])
    }

    fn gains(new: &Rights, old: &Rights) -> bool {
        everybody().any(|groups| may(new, groups) & !may(old, groups) != 0)
    }

    fn rights() -> impl Strategy<Value = Rights> {
        (0u32..0o1000, 0u32..3, 0u32..3).prop_map(|(mode, uid, gid)| Rights { mode, uid, gid })
    }

    #[test]
    fn a_file_of_another_group_denies_access_to_the_same_users() {
        for (mode, other_group) in [
            (0o600, 0o600),
            (0o640, 0o600),
            (0o604, 0o600),
            (0o644, 0o644),
            (0o664, 0o644),
            (0o750, 0o700),
            (0o777, 0o777),
            (0o000, 0o000),
        ] {
            let old = Rights { mode, uid: 0, gid: 1 };
            assert_eq!(old.mode_with_group(1), mode, "{mode:o}");
            assert_eq!(old.mode_with_group(2), other_group, "{mode:o}");
        }
    }

    #[test]
    fn another_user_s_temporary_file_is_used_only_if_that_user_could_read_and_write_the_old_file() {
        let (user, other, third) = (1000, 1001, 1002);
        let temp = |mode, uid| Rights { mode, uid, gid: 1 };
        let old = |mode| Rights { mode, uid: other, gid: 1 };
        assert!(old(0o600).admit(&temp(0o666, user), user), "he can change its mode");
        assert!(old(0o600).admit(&temp(0o600, other), user), "the owner of the old file");
        assert!(!old(0o600).admit(&temp(0o666, other), user), "everybody could read it");
        assert!(old(0o600).admit(&temp(0o666, other), 0), "root can change its mode");
        for user in [user, 0] {
            assert!(!old(0o600).admit(&temp(0o600, third), user));
            assert!(!old(0o644).admit(&temp(0o644, third), user), "he could write to it");
            assert!(old(0o666).admit(&temp(0o666, third), user));
        }
    }

    proptest! {
        #[test]
        fn nobody_gains_rights_and_the_mode_is_the_widest_possible(old in rights(), uid in 0u32..3, gid in 0u32..3) {
            let new = Rights { mode: old.mode_with_group(gid), uid, gid };
            prop_assert!(!gains(&new, &old), "{new:?}");
            prop_assert_eq!(new.mode & 0o700, old.mode & 0o700);
            if gid == old.gid {
                prop_assert_eq!(new.mode, old.mode);
                return Ok(());
            }
            for bit in (0..6).map(|bit| 1 << bit).filter(|bit| new.mode & bit == 0) {
                let wider = Rights { mode: new.mode | bit, ..new };
                prop_assert!(gains(&wider, &old), "{wider:?} would do");
            }
        }

        #[test]
        fn a_file_that_is_given_to_the_old_group_grants_nobody_more_before_its_mode_changes(
            old in rights(), gid in 0u32..3
        ) {
            let narrowed = Rights { mode: old.mode_with_group(gid), gid, ..old };
            let given = Rights { gid: old.gid, ..narrowed };
            prop_assert!(!gains(&narrowed, &old) && !gains(&given, &old));
        }

        #[test]
        fn an_admitted_temporary_file_grants_nobody_more_than_the_old_file(
            old in rights(), temp in rights(), user in 1u32..4
        ) {
            if temp.uid != user && old.admit(&temp, user) {
                let readable = |rights: Rights| Rights { mode: rights.mode & 0o066, ..rights };
                prop_assert!(!gains(&readable(temp), &readable(old)));
            }
        }
    }
}
