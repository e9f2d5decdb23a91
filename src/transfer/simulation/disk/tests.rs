//! The simulated disk behaves like the real one.

use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use super::*;
use crate::model::error::{Error, Result};
use crate::model::pinning::Pinning;
use crate::storage::temp_file::FinishOptions;
use crate::sync::atomic::AtomicBool;
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
    file.holds(&extent(range), 0, None, &AtomicBool::new(false), &mut [0; 1])
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
fn each_step_fails_where_the_plan_says_so() {
    for call in Call::ALL.into_iter().filter(|&call| call != Call::ClaimTemp) {
        let disk = disk(failing(call, Reason::Io));
        disk.put_sdk_record(&request(), None);
        let errors = download(&disk, disk.start_process(), || ());
        let (expected, replaced): (&[&str], bool) = match call {
            Call::StartWriteback => (&[], true),
            // It was renamed: the file is not there any more.
            Call::RemoveTemp => (&[], true),
            // The first look is at the target's rights.
            Call::Look | Call::CreateTemp => (&["LocalIoError"], false),
            Call::CreateJournal | Call::WriteJournal | Call::FlushJournal | Call::RenameJournal => {
                (&["InternalError"], true)
            }
            Call::Read => (&["InternalError"], true),
            Call::Write => (&["LocalIoError", "InternalError"], false),
            Call::SetModified | Call::OpenDirectory => (&["LocalIoError"], false),
            Call::Flush | Call::Close => (&["FlushError"], false),
            Call::Rename => (&["RenameError"], false),
            Call::FlushDirectory => (&["FlushError"], true),
            _ => (&["LocalIoError"], true),
        };
        assert_eq!(errors, expected, "{call:?}");
        assert_eq!(is_new(&disk), replaced, "{call:?}");
        assert_eq!(is_old(&disk), !replaced && call != Call::Write, "{call:?}");
    }
    let plan = failing(Call::ClaimTemp, Reason::Denied);
    let disk = disk(DiskPlan { locks: false, ..plan });
    disk.put_temp(&request(), &[]);
    assert_eq!(download(&disk, disk.start_process(), || ()), ["LocalIoError"]);
}

#[test]
fn an_error_has_the_code_of_its_reason() {
    for (reason, expected) in [
        (Reason::Io, "LocalIoError"),
        (Reason::Full, "DiskFull"),
        (Reason::Quota, "DiskFull"),
        (Reason::Denied, "LocalIoError"),
        (Reason::ReadOnly, "LocalIoError"),
    ] {
        let disk = disk(failing(Call::Write, reason));
        let (process, _storage, _file) = with_file(&disk);
        assert_eq!(code(write(&disk, process, 0..LEN)), expected);
        write(&disk, process, 0..LEN).expect("only the first fails");
    }
}

#[test]
fn a_killed_process_changes_nothing_any_more_and_holds_no_lock() {
    let steps = {
        let disk = disk(DiskPlan::default());
        let process = disk.start_process();
        download(&disk, process, || ());
        disk.steps(process)
    };
    assert!(steps > 30, "{steps}");
    for step in 0..steps {
        let disk = disk(DiskPlan::default());
        let process = disk.start_process();
        disk.kill_at_step(process, step);
        let files = || (disk.target(&request()), disk.temp_files(), disk.journals());
        let mut at_death = None;
        download(&disk, process, || {
            if disk.is_dead(process) {
                let now = (files(), disk.journal(&request()));
                assert_eq!(*at_death.get_or_insert_with(|| now.clone()), now, "step {step}");
            }
        });
        assert!(disk.is_dead(process));
        let (left, journal) = at_death.expect("it died");
        assert_eq!((files(), disk.journal(&request())), (left, journal.clone()));
        assert!(is_old(&disk) || is_new(&disk));
        // Everything that was recorded is in the file.
        let temps = disk.temp_files();
        for Extent { offset, len, crc } in journal.map(|(_, extents)| extents).unwrap_or_default() {
            let file = temps.first().map(|(_, bytes)| bytes.clone());
            let file = file.or(disk.target(&request())).expect("a file");
            assert_eq!(file.slice(offset..offset + len).crc(), crc, "step {step}");
        }
        let next = disk.start_process();
        assert_eq!(download(&disk, next, || ()), [""; 0], "step {step}");
        assert!(is_new(&disk) && disk.temp_files().is_empty());
        assert_eq!(disk.journals(), [""; 0], "step {step}");
    }
}

#[test]
fn a_power_failure_at_any_step_leaves_the_old_target_or_the_new_one() {
    let (mut old, mut new) = (0, 0);
    for step in 0..60 {
        for survival in [0.0, 0.5, 1.0] {
            let disk = disk(lasting(survival));
            let process = disk.start_process();
            disk.kill_at_step(process, step);
            download(&disk, process, || ());
            disk.power_loss();
            assert!(is_old(&disk) || is_new(&disk), "step {step}");
            old += usize::from(is_old(&disk));
            new += usize::from(is_new(&disk));
        }
    }
    assert!(old > 0 && new > 0);
}

#[test]
fn a_power_failure_forgets_what_was_not_flushed_and_keeps_the_rest() {
    for (survival, kept) in [(0.0, false), (1.0, true)] {
        let disk = disk(lasting(survival));
        let (process, storage, file) = with_file(&disk);
        write(&disk, process, 0..LEN / 2).expect("written");
        let mut journal = storage
            .start_journal(&header(&storage, &*file), &[extent(0..LEN / 2)])
            .expect("a journal");
        write(&disk, process, LEN / 2..LEN).expect("written");
        journal.append(&[extent(LEN / 2..LEN)]).expect("appended");
        disk.power_loss();
        assert!(disk.is_dead(process));
        let (_, extents) = disk.journal(&request()).expect("its start was flushed");
        assert_eq!(extents.len(), if kept { 2 } else { 1 });
        let temps = disk.temp_files();
        assert_eq!(temps[0].1.are(NEW, 0..LEN), kept, "nothing of it was flushed");
    }
}

#[test]
fn a_power_failure_may_tear_bytes_and_names_that_were_not_flushed() {
    let mut torn = 0;
    let mut undone = 0;
    for seed in 0..50 {
        let disk = Disk::new(lasting(0.5), Random::new(seed), false);
        let (process, storage, file) = with_file(&disk);
        write(&disk, process, 0..LEN).expect("written");
        let options = FinishOptions { flush: false, ..FINISH };
        file.finish(storage.target(), &options).expect("renamed");
        disk.power_loss();
        match disk.target(&request()) {
            None => undone += 1,
            Some(bytes) => torn += usize::from(!bytes.are(NEW, 0..LEN)),
        }
    }
    assert!(torn > 5 && undone > 5, "{torn} {undone}");
}

#[test]
fn bytes_whose_flush_failed_are_lost_though_a_later_flush_succeeds() {
    let disk = disk(DiskPlan { survival: 1.0, ..failing(Call::Flush, Reason::Io) });
    let (process, storage, file) = with_file(&disk);
    write(&disk, process, 0..LEN).expect("written");
    assert_eq!(code(file.finish(storage.target(), &FINISH)), "FlushError");
    assert!(is_old(&disk));
    file.finish(storage.target(), &FINISH).expect("nothing is left to flush");
    disk.power_loss();
    assert!(!is_new(&disk) && !is_old(&disk));
}

#[test]
fn files_are_locked_until_they_are_closed_or_their_process_is_killed() {
    let disk = disk(DiskPlan::default());
    let (first, storage, file) = with_file(&disk);
    let journal = storage.start_journal(&header(&storage, &*file), &[]).expect("a journal");
    let second = disk.start_process();
    let other = disk.storage(second, &request());
    assert_eq!(code(other.lock_journal()), "Busy");
    assert_eq!(code(other.open_temp(None)), "Busy");
    assert_eq!(code(other.create_temp()), "Busy");
    assert_eq!(code(other.start_journal(&header(&other, &*file), &[])), "Busy");
    assert!(disk.take_lag(second) > Duration::from_millis(16) && disk.lag(second).is_zero());

    drop(journal);
    assert!(other.lock_journal().expect("closed").is_some());
    assert_eq!(code(other.open_temp(None)), "Busy");
    disk.kill(first);
    assert!(matches!(other.open_temp(None), Ok(EarlierFile::Found { len: 0 })));
    drop((storage, file));
    let third = disk.storage(disk.start_process(), &request());
    assert_eq!(code(third.open_temp(None)), "Busy", "the second one has it");

    drop(other);
    let stranger = disk.start_process();
    disk.occupy(stranger, &request(), Occupied::Temp);
    disk.occupy(stranger, &request(), Occupied::Journal);
    assert_eq!(code(third.open_temp(None)), "Busy");
    assert_eq!(code(third.lock_journal()), "Busy");
    disk.kill(stranger);
    third.open_temp(None).expect("free");
    third.lock_journal().expect("free");
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
fn a_journal_of_another_download_is_none_and_can_be_replaced() {
    let disk = disk(DiskPlan::default());
    for damage in [Damage::OtherJournal, Damage::ShortJournal(50), Damage::FlippedJournal(60)] {
        let (_, storage, file) = with_file(&disk);
        storage.start_journal(&header(&storage, &*file), &[]).expect("a journal");
        disk.damage(&request(), &damage);
        drop((storage, file));
        let (_, storage, file) = with_file(&disk);
        assert!(storage.lock_journal().expect("free").is_none(), "{damage:?}");
        storage.start_journal(&header(&storage, &*file), &[]).expect("replaced");
        assert!(disk.journal(&request()).is_some());
        drop((storage, file));
        let storage = disk.storage(disk.start_process(), &request());
        storage.lock_journal().expect("free");
        storage.discard_journal().expect("removed");
        assert!(disk.journals().is_empty());
    }
}

#[test]
fn a_torn_record_is_ignored_and_overwritten() {
    let mut whole = 0;
    for seed in 0..20 {
        let plan = failing(Call::AppendJournal, Reason::Io);
        let disk = Disk::new(plan, Random::new(seed), false);
        let (_, storage, file) = with_file(&disk);
        let mut journal = storage.start_journal(&header(&storage, &*file), &[]).expect("journal");
        let (first, second) = (extent(0..100), extent(200..300));
        assert!(journal.append(&[first, second]).is_err());
        let torn = disk.journal(&request()).expect("there").1;
        assert!([&[][..], &[first], &[first, second]].contains(&&torn[..]));
        whole += torn.len();
        journal.append(&[first, second]).expect("appended");
        assert_eq!(disk.journal(&request()).expect("there").1, [first, second]);
    }
    assert!((1..40).contains(&whole), "{whole}");
}

#[test]
fn a_full_disk_takes_a_part_of_the_bytes() {
    let disk = disk(DiskPlan { capacity: Some(100 + LEN / 2), ..DiskPlan::default() });
    let (process, storage, file) = with_file(&disk);
    let error = file.check_space(LEN).expect_err("too small");
    assert!(error.message().ends_with(&format!("; free {} more bytes", LEN / 2)), "{error}");
    assert_eq!((error.code(), error.errno()), ("DiskFull", Some(28)));
    assert_eq!(code(file.preallocate(LEN)), "DiskFull");
    assert_eq!(code(write(&disk, process, 0..LEN)), "DiskFull");
    assert!(disk.temp_files()[0].1.are(NEW, 0..LEN / 2) && disk.used() == 100 + LEN / 2);
    write(&disk, process, 0..LEN / 2).expect("these bytes have their blocks");
    assert_eq!(code(storage.start_journal(&header(&storage, &*file), &[])), "DiskFull");
    assert!(disk.journals().is_empty());

    disk.damage(&request(), &Damage::NoTarget);
    file.set_len(0).expect("empty");
    file.preallocate(LEN / 2 + 50).expect("there is room");
    assert_eq!(disk.temp_files()[0].1.len(), LEN / 2 + 50);
    write(&disk, process, 0..LEN / 2 + 50).expect("reserved");
    assert_eq!(code(write(&disk, process, LEN / 2 + 50..LEN)), "DiskFull");
    disk.end_faults();
    write(&disk, process, 0..LEN).expect("there is room");
}

#[test]
fn without_locks_names_keep_two_runs_apart() {
    for trusted in [true, false] {
        let disk = disk(DiskPlan { trusted, locks: false, ..DiskPlan::default() });
        let (_, storage, file) = with_file(&disk);
        let (_, _, second) = with_file(&disk);
        assert!(!file.is_locked() && storage.is_trusted() == trusted);
        assert_ne!(file.name(), second.name());
        assert_eq!(disk.temp_files().len(), 2);
        assert!(storage.owns_temp_name(file.name()).expect("no digest fails"));

        let [one, other] = [(); 2].map(|()| disk.storage(disk.start_process(), &request()));
        for storage in [&one, &other] {
            let found = storage.open_temp(Some(file.name())).expect("no locks");
            assert!(matches!(found, EarlierFile::Found { .. }));
        }
        let claimed = one.claim_temp().expect("the first");
        assert_ne!(claimed.name(), file.name());
        assert_eq!(code(other.claim_temp()), "Busy");
        assert_eq!(code(file.finish(storage.target(), &FINISH)), "RenameError");
        claimed.finish(storage.target(), &FINISH).expect("it has the file");
    }
}

#[test]
fn a_file_that_others_may_have_open_is_not_used() {
    let disk = disk(DiskPlan::default());
    drop(with_file(&disk));
    disk.damage(&request(), &Damage::Exposed);
    let storage = disk.storage(disk.start_process(), &request());
    assert!(matches!(storage.open_temp(None), Ok(EarlierFile::Exposed { .. })));
    let file = storage.create_temp().expect("another one");
    assert_ne!(Path::new("/dir").join(file.name()), storage.temp_path());
    assert_eq!(disk.temp_files().len(), 1);
}

#[test]
fn what_other_programs_do_to_a_file_is_noticed() {
    let disk = disk(DiskPlan::default());
    let (process, storage, file) = with_file(&disk);
    write(&disk, process, 0..LEN).expect("written");
    assert!(!file.was_cut().expect("looked") && holds(&*file, 0..LEN).expect("read"));
    disk.damage(&request(), &Damage::Length(10));
    write(&disk, process, 20..LEN).expect("written");
    assert!(file.was_cut().expect("looked"));
    assert!(!holds(&*file, 0..LEN).expect("read") && holds(&*file, 20..LEN).expect("read"));

    write(&disk, process, 0..LEN).expect("written");
    for damage in [
        Damage::Zeros(5..6),
        Damage::Overwritten(OTHER, 5..6),
        Damage::Length(LEN - 1),
        Damage::Length(0),
    ] {
        disk.damage(&request(), &damage);
        assert!(!holds(&*file, 0..LEN).expect("read"), "{damage:?}");
        write(&disk, process, 0..LEN).expect("written");
        assert!(holds(&*file, 0..LEN).expect("read"));
    }
    disk.damage(&request(), &Damage::OtherTemp(OTHER, 0..LEN));
    assert_eq!(code(file.finish(storage.target(), &FINISH)), "RenameError");
    file.remove().expect("the other one is left");
    assert!(disk.temp_files()[0].1.are(OTHER, 0..LEN) && is_old(&disk));
    disk.damage(&request(), &Damage::NoTemp);
    assert!(disk.temp_files().is_empty());

    let options = FinishOptions { replace: false, ..FINISH };
    let (_, storage, file) = with_file(&disk);
    disk.damage(&request(), &Damage::Target(OTHER, 0..5));
    assert_eq!(code(file.finish(storage.target(), &options)), "FileAlreadyExists");
    assert!(storage.target_exists());
    disk.damage(&request(), &Damage::NoTarget);
    assert!(!storage.target_exists());
    file.finish(storage.target(), &options).expect("nothing is there");
}

#[test]
fn a_disk_that_changes_bytes_is_found_out() {
    let disk = disk(DiskPlan { corrupt_writes: vec![1], ..DiskPlan::default() });
    let (process, _, file) = with_file(&disk);
    for expected in [true, false, true] {
        write(&disk, process, 0..LEN).expect("written");
        assert_eq!(holds(&*file, 0..LEN).expect("read"), expected);
        assert_eq!(disk.temp_files()[0].1.len(), LEN);
    }
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
