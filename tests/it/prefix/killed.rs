//! A prefix of a thousand objects, whose download is killed at random moments, goes on and ends right.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::os::unix::fs::FileExt;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use local_oss::{Config, Fault, Object};
use oss_resumable::{AccessKey, Client, ClientOptions, Credentials, PrefixRequest};

use super::{Scene, body_bytes, failures};
use crate::effort::{Chance, cases};
use crate::fixture::{
    BUCKET, Fixture, ID, KEY, MIB, PART, SECRET, directory_in_memory, directory_on_disk,
};

const OBJECTS: u64 = 1000;
const KILLS: u32 = 10;
/// Bytes per second and connection while runs are killed.
const RATE: u64 = MIB / 2;
/// Most connections of a client.
const CONNECTIONS: u64 = 64;
/// A part, and the write that completes it.
const LONGEST_EXTENT: u64 = PART + MIB;
/// Total time of all killed runs.
const KILLED_AFTER_ALL: Duration = Duration::from_millis(3000);
const PREFIX: &str = "data/";

#[test]
#[ignore = "runs in a process of its own, which the other test here kills"]
fn child() {
    let variable = |name: &str| std::env::var(name).expect("run by the other test");
    let options = ClientOptions::new(variable("TEST_ENDPOINT"))
        .region("cn-hangzhou")
        .credentials(Credentials::Static(AccessKey::new(ID, SECRET, None)));
    let client = Client::new(options).expect("client");
    let outcome = client.download_prefix(&request(variable("TEST_DIRECTORY"))).expect("download");
    println!("{:?}", outcome.counts());
}

fn request(directory: impl Into<std::path::PathBuf>) -> PrefixRequest {
    let mut request = PrefixRequest::new(BUCKET, PREFIX, directory);
    request.objects.part_size = PART;
    request
}

fn start(scene: &Scene) -> Child {
    Command::new(std::env::current_exe().expect("this program"))
        .args(["--exact", "--ignored", "prefix::killed::child"])
        .env("TEST_ENDPOINT", scene.fixture.server.endpoint())
        .env("TEST_DIRECTORY", scene.dir())
        .stdout(Stdio::null())
        .spawn()
        .expect("a process")
}

/// A thousand objects of 0 bytes to `largest`, most of them small: one is archived, and two cannot be downloaded because
/// of other keys. Returns the sizes of the others by their paths.
fn fill(scene: &Scene, chance: &mut Chance, largest: u64) -> BTreeMap<String, u64> {
    let mut sizes = BTreeMap::new();
    let mut put = |path: String, size: u64| {
        scene.put(&format!("{PREFIX}{path}"), size);
        sizes.insert(path, size);
    };
    for number in 0..OBJECTS - 7 {
        let size = (chance.fraction().powi(64) * largest as f64) as u64;
        put(format!("{:02}/{number}.bin", number % 13), size);
    }
    put("empty".to_owned(), 0);
    put("largest".to_owned(), largest);
    put("model".to_owned(), 2 * PART);
    put("nested/file".to_owned(), 5);
    for refused in ["model.temp", "nested"] {
        scene.put(&format!("{PREFIX}{refused}"), 7);
    }
    let archived = format!("{PREFIX}archived");
    scene.fixture.server.put(BUCKET, &archived, Object::pattern(9, 9).archived());
    sizes
}

#[test]
fn a_prefix_of_a_thousand_objects_that_is_killed_ten_times_ends_right() {
    let is_long = cases(0, 1) == 1;
    let (dir, largest) = match is_long {
        true => (directory_on_disk(), 64 * MIB),
        false => (directory_in_memory(), 4 * MIB),
    };
    let fixture = Fixture::in_directory(dir, Config::default(), Object::pattern(1, 1));
    fixture.server.remove(BUCKET, KEY);
    fs::create_dir(fixture.dir().join("out")).expect("directory");
    let scene = Scene { fixture };
    let mut chance = Chance::new();
    let sizes = fill(&scene, &mut chance, largest);
    let all: u64 = sizes.values().sum();

    scene.fixture.server.inject(Fault::RateLimit(RATE));
    for run in 0..KILLS {
        let mut child = start(&scene);
        std::thread::sleep(KILLED_AFTER_ALL.mul_f64(2.0 * chance.fraction() / f64::from(KILLS)));
        assert!(child.try_wait().expect("state").is_none(), "run {run} had ended already");
        child.kill().expect("kill");
        child.wait().expect("end");
        assert_only_whole_files(&scene, &sizes);
    }
    scene.fixture.server.clear_faults();
    let client = scene.fixture.client();
    let outcome = client.download_prefix(&request(scene.dir())).expect("download");

    let expected = [
        ("archived", "InvalidObjectState"),
        ("model.temp", "KeyCollision"),
        ("nested", "KeyCollision"),
    ];
    let expected = expected.map(|(path, code)| (format!("{PREFIX}{path}"), code.to_owned()));
    assert_eq!(failures(&outcome), expected);
    let counts = outcome.counts();
    assert_eq!((counts.objects, counts.fetched + counts.unchanged), (OBJECTS, OBJECTS - 3));
    sizes.keys().for_each(|path| scene.assert_file(path, &format!("{PREFIX}{path}")));
    assert_eq!(scene.tree().iter().filter(|path| !path.ends_with('/')).count(), sizes.len());
    assert_eq!(scene.own_files(), ["manifest"]);
    let sent: u64 = body_bytes(&scene.object_requests(0));
    println!("{sent} bytes were sent for {all}");
    // Bytes that are not recorded are younger than a second, and half a second more on a busy machine.
    assert!(sent <= all + u64::from(KILLS) * CONNECTIONS * RATE * 3 / 2);

    let (outcome, requests) =
        scene.counted(|| client.download_prefix(&request(scene.dir())).expect("download"));
    assert_eq!(outcome.counts().unchanged, OBJECTS - 3);
    assert!(
        requests.iter().all(|request| request.key == format!("{PREFIX}archived")),
        "{requests:?}"
    );

    let (damaged, most) = damage(&scene, &mut chance, &sizes);
    let (outcome, requests) =
        scene.counted(|| client.download_prefix(&request(scene.dir())).expect("download"));
    assert_eq!(outcome.counts().fetched, damaged);
    let fetched = body_bytes(&requests);
    println!("{fetched} bytes of {most} were fetched for {damaged} damaged files");
    assert!(fetched > 0 && fetched <= most);
    sizes.keys().for_each(|path| scene.assert_file(path, &format!("{PREFIX}{path}")));
    assert_eq!(failures(&outcome), expected);
}

/// Whatever has a name of its own is whole, at any moment.
fn assert_only_whole_files(scene: &Scene, sizes: &BTreeMap<String, u64>) {
    for path in scene.tree().iter().filter(|path| !path.ends_with('/') && !path.ends_with(".temp"))
    {
        let size = fs::metadata(scene.dir().join(path)).expect("metadata").len();
        assert_eq!(Some(&size), sizes.get(path), "{path}");
    }
}

/// Changes a byte of some files; returns how many, and the most bytes that this may cost.
fn damage(scene: &Scene, chance: &mut Chance, sizes: &BTreeMap<String, u64>) -> (u64, u64) {
    let (mut damaged, mut most) = (0, 0);
    for (path, size) in sizes.iter().filter(|(_, size)| **size > PART) {
        let file =
            File::options().read(true).write(true).open(scene.dir().join(path)).expect("open");
        let at = chance.below(*size);
        let mut byte = [0];
        file.read_exact_at(&mut byte, at).expect("read");
        file.write_all_at(&[!byte[0]], at).expect("write");
        damaged += 1;
        most += LONGEST_EXTENT.min(*size);
    }
    (damaged, most)
}
