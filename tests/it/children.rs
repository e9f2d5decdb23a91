//! What belongs to a whole process: its environment and its current directory. Each test runs [`child`] in a
//! process of its own.

use std::process::{Command, Output};

use local_oss::{Auth, Key, Object};
use oss_resumable::{Client, ClientOptions, DownloadRequest};

use crate::lab::{BUCKET, ID, Lab, PART, SECRET};

const DIRECTORY_KEY: &str = "some/dir/default-name.bin";

#[test]
#[ignore = "runs in a child process, with the environment the other tests here give it"]
fn child() {
    let endpoint = std::env::var("TEST_ENDPOINT").expect("run by the other tests");
    let options = ClientOptions::new(endpoint).region("cn-hangzhou");
    let client = Client::new(options).expect("client");
    match client.download(&DownloadRequest::new(BUCKET, DIRECTORY_KEY)) {
        Ok(outcome) => println!("saved {}", outcome.file_path.display()),
        Err(error) => println!("refused {error}"),
    }
}

/// Runs [`child`] in the lab's directory with these variables and no others of OSS.
fn run(lab: &Lab, variables: &[(&str, &str)]) -> String {
    let mut command = Command::new(std::env::current_exe().expect("this program"));
    command.args(["--exact", "--ignored", "--nocapture", "children::child"]);
    for name in ["OSS_ACCESS_KEY_ID", "OSS_ACCESS_KEY_SECRET", "OSS_SESSION_TOKEN"] {
        command.env_remove(name);
    }
    command.env("TEST_ENDPOINT", lab.server.endpoint()).envs(variables.iter().copied());
    let Output { status, stdout, .. } = command.current_dir(lab.dir()).output().expect("run");
    assert!(status.success(), "{}", String::from_utf8_lossy(&stdout));
    String::from_utf8(stdout).expect("UTF-8")
}

fn lab() -> Lab {
    let lab = Lab::new(1);
    lab.server.put(BUCKET, DIRECTORY_KEY, Object::pattern(3 * PART, 7));
    lab
}

#[test]
fn the_file_is_named_after_the_key_s_last_segment_in_the_current_directory() {
    let lab = lab();
    let said = run(&lab, &[("OSS_ACCESS_KEY_ID", ID), ("OSS_ACCESS_KEY_SECRET", SECRET)]);
    assert_eq!(lab.files(), ["default-name.bin"]);
    let path = lab.dir().canonicalize().expect("path").join("default-name.bin");
    assert!(said.contains(&format!("saved {}", path.display())), "{said}");
    let expected = lab.server.object_bytes(BUCKET, DIRECTORY_KEY, 0..3 * PART).expect("object");
    assert!(std::fs::read(path).expect("file") == expected);
}

#[test]
fn credentials_come_from_the_environment_by_default() {
    let lab = lab();
    let token = "CAIStoken";
    let key = Key {
        id: ID.to_owned(),
        secret: SECRET.to_owned(),
        token: Some(token.to_owned()),
        expires: None,
    };
    lab.server.set_auth(Auth::Keys(vec![key]));
    let key = [("OSS_ACCESS_KEY_ID", ID), ("OSS_ACCESS_KEY_SECRET", SECRET)];
    let with_token = [&key[..], &[("OSS_SESSION_TOKEN", token)]].concat();
    assert!(run(&lab, &with_token).contains("saved "));
    let signed = lab.server.requests();
    assert!(signed.iter().all(|r| r.header("x-oss-security-token") == Some(token)));
    assert!(run(&lab, &key).contains("refused InvalidAccessKeyId"));
}

#[test]
fn a_missing_variable_is_named_and_nothing_is_sent() {
    let lab = lab();
    for (variables, missing) in [
        (vec![], "OSS_ACCESS_KEY_ID"),
        (vec![("OSS_ACCESS_KEY_ID", ID)], "OSS_ACCESS_KEY_SECRET"),
        (vec![("OSS_ACCESS_KEY_ID", ""), ("OSS_ACCESS_KEY_SECRET", SECRET)], "OSS_ACCESS_KEY_ID"),
    ] {
        let said = run(&lab, &variables);
        assert!(said.contains("refused ValidateError"), "{said}");
        assert!(said.contains(&format!("{missing} is not set")), "{said}");
    }
    assert!(lab.server.requests().is_empty());
}
