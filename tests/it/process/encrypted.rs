//! A download of an encrypted object that is killed.

use local_oss::Fault;

use super::job::Job;
use super::wait_for_bytes;
use crate::encryption::{assert_plain, fixture, private_key};
use crate::fixture::{MIB, PART};

const SIZE: u64 = 8 * MIB + 4321;

#[test]
fn a_killed_download_of_an_encrypted_object_goes_on_and_ends_with_the_plain_text() {
    for range in [None, Some((1_000_001, SIZE as i64 - 17))] {
        let fixture = fixture(SIZE);
        fixture.server.inject(Fault::RateLimit(MIB));
        let job = Job { range, decryption_key: Some(private_key("first")), ..Job::new(&fixture) };
        for bytes in [MIB, 3 * MIB] {
            let process = job.start();
            wait_for_bytes(&fixture, bytes);
            assert!(process.kill(), "it had ended already");
        }
        fixture.server.clear_faults();
        let reused = job.start().reused();
        assert!(reused >= 3 * MIB - 3 * PART * 8, "{reused} bytes of the killed runs were kept");
        let (start, last) = range.unwrap_or((0, SIZE as i64 - 1));
        assert_plain(&fixture, SIZE, start as u64..last as u64 + 1);
    }
}
