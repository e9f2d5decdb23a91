//! What a kill and a power failure leave, and who may use a file.

use super::*;

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
