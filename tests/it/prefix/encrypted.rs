//! Objects that were encrypted before the upload: the manifest has the checksums of what the service stores.

use std::fs::{self, File};
use std::os::unix::fs::FileExt;

use local_oss::Pattern;
use oss_resumable::{PrefixCounts, PrefixRequest};

use crate::encryption::{fixture, with_key};
use crate::fixture::{BUCKET, Fixture, MIB, PART};

const SIZE: u64 = 5 * MIB;

fn run(fixture: &Fixture, verify: bool) -> PrefixCounts {
    let directory = fixture.dir().join("out");
    fs::create_dir_all(&directory).expect("directory");
    let mut request = PrefixRequest::new(BUCKET, "exampledir/", &directory);
    request.verify = verify;
    (request.objects.part_size, request.objects.thread_num) = (PART, 1);
    let outcome = fixture.client_with(with_key).download_prefix(&request).expect("download");
    assert!(outcome.is_complete());
    let mut plain = vec![0; SIZE as usize];
    Pattern::new(SIZE, 7).fill(0, &mut plain);
    assert!(fs::read(directory.join("exampleobject.bin")).expect("read") == plain);
    outcome.counts()
}

#[test]
fn of_a_damaged_file_that_was_decrypted_only_the_damaged_extents_are_fetched() {
    let fixture = fixture(SIZE);
    assert_eq!(run(&fixture, false).fetched, 1);
    assert_eq!(run(&fixture, false).unchanged, 1);
    let path = fixture.dir().join("out/exampleobject.bin");
    let file = File::options().write(true).open(path).expect("open");
    file.write_all_at(b"damage", 3 * MIB).expect("write");
    let counts = run(&fixture, false);
    let fetched = counts.bytes_from_network;
    assert!(counts.fetched == 1 && fetched > 0 && fetched <= PART + MIB, "{counts:?}");
    assert_eq!(run(&fixture, false).unchanged, 1);
    assert_eq!(run(&fixture, true).bytes_from_network, 0, "all of it is sound");
}
