//! What goes wrong with a disk, and what others do to its files.

use super::*;

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
fn a_record_of_wrong_bytes_is_read_as_a_valid_one() {
    let disk = disk(DiskPlan::default());
    let (_, storage, file) = with_file(&disk);
    storage.start_journal(&header(&storage, &*file), &[extent(0..100)]).expect("a journal");
    let wrong = Extent { crc: 7, ..extent(100..200) };
    disk.damage(&request(), &Damage::Recorded(wrong));
    assert_eq!(disk.journal(&request()).expect("there").1, [extent(0..100), wrong]);
    disk.damage(&request(), &Damage::NoJournal);
    assert!(disk.journals().is_empty());
}

#[test]
fn any_fault_may_be_drawn() {
    let mut random = Random::new(1);
    let failures: Vec<Failure> = (0..2000).map(|_| Failure::draw(&mut random, 50)).collect();
    for call in Call::ALL {
        assert!(failures.iter().any(|failure| failure.call == call), "{call:?}");
    }
    let damages: Vec<Damage> = (0..500).map(|_| Damage::draw(&mut random, LEN, OTHER)).collect();
    let kinds: Vec<_> = damages.iter().map(std::mem::discriminant).collect();
    assert!((0..kinds.len()).filter(|&n| !kinds[..n].contains(&kinds[n])).count() == 13);
    for damage in &damages {
        disk(DiskPlan::default()).damage(&request(), damage);
    }
}

#[test]
fn a_slow_disk_takes_the_time_of_the_process() {
    let mut random = Random::new(1);
    let second = Duration::from_secs(1);
    let stalled = random.duration(10 * second..20 * second);
    assert!((10..20).contains(&stalled.as_secs()));
    let disk = disk(DiskPlan {
        call_time: second / 1000,
        flush_time: second,
        bytes_per_second: LEN,
        stalls: vec![Stall { call: Call::FreeSpace, nth: 1, time: stalled }],
        ..DiskPlan::default()
    });
    let (process, storage, file) = with_file(&disk);
    disk.take_lag(process);
    file.check_space(LEN).expect("room");
    assert_eq!(disk.take_lag(process), second / 1000);
    file.check_space(LEN).expect("room");
    assert_eq!(disk.take_lag(process), second / 1000 + stalled);
    write(&disk, process, 0..LEN).expect("written");
    assert_eq!(disk.lag(process), Duration::ZERO, "that was another thread");
    assert!(holds(&*file, 0..LEN).expect("read"));
    assert_eq!(disk.take_lag(process), second / 1000 + second);
    let steps = disk.steps(process);
    file.finish(storage.target(), &FINISH).expect("renamed");
    let taken = u32::try_from(disk.steps(process) - steps).expect("few");
    assert_eq!(disk.lag(process), second / 1000 * taken + second);
}
