//! Behaviour that depends on process-wide state: the environment and the current directory. Each test runs [`child`] in
//! a process of its own.

use std::process::{Command, Output};

use local_oss::{Auth, Key, Object};
use oss_resumable::{Client, ClientOptions, DownloadRequest};

use crate::fixture::{BUCKET, Fixture, ID, PART, SECRET};

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

/// Runs [`child`] in the fixture's directory with these variables and no other variables of OSS.
fn run(fixture: &Fixture, variables: &[(&str, &str)]) -> String {
    let mut command = Command::new(std::env::current_exe().expect("this program"));
    command.args(["--exact", "--ignored", "--nocapture", "children::child"]);
    for name in ["OSS_ACCESS_KEY_ID", "OSS_ACCESS_KEY_SECRET", "OSS_SESSION_TOKEN"] {
        command.env_remove(name);
    }
    command.env("TEST_ENDPOINT", fixture.server.endpoint()).envs(variables.iter().copied());
    let Output { status, stdout, .. } = command.current_dir(fixture.dir()).output().expect("run");
    assert!(status.success(), "{}", String::from_utf8_lossy(&stdout));
    String::from_utf8(stdout).expect("UTF-8")
}

fn fixture() -> Fixture {
    let fixture = Fixture::new(1);
    fixture.server.put(BUCKET, DIRECTORY_KEY, Object::pattern(3 * PART, 7));
    fixture
}

#[test]
fn the_file_is_named_after_the_key_s_last_segment_in_the_current_directory() {
    let fixture = fixture();
    let said = run(&fixture, &[("OSS_ACCESS_KEY_ID", ID), ("OSS_ACCESS_KEY_SECRET", SECRET)]);
    assert_eq!(fixture.files(), ["default-name.bin"]);
    let path = fixture.dir().canonicalize().expect("path").join("default-name.bin");
    assert!(said.contains(&format!("saved {}", path.display())), "{said}");
    let expected = fixture.server.object_bytes(BUCKET, DIRECTORY_KEY, 0..3 * PART).expect("object");
    assert!(std::fs::read(path).expect("file") == expected);
}

#[test]
fn credentials_come_from_the_environment_by_default() {
    let fixture = fixture();
    let token = "CAIStoken";
    let key = Key {
        id: ID.to_owned(),
        secret: SECRET.to_owned(),
        token: Some(token.to_owned()),
        expires: None,
    };
    fixture.server.set_auth(Auth::Keys(vec![key]));
    let key = [("OSS_ACCESS_KEY_ID", ID), ("OSS_ACCESS_KEY_SECRET", SECRET)];
    let with_token = [&key[..], &[("OSS_SESSION_TOKEN", token)]].concat();
    assert!(run(&fixture, &with_token).contains("saved "));
    let signed = fixture.server.requests();
    assert!(signed.iter().all(|r| r.header("x-oss-security-token") == Some(token)));
    assert!(run(&fixture, &key).contains("refused InvalidAccessKeyId"));
}

#[test]
fn a_missing_variable_is_named_and_nothing_is_sent() {
    let fixture = fixture();
    for (variables, missing) in
        [(vec![], "OSS_ACCESS_KEY_ID"), (vec![("OSS_ACCESS_KEY_ID", ID)], "OSS_ACCESS_KEY_SECRET")]
    {
        let said = run(&fixture, &variables);
        assert!(said.contains("refused ValidateError"), "{said}");
        assert!(said.contains(&format!("{missing} is not set")), "{said}");
    }
    assert!(fixture.server.requests().is_empty());
}

#[test]
fn blanks_and_line_ends_around_values_of_a_secret_store_are_not_sent() {
    let fixture = fixture();
    let token = "CAIStoken";
    let key = Key {
        id: ID.to_owned(),
        secret: SECRET.to_owned(),
        token: Some(token.to_owned()),
        expires: None,
    };
    fixture.server.set_auth(Auth::Keys(vec![key]));
    for (before, after) in [("", "\n"), ("", "\r\n"), ("", "  "), ("\n", "\t"), (" ", "\n\n")] {
        let around = |value: &str| format!("{before}{value}{after}");
        let (id, secret, token) = (around(ID), around(SECRET), around(token));
        let said = run(
            &fixture,
            &[
                ("OSS_ACCESS_KEY_ID", &id),
                ("OSS_ACCESS_KEY_SECRET", &secret),
                ("OSS_SESSION_TOKEN", &token),
            ],
        );
        assert!(said.contains("saved "), "{before:?} {after:?}: {said}");
    }
}

#[test]
fn a_variable_with_a_wrong_value_is_named_and_nothing_is_sent() {
    let fixture = fixture();
    for (id, secret, token, wrong) in [
        ("", SECRET, "", "OSS_ACCESS_KEY_ID is empty"),
        (ID, " \n", "", "OSS_ACCESS_KEY_SECRET is empty"),
        ("LTAI 5t", SECRET, "", "OSS_ACCESS_KEY_ID contains a blank"),
        (ID, "Ex\nample", "", "OSS_ACCESS_KEY_SECRET contains a blank or a line end"),
        (ID, SECRET, "CAIS\u{7}", "OSS_SESSION_TOKEN contains a control character"),
        (ID, SECRET, "\u{feff}CAIS", "OSS_SESSION_TOKEN contains a character that is not ASCII"),
    ] {
        let said = run(
            &fixture,
            &[
                ("OSS_ACCESS_KEY_ID", id),
                ("OSS_ACCESS_KEY_SECRET", secret),
                ("OSS_SESSION_TOKEN", token),
            ],
        );
        assert!(said.contains("refused ValidateError"), "{said}");
        assert!(said.contains(wrong), "{wrong}: {said}");
        assert!(!said.contains("Ex\nample"), "{said}");
    }
    assert!(fixture.server.requests().is_empty());
}
