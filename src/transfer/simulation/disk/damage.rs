//! What other programs and the disk do to the files.

use std::ffi::OsString;

use crate::checkpoint::format::Records;
use crate::model::extent::Extent;
use crate::model::request::DownloadRequest;
use crate::transfer::simulation::content::{Content, Piece};

use super::Disk;
use super::files::{ByteFile, Data, Files, Inode, JournalBytes, is_temp};
use super::journal::decode;
use super::plan::Damage;
use super::storage;

impl Disk {
    /// Damages the files of the download's directories at once and durably.
    pub fn damage(&self, request: &DownloadRequest, damage: &Damage) {
        let target = storage::paths(request).target.into_os_string();
        let files = &mut self.0.lock().files;
        let temps: Vec<(OsString, Inode)> = files
            .names()
            .filter(|(name, _)| is_temp(name))
            .map(|(name, inode)| (name.to_owned(), inode))
            .collect();
        match damage {
            Damage::Zeros(range) => {
                overwrite(files, &temps, Content::ZEROS.piece(range.clone()), range.start);
            }
            Damage::Overwritten(content, range) => {
                overwrite(files, &temps, content.piece(range.clone()), range.start);
            }
            Damage::Length(len) => {
                temps.iter().for_each(|&(_, inode)| files.bytes_mut(inode).set_len(*len));
            }
            Damage::NoTemp => temps.iter().for_each(|(name, _)| files.unlink(name)),
            Damage::OtherTemp(content, range) => {
                for (name, _) in &temps {
                    files.create(name, new_file(content.piece(range.clone())));
                }
            }
            Damage::Exposed => {
                temps.iter().for_each(|&(_, inode)| files.bytes_mut(inode).exposed = true);
            }
            Damage::NoTarget => files.unlink(&target),
            Damage::Target(content, range) => {
                files.create(&target, new_file(content.piece(range.clone())));
            }
            Damage::NoJournal => journals(files).iter().for_each(|(name, _)| files.unlink(name)),
            _ => {
                for (_, inode) in journals(files) {
                    if let Some(journal) = files.journal_mut(inode) {
                        damage_journal(journal, damage);
                    }
                }
            }
        }
        files.flush_all();
    }
}

/// Changes bytes that are in the files.
fn overwrite(files: &mut Files, temps: &[(OsString, Inode)], piece: Piece, at: u64) {
    for &(_, inode) in temps {
        let file = files.bytes_mut(inode);
        let room = file.current.len().saturating_sub(at);
        file.write(at.min(file.current.len()), &[piece.slice(0..room)]);
    }
}

fn new_file(piece: Piece) -> Data {
    let mut file = ByteFile::default();
    file.write(0, &[piece]);
    Data::Bytes(file)
}

fn journals(files: &Files) -> Vec<(OsString, Inode)> {
    let journals = files.names().filter(|&(_, inode)| files.journal(inode).is_some());
    journals.map(|(name, inode)| (name.to_owned(), inode)).collect()
}

fn damage_journal(journal: &mut JournalBytes, damage: &Damage) {
    match damage {
        Damage::ShortJournal(len) => journal.bytes.truncate(*len),
        Damage::FlippedJournal(at) => {
            if let Some(byte) = journal.bytes.get_mut(*at) {
                *byte ^= 1;
            }
        }
        Damage::Recorded(extent) => append(journal, *extent),
        Damage::OtherJournal => {
            if let Some((mut header, id, extents)) = decode(&journal.bytes) {
                header.key.push_str(".other");
                let mut bytes = header.encode(&id).unwrap_or_default();
                Records::of(&id).encode(&extents, &mut bytes);
                journal.bytes = bytes;
            }
        }
        _ => {}
    }
}

/// Writes the journal anew, with one more record.
fn append(journal: &mut JournalBytes, extent: Extent) {
    if let Some((header, id, mut extents)) = decode(&journal.bytes) {
        extents.push(extent);
        let mut bytes = header.encode(&id).unwrap_or_default();
        Records::of(&id).encode(&extents, &mut bytes);
        journal.bytes = bytes;
    }
}
