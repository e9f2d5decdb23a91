//! What other programs and the disk do to the files.

use std::ffi::OsString;

use crate::checkpoint::format::{Header, Records};
use crate::model::extent::Extent;
use crate::model::request::DownloadRequest;
use crate::transfer::simulation::content::{Content, Piece};

use super::Disk;
use super::files::{ByteFile, Data, Files, Inode, JournalBytes, is_temp};
use super::journal::decode;
use super::plan::Damage;
use super::storage;

impl Disk {
    /// Damages the disk's journals and temporary files, or the download's target.
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
                    files.put(name, new_file(content.piece(range.clone())));
                }
            }
            Damage::Exposed => {
                temps.iter().for_each(|&(_, inode)| files.bytes_mut(inode).exposed = true);
            }
            Damage::NoTarget => files.unlink(&target),
            Damage::Target(content, range) => {
                files.put(&target, new_file(content.piece(range.clone())));
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
        Damage::Recorded(extent) => replace(journal, |_, extents| extents.push(*extent)),
        Damage::OtherJournal => replace(journal, |header, _| header.key.push_str(".other")),
        _ => {}
    }
    journal.durable = journal.durable.min(journal.bytes.len());
}

/// Writes the journal anew after a change, if it can be read.
fn replace(journal: &mut JournalBytes, change: impl FnOnce(&mut Header, &mut Vec<Extent>)) {
    let Some((mut header, id, mut extents)) = decode(&journal.bytes) else { return };
    change(&mut header, &mut extents);
    journal.bytes = header.encode(&id).unwrap_or_default();
    Records::of(&id).encode(&extents, &mut journal.bytes);
    journal.durable = journal.bytes.len();
}
