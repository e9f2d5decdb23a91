use std::fs;
use std::os::unix::fs::FileExt;

use proptest::prelude::*;

use super::super::content::SECTOR;
use super::super::recording::Bytes;
use super::*;
use crate::effort::{cases, runner};

const ORDERS: [Order; 2] = [Order::Journaled, Order::Any];
/// Most ways to lose the power; no step of the random sequences below has more.
const LIMIT: u64 = 1 << 20;

fn create(file: FileId, name: &str) -> Event {
    Event::Create { file, name: name.to_owned() }
}

fn write(file: FileId, offset: usize, bytes: &[u8]) -> Event {
    Event::Write { file, offset, bytes: Bytes(bytes.into()) }
}

fn rename(from: &str, to: &str) -> Event {
    Event::Rename { from: from.to_owned(), to: to.to_owned() }
}

fn flush_directory() -> Event {
    Event::FlushDirectory { directory: "d".to_owned() }
}

/// A disk with an old target after `events`.
fn disk(order: Order, events: &[Event]) -> Disk {
    let mut disk = Disk::new(order, &[("d/target".to_owned(), 0, b"old".to_vec())]);
    events.iter().for_each(|event| disk.apply(event));
    disk
}

/// Every possible state after a power loss, with writes torn at one point.
fn states(disk: &Disk) -> BTreeSet<Files> {
    let crashes = disk.every_crash(LIMIT).expect("few ways");
    crashes.iter().map(|crash| disk.after(crash)).collect()
}

/// Every possible state of the target.
fn targets(disk: &Disk) -> BTreeSet<Option<Vec<u8>>> {
    states(disk).into_iter().map(|mut files| files.remove("d/target")).collect()
}

#[test]
fn after_the_rename_of_a_flushed_file_the_target_is_the_old_or_the_complete_new_one() {
    let events = [
        create(1, "d/temp"),
        write(1, 0, b"new"),
        Event::Flush { file: 1 },
        rename("d/temp", "d/target"),
        flush_directory(),
    ];
    for order in ORDERS {
        let old_or_new = BTreeSet::from([Some(b"old".to_vec()), Some(b"new".to_vec())]);
        assert_eq!(targets(&disk(order, &events[..4])), old_or_new);
        assert_eq!(targets(&disk(order, &events)), BTreeSet::from([Some(b"new".to_vec())]));
    }
}

#[test]
fn a_file_that_is_renamed_before_its_flush_may_be_lost() {
    let events =
        [create(1, "d/temp"), write(1, 0, b"new"), rename("d/temp", "d/target"), flush_directory()];
    for order in ORDERS {
        let targets = targets(&disk(order, &events));
        assert!(targets.contains(&Some(Vec::new())), "{order:?}: {targets:?}");
    }
}

#[test]
fn the_flush_of_a_new_file_keeps_its_name_only_with_a_journal() {
    let events = [create(1, "d/new"), Event::Flush { file: 1 }];
    for (order, kept) in [(Order::Journaled, true), (Order::Any, false)] {
        let always = states(&disk(order, &events)).iter().all(|files| files.contains_key("d/new"));
        assert_eq!(always, kept, "{order:?}");
    }
}

#[test]
fn changes_of_names_are_in_order_with_a_journal_and_otherwise_in_any_order() {
    let events = [create(1, "d/first"), create(2, "e/second")];
    for (order, possible) in [(Order::Journaled, false), (Order::Any, true)] {
        let only_second =
            |files: &Files| files.contains_key("e/second") && !files.contains_key("d/first");
        assert_eq!(states(&disk(order, &events)).iter().any(only_second), possible, "{order:?}");
    }
}

#[test]
fn sectors_are_written_completely_or_not_at_all() {
    const OFFSET: usize = 300;
    let mut chance = Chance::new();
    let new = vec![1; 5 * SECTOR];
    for order in ORDERS {
        let old = [("d/file".to_owned(), 0, vec![0; 8 * SECTOR])];
        let mut disk = Disk::new(order, &old);
        disk.apply(&write(0, OFFSET, &new));
        let mut torn = 0;
        for _ in 0..500 {
            let bytes = disk.after(&disk.some_crash(&mut chance)).remove("d/file").expect("a file");
            let written = bytes[OFFSET..OFFSET + new.len()].iter().filter(|&&b| b == 1).count();
            torn += usize::from(written > 0 && written < new.len());
            for (n, sector) in bytes.chunks(SECTOR).enumerate() {
                let inside = |i: &usize| (OFFSET..OFFSET + new.len()).contains(&(n * SECTOR + i));
                let mut values = (0..sector.len()).filter(inside).map(|i| sector[i]);
                let first = values.next();
                assert!(values.all(|value| Some(value) == first), "{order:?}: sector {n}");
            }
        }
        assert!(torn > 100, "{order:?}: only {torn} of 500 writes were torn");
    }
}

#[test]
fn a_lengthened_file_may_contain_old_data() {
    let events = [create(1, "d/new"), flush_directory(), write(1, 0, b"1234")];
    let contents = |order| -> BTreeSet<_> {
        states(&disk(order, &events)).into_iter().map(|mut files| files.remove("d/new")).collect()
    };
    let of = |bytes: &[u8]| Some(bytes.to_vec());
    assert_eq!(contents(Order::Journaled), BTreeSet::from([of(b""), of(b"1234")]));
    let any = contents(Order::Any);
    for bytes in [&b""[..], b"1234", b"\0\0\0\0", b"old\0", b"\xA5\xA5\xA5\xA5"] {
        assert!(any.contains(&of(bytes)), "{bytes:?}");
    }
}

/// One of a few operations on three files with three names in two directories.
#[derive(Clone, Debug)]
enum Operation {
    Write { name: usize, offset: usize, bytes: Vec<u8> },
    Length { name: usize, len: usize },
    Rename { from: usize, to: usize },
    Unlink { name: usize },
    Flush { name: usize },
    FlushDirectory { name: usize },
}

const NAMES: [&str; 3] = ["d/target", "d/temp", "e/journal"];

fn operation() -> impl Strategy<Value = Operation> {
    let name = || 0..NAMES.len();
    let bytes = prop::collection::vec(any::<u8>(), 1..8);
    prop_oneof![
        4 => (name(), 0..8usize, bytes).prop_map(|(name, offset, bytes)| Operation::Write {
            name, offset, bytes
        }),
        2 => (name(), 0..16usize).prop_map(|(name, len)| Operation::Length { name, len }),
        2 => (name(), name()).prop_map(|(from, to)| Operation::Rename { from, to }),
        1 => name().prop_map(|name| Operation::Unlink { name }),
        1 => name().prop_map(|name| Operation::Flush { name }),
        1 => name().prop_map(|name| Operation::FlushDirectory { name }),
    ]
}

/// The calls of the operations; a file that does not exist is created, and not renamed, removed or flushed.
fn calls(operations: &[Operation]) -> Vec<Event> {
    let mut at: BTreeMap<usize, FileId> = BTreeMap::from([(0, 0)]);
    let mut files = 1;
    let mut events = Vec::new();
    for operation in operations {
        match operation.clone() {
            Operation::Write { name, .. } | Operation::Length { name, .. }
                if !at.contains_key(&name) =>
            {
                at.insert(name, files);
                events.push(create(files, NAMES[name]));
                files += 1;
            }
            Operation::Write { name, offset, bytes } => {
                events.push(write(at[&name], offset, &bytes))
            }
            Operation::Length { name, len } => events.push(Event::Length { file: at[&name], len }),
            Operation::Rename { from, to } if from != to => {
                if let Some(file) = at.remove(&from) {
                    at.insert(to, file);
                    events.push(rename(NAMES[from], NAMES[to]));
                }
            }
            Operation::Unlink { name } => {
                if at.remove(&name).is_some() {
                    events.push(Event::Unlink { name: NAMES[name].to_owned() });
                }
            }
            Operation::Flush { name } => {
                events.extend(at.get(&name).map(|&file| Event::Flush { file }));
            }
            Operation::FlushDirectory { name } => {
                let (directory, _) = NAMES[name].split_once('/').expect("a directory");
                events.push(Event::FlushDirectory { directory: directory.to_owned() });
            }
            Operation::Rename { .. } => {}
        }
    }
    events
}

fn operations(most: usize) -> impl Strategy<Value = Vec<Event>> {
    prop::collection::vec(operation(), 0..most).prop_map(|operations| calls(&operations))
}

/// Applies the events to real files, and returns those that exist at the end.
fn applied_to_real_files(events: &[Event]) -> Files {
    let root = tempfile::tempdir().expect("directory");
    let path = |name: &str| root.path().join(name);
    fs::create_dir(path("d")).and_then(|()| fs::create_dir(path("e"))).expect("directories");
    let open = |name: &str| {
        let mut options = fs::OpenOptions::new();
        options.write(true).create(true).truncate(false).open(path(name)).expect("open")
    };
    let mut files = BTreeMap::from([(0, open(NAMES[0]))]);
    files[&0].write_all_at(b"old", 0).expect("write");
    for event in events {
        match event {
            Event::Create { file, name } => {
                files.insert(*file, open(name));
            }
            Event::Write { file, offset, bytes } => {
                files[file].write_all_at(&bytes.0, *offset as u64).expect("write");
            }
            Event::Length { file, len } => files[file].set_len(*len as u64).expect("length"),
            Event::Rename { from, to } => fs::rename(path(from), path(to)).expect("rename"),
            Event::Unlink { name } => fs::remove_file(path(name)).expect("remove"),
            _ => {}
        }
    }
    let there =
        NAMES.into_iter().filter_map(|name| Some((name.to_owned(), fs::read(path(name)).ok()?)));
    there.collect()
}

#[test]
fn the_model_agrees_with_a_real_directory() {
    let property = |events: Vec<Event>| {
        for order in ORDERS {
            prop_assert_eq!(disk(order, &events).now(), applied_to_real_files(&events));
        }
        Ok(())
    };
    runner(cases(100, 2_000))
        .run(&operations(30), property)
        .unwrap_or_else(|error| panic!("{error}"));
}

#[test]
fn a_power_loss_may_leave_everything_or_the_flushed_data_and_any_order_includes_the_journaled_states()
 {
    let property = |events: Vec<Event>| {
        let [journaled, any] = ORDERS.map(|order| disk(order, &events));
        let left = states(&journaled);
        prop_assert!(left.contains(&journaled.now()));
        prop_assert!(left.is_subset(&states(&any)));
        Ok(())
    };
    runner(cases(100, 1_000))
        .run(&operations(8), property)
        .unwrap_or_else(|error| panic!("{error}"));
}

#[test]
fn when_everything_is_flushed_nothing_is_lost() {
    let property = |mut events: Vec<Event>| {
        let files = events.iter().filter_map(|event| match event {
            Event::Create { file, .. } => Some(*file),
            _ => None,
        });
        let flushes = files.chain([0]).map(|file| Event::Flush { file }).collect::<Vec<_>>();
        events.extend(flushes);
        events.extend(["d", "e"].map(|d| Event::FlushDirectory { directory: d.to_owned() }));
        for order in ORDERS {
            let disk = disk(order, &events);
            prop_assert_eq!(states(&disk), BTreeSet::from([disk.now()]));
        }
        Ok(())
    };
    runner(cases(100, 2_000))
        .run(&operations(30), property)
        .unwrap_or_else(|error| panic!("{error}"));
}
