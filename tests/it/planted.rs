//! The bugs that `make test-all` introduces to see tests fail.

use std::process::Command;

#[test]
fn every_mutant_patch_still_applies() {
    let check = Command::new("scripts/mutants.sh")
        .arg("--check")
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .output()
        .expect("the script runs");
    let error_output = String::from_utf8_lossy(&check.stderr);
    let said = String::from_utf8_lossy(&check.stdout);
    assert!(check.status.success(), "{error_output}{said}");
    assert!(said.contains("mutant: 31 passed, 0 failed"), "{said}");
}
