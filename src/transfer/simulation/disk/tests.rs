//! The simulated disk behaves like the real one.

mod faults;
mod survival;

use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use super::*;
use crate::model::error::{Error, Result};
use crate::model::pinning::Pinning;
use crate::storage::temp_file::FinishOptions;
use crate::transfer::event::Event;
use crate::transfer::world::{EarlierFile, Storage, TemporaryFile};

const OLD: Content = Content(1);
const NEW: Content = Content(2);
const OTHER: Content = Content(3);
const LEN: u64 = 1 << 20;
const FINISH: FinishOptions =
    FinishOptions { flush: true, modified: Some(SystemTime::UNIX_EPOCH), replace: true };

fn request() -> DownloadRequest {
    DownloadRequest::new("bucket", "key").file_path("/dir/file").checkpoint_dir("/dir")
}

fn header(storage: &SimStorage, file: &dyn TemporaryFile) -> Header {
    Header {
        bucket: "bucket".to_owned(),
        key: "key".to_owned(),
        version_id: None,
        object_version_id: None,
        etag: "\"e\"".to_owned(),
        object_size: LEN,
        object_crc64: None,
        last_modified: None,
        pinning: Pinning::IfMatch,
        requested: None,
        range: 0..LEN,
        destination: storage.target().to_owned(),
        temp_name: file.name().to_owned(),
    }
}

fn extent(range: std::ops::Range<u64>) -> Extent {
    Extent { offset: range.start, len: range.end - range.start, crc: NEW.crc(range) }
}

fn disk(plan: DiskPlan) -> Disk {
    let disk = Disk::new(plan, Random::new(1), true);
    disk.put_target(&request(), &[OLD.piece(0..100)]);
    disk
}

fn lasting(survival: f64) -> DiskPlan {
    DiskPlan { survival, ..DiskPlan::default() }
}

fn failing(call: Call, reason: Reason) -> DiskPlan {
    DiskPlan { failures: vec![Failure { call, nth: 0, times: 1, reason }], ..DiskPlan::default() }
}

fn code<T>(result: Result<T>) -> String {
    result.err().expect("an error").code().to_owned()
}

/// A process with an empty temporary file.
fn with_file(disk: &Disk) -> (ProcessId, SimStorage, Arc<dyn TemporaryFile>) {
    let process = disk.start_process();
    let storage = disk.storage(process, &request());
    let file = storage.create_temp().expect("a file");
    (process, storage, file)
}

fn write(disk: &Disk, process: ProcessId, range: std::ops::Range<u64>) -> Result<()> {
    let file = disk.open_file(process).expect("an open file");
    file.write(&[NEW.piece(range.clone())], range.start).1
}

/// A download from its start to its end that goes on after errors, whose codes it returns.
fn download(disk: &Disk, process: ProcessId, mut watch: impl FnMut()) -> Vec<String> {
    let mut errors = Vec::new();
    let mut check = |result: Result<()>| {
        watch();
        errors.extend(result.err().map(|error| error.code().to_owned()));
    };
    let request = request();
    let storage = disk.storage(process, &request);
    check(storage.lock_journal().map(|_| ()));
    check(storage.find_sdk_record(&request).map(|_| ()));
    let found = storage.open_temp(None);
    let is_there = matches!(found, Ok(EarlierFile::Found { .. }));
    check(found.map(|_| ()));
    check(storage.remove_sdk_record());
    let file = if is_there { storage.claim_temp() } else { storage.create_temp() };
    let file = match file {
        Ok(file) => file,
        Err(error) => {
            check(Err(error));
            return errors;
        }
    };
    check(file.clear());
    check(file.check_space(LEN));
    check(file.preallocate(LEN));
    let mut journal = storage.start_journal(&header(&storage, &*file), &[]).ok();
    check(journal.as_ref().map(|_| ()).ok_or_else(|| Error::internal("no journal")));
    for n in 0..4 {
        let range = n * LEN / 4..(n + 1) * LEN / 4;
        let stored = write(disk, process, range.clone());
        let is_stored = stored.is_ok();
        check(stored);
        if let Some(journal) = journal.as_mut().filter(|_| is_stored) {
            check(journal.append(&[extent(range.clone())]));
        }
        file.start_writeback(range);
    }
    check(file.was_cut().map(|_| ()));
    check(match holds(&*file, 0..LEN) {
        Ok(false) => Err(Error::internal("damaged")),
        other => other.map(|_| ()),
    });
    check(file.set_len(LEN));
    check(file.finish(storage.target(), &FINISH));
    if let Some(journal) = journal {
        check(journal.remove());
    }
    check(file.remove());
    errors
}

fn holds(file: &dyn TemporaryFile, range: std::ops::Range<u64>) -> Result<bool> {
    file.holds(&extent(range), 0, None, &mut || Ok(()), &mut [0; 1])
}

fn is_new(disk: &Disk) -> bool {
    disk.target(&request()).is_some_and(|bytes| bytes.are(NEW, 0..LEN))
}

fn is_old(disk: &Disk) -> bool {
    disk.target(&request()).is_some_and(|bytes| bytes.are(OLD, 0..100))
}

#[test]
fn a_download_replaces_the_target_and_leaves_nothing_else() {
    let disk = disk(lasting(0.0));
    let process = disk.start_process();
    assert_eq!(download(&disk, process, || ()), [""; 0]);
    assert!(is_new(&disk) && disk.temp_files().is_empty() && disk.journals().is_empty());
    assert!(!disk.take_lines().is_empty());
    disk.power_loss();
    assert!(is_new(&disk), "it was flushed");
}

#[test]
fn an_earlier_run_is_continued() {
    let disk = disk(DiskPlan::default());
    let (process, storage, file) = with_file(&disk);
    write(&disk, process, 0..LEN / 2).expect("written");
    let mut journal = storage.start_journal(&header(&storage, &*file), &[]).expect("a journal");
    journal.append(&[extent(0..LEN / 2)]).expect("appended");
    drop((storage, file, journal));

    let process = disk.start_process();
    let storage = disk.storage(process, &request());
    let (header, extents) = storage.lock_journal().expect("free").expect("there");
    assert_eq!(extents, [extent(0..LEN / 2)]);
    assert!(storage.owns_temp_name(&header.temp_name).expect("no digest fails"));
    let found = storage.open_temp(Some(&header.temp_name)).expect("free");
    assert!(matches!(found, EarlierFile::Found { len } if len == LEN / 2));
    let file = storage.claim_temp().expect("claimed");
    assert!(holds(&*file, 0..LEN / 2).expect("read"));
    let mut journal = storage.start_journal(&header, &extents).expect("replaced");
    write(&disk, process, LEN / 2..LEN).expect("written");
    journal.append(&[extent(LEN / 2..LEN)]).expect("appended");
    let journal = journal.rewrite(&header, &[extent(0..LEN)]).expect("rewritten").expect("there");
    assert_eq!(disk.journal(&request()).expect("there").1, [extent(0..LEN)]);
    file.finish(storage.target(), &FINISH).expect("renamed");
    journal.remove().expect("removed");
    assert!(is_new(&disk) && disk.journals().is_empty());
}

#[test]
fn the_proof_reports_each_extent_and_its_end() {
    let disk = disk(DiskPlan {
        bytes_per_second: LEN,
        failures: vec![Failure { call: Call::Read, nth: 1, times: 1, reason: Reason::Io }],
        ..DiskPlan::default()
    });
    let (process, storage, file) = with_file(&disk);
    let time = disk.open_file(process).expect("open").write(&[NEW.piece(50..LEN + 50)], 0);
    assert!(time.0 == Duration::from_secs(1) && disk.lag(process).is_zero());
    let extents = vec![
        extent(50..LEN / 2),
        extent(LEN / 2..LEN),
        Extent { crc: 7, ..extent(LEN..LEN + 10) },
        extent(LEN..LEN + 50),
        extent(LEN + 40..LEN + 60),
    ];
    let proof = storage.start_proof(file.clone(), 50, extents.clone(), None).expect("started");
    let mut found = Vec::new();
    let ended = loop {
        let (id, time) = disk.proof_due(process).expect("a step");
        assert!(disk.proof_due(process).is_none(), "it is handed out once");
        match disk.proof_step(id).expect("an event") {
            Event::Proved(extent) => found.push((extent, true)),
            Event::Damaged(extent) => found.push((extent, false)),
            Event::ProofEnded(result) => break result,
            _ => panic!("another event"),
        }
        let len = extents[found.len() - 1].len;
        assert_eq!(time, Duration::from_secs_f64(len as f64 / LEN as f64));
    };
    ended.expect("it could read");
    let right = [true, false, false, true, false];
    assert_eq!(found, extents.iter().copied().zip(right).collect::<Vec<_>>());
    assert!(disk.proof_due(process).is_none() && disk.lag(process).is_zero());
    drop(proof);
    assert!(disk.stopped_proof(process).is_none());

    let proof = storage.start_proof(file.clone(), 50, extents.clone(), None).expect("started");
    let (id, _) = disk.proof_due(process).expect("a step");
    drop(proof);
    assert!(disk.proof_step(id).is_none() && disk.proof_due(process).is_none());
    let Some(Event::ProofEnded(Err(error))) = disk.stopped_proof(process) else {
        panic!("its end is missing");
    };
    assert_eq!(error.code(), "Cancelled");
    assert!(disk.stopped_proof(process).is_none());

    let _proof = storage.start_proof(file, 50, extents, None).expect("started");
    let (id, _) = disk.proof_due(process).expect("a step");
    disk.kill(process);
    assert!(disk.proof_step(id).is_none() && disk.stopped_proof(process).is_none());
}

#[test]
fn the_sdks_record_is_found_and_removed_durably() {
    let record = SdkRecord { size: LEN, extents: vec![extent(0..100)] };
    let disk = disk(lasting(0.0));
    disk.put_sdk_record(&request(), Some(record.clone()));
    disk.put_temp(&request(), &[NEW.piece(0..100)]);
    let storage = disk.storage(disk.start_process(), &request());
    assert_eq!(storage.find_sdk_record(&request()).expect("read"), Some(record));
    assert!(matches!(storage.open_temp(None), Ok(EarlierFile::Found { len: 100 })));
    storage.remove_sdk_record().expect("removed");
    disk.power_loss();
    assert!(!disk.has_sdk_record(&request()));
    assert!(disk.temp_files()[0].1.are(NEW, 0..100));
}

#[test]
fn bytes_can_be_read() {
    let disk = disk(DiskPlan::default());
    disk.spell(OTHER, b"<Error>".to_vec());
    let (process, _, file) = with_file(&disk);
    disk.open_file(process)
        .expect("open")
        .write(&[OTHER.piece(0..7), NEW.piece(0..9)], 1)
        .1
        .expect("written");
    let mut buffer = [9; 20];
    assert_eq!(file.read_at(&mut buffer, 0).expect("read"), 17);
    assert_eq!(&buffer[..8], b"\0<Error>");
    assert!(buffer[8..17].iter().any(|&byte| byte != buffer[8]));
    assert_eq!(file.read_at(&mut buffer, 17).expect("read"), 0);
}

#[test]
fn a_seed_gives_the_same_disk_again() {
    let play = |seed| {
        let disk = Disk::new(lasting(0.5), Random::new(seed), true);
        let process = disk.start_process();
        disk.kill_at_step(process, 17);
        download(&disk, process, || ());
        disk.power_loss();
        (disk.temp_files(), disk.journals(), disk.journal(&request()), disk.take_lines())
    };
    assert_eq!(play(5), play(5));
    assert!((6..20).any(|seed| play(seed) != play(5)));
}
