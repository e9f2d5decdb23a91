//! Buckets and their objects.

use std::collections::{BTreeMap, HashMap};
use std::ops::Bound;
use std::path::{Component, Path, PathBuf};
use std::sync::Arc;

use jiff::Timestamp;
use parking_lot::Mutex;

use crate::object::{Generation, Object};
use crate::quantity::parse_size;

/// Key prefix of generated objects, which exist in every bucket.
pub(crate) const GENERATED_PREFIX: &str = "generated/";

/// All buckets of a server.
pub(crate) struct Store {
    versioning: bool,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    buckets: HashMap<String, Bucket>,
    puts: u64,
}

#[derive(Default)]
struct Bucket {
    /// Versions of each key, oldest first; without versioning only one.
    objects: BTreeMap<String, Vec<Arc<Generation>>>,
    folder: Option<PathBuf>,
}

/// The result of looking up a key and version.
#[derive(Debug)]
pub(crate) enum Lookup {
    Found(Arc<Generation>),
    NoSuchBucket,
    NoSuchKey,
    NoSuchVersion,
    /// The newest version is a delete marker.
    Deleted(Arc<Generation>),
    /// The requested version is a delete marker.
    MarkerAsked,
}

impl Store {
    pub(crate) fn new(versioning: bool) -> Self {
        Store { versioning, state: Mutex::default() }
    }

    pub(crate) fn versioning(&self) -> bool {
        self.versioning
    }

    pub(crate) fn create_bucket(&self, bucket: &str) {
        self.state.lock().buckets.entry(bucket.to_owned()).or_default();
    }

    /// Also serves the files below `folder` from `bucket`.
    pub(crate) fn serve_folder(&self, bucket: &str, folder: PathBuf) {
        self.state.lock().buckets.entry(bucket.to_owned()).or_default().folder = Some(folder);
    }

    pub(crate) fn put(
        &self,
        bucket: &str,
        key: &str,
        object: Object,
        now: Timestamp,
    ) -> Arc<Generation> {
        self.state.lock().put(bucket, key, object, now, self.versioning)
    }

    /// Removes a key with all its versions; returns `false` if there was none.
    pub(crate) fn remove(&self, bucket: &str, key: &str) -> bool {
        let mut state = self.state.lock();
        state.buckets.get_mut(bucket).is_some_and(|b| b.objects.remove(key).is_some())
    }

    /// Replaces the object at `key` with other bytes of the same size.
    pub(crate) fn put_successor(&self, bucket: &str, key: &str, now: Timestamp) {
        if let Lookup::Found(current) = self.find(bucket, key, None, now) {
            self.put(bucket, key, current.object().successor(), now);
        }
    }

    /// Appends `bytes` to the object at `key`, without a new version; `None` if it cannot grow.
    pub(crate) fn append(
        &self,
        bucket: &str,
        key: &str,
        bytes: u64,
        now: Timestamp,
    ) -> Option<Arc<Generation>> {
        // Stores the object first if it is a generated one or a file.
        self.find(bucket, key, None, now);
        let mut state = self.state.lock();
        let newest = state.buckets.get_mut(bucket)?.objects.get_mut(key)?.last_mut()?;
        *newest = Arc::new(newest.grown(bytes, now)?);
        Some(newest.clone())
    }

    pub(crate) fn find(
        &self,
        bucket: &str,
        key: &str,
        version: Option<&str>,
        now: Timestamp,
    ) -> Lookup {
        let mut state = self.state.lock();
        let Some(known) = state.buckets.get(bucket) else { return Lookup::NoSuchBucket };
        if known.newest(key).is_none_or(|newest| newest.is_outdated()) {
            let object = generated(key).or_else(|| known.file(key));
            let Some(object) = object else { return Lookup::NoSuchKey };
            state.put(bucket, key, object, now, false);
        }
        let versions = state.buckets.get(bucket).and_then(|b| b.objects.get(key));
        self.choose(versions.map(Vec::as_slice).unwrap_or_default(), version)
    }

    /// The first object whose key is in the range that begins with `after`; delete markers are passed over. An error if
    /// the bucket does not exist. Generated objects are found only once they have been asked for by name.
    pub(crate) fn next_object(
        &self,
        bucket: &str,
        after: &Bound<String>,
    ) -> Result<Option<(String, Arc<Generation>)>, ()> {
        let state = self.state.lock();
        let known = state.buckets.get(bucket).ok_or(())?;
        let mut objects = known.objects.range((after.clone(), Bound::Unbounded));
        Ok(objects.find_map(|(key, versions)| {
            let newest = versions.last().filter(|newest| !newest.is_delete_marker())?;
            Some((key.clone(), newest.clone()))
        }))
    }

    /// Stores the files of the bucket's folder.
    pub(crate) fn notice_files(&self, bucket: &str, now: Timestamp) {
        let folder = self.state.lock().buckets.get(bucket).and_then(|b| b.folder.clone());
        let Some(folder) = folder else { return };
        for key in files_below(&folder) {
            self.find(bucket, &key, None, now);
        }
    }

    fn choose(&self, versions: &[Arc<Generation>], version: Option<&str>) -> Lookup {
        let Some(newest) = versions.last() else { return Lookup::NoSuchKey };
        let Some(id) = version else {
            let deleted = newest.is_delete_marker();
            let newest = newest.clone();
            return if deleted { Lookup::Deleted(newest) } else { Lookup::Found(newest) };
        };
        // GetObject: "null" is the id of a version stored while versioning was off.
        let id_is_null = id == "null" && !self.versioning;
        match versions.iter().find(|v| v.version_id() == id || id_is_null) {
            Some(marker) if marker.is_delete_marker() => Lookup::MarkerAsked,
            Some(found) => Lookup::Found(found.clone()),
            None => Lookup::NoSuchVersion,
        }
    }
}

impl State {
    fn put(
        &mut self,
        bucket: &str,
        key: &str,
        object: Object,
        now: Timestamp,
        versioning: bool,
    ) -> Arc<Generation> {
        self.puts += 1;
        let version_id = format!("CAEQ{:028X}", self.puts);
        let generation = Arc::new(Generation::new(object, now, version_id));
        let bucket = self.buckets.entry(bucket.to_owned()).or_default();
        let versions = bucket.objects.entry(key.to_owned()).or_default();
        if !versioning {
            versions.clear();
        }
        versions.push(generation.clone());
        generation
    }
}

impl Bucket {
    fn newest(&self, key: &str) -> Option<&Arc<Generation>> {
        self.objects.get(key)?.last()
    }

    /// The file with the relative path `key` in the folder, never one outside it, with the headers in the lines of the file
    /// `<name>.headers` beside it.
    fn file(&self, key: &str) -> Option<Object> {
        let relative = Path::new(key);
        let inside = relative.components().all(|part| matches!(part, Component::Normal(_)));
        let path = self.folder.as_ref().filter(|_| inside)?.join(relative);
        let headers = std::fs::read_to_string(with_ending(&path, ".headers")).unwrap_or_default();
        let headers = headers.lines().filter_map(|line| line.split_once(':'));
        let file = Object::file(path).ok()?;
        Some(headers.fold(file, |file, (name, value)| file.header(name.trim(), value.trim())))
    }
}

/// The relative paths of the files below a folder that are objects.
fn files_below(folder: &Path) -> Vec<String> {
    let mut keys = Vec::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(next) = folders.pop() {
        let Ok(entries) = std::fs::read_dir(&next) else { continue };
        for path in entries.flatten().map(|entry| entry.path()) {
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_none_or(|ending| ending != "headers") {
                let key = path.strip_prefix(folder).ok().and_then(|key| key.to_str());
                keys.extend(key.map(str::to_owned));
            }
        }
    }
    keys
}

fn with_ending(path: &Path, ending: &str) -> PathBuf {
    let mut path = path.as_os_str().to_owned();
    path.push(ending);
    path.into()
}

/// The object of a key `generated/<size>[-seed<number>][.<extension>]`.
fn generated(key: &str) -> Option<Object> {
    let name = key.strip_prefix(GENERATED_PREFIX)?;
    let name = name.split_once('.').map_or(name, |(stem, _)| stem);
    let (size, seed) = match name.split_once("-seed") {
        Some((size, seed)) => (size, seed.parse().ok()?),
        None => (name, 0),
    };
    // The same at each start of a server: a download may continue after a restart.
    let epoch = std::time::UNIX_EPOCH + std::time::Duration::from_secs(1_700_000_000);
    Some(Object::pattern(parse_size(size).ok()?, seed).last_modified(epoch))
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Timestamp = Timestamp::UNIX_EPOCH;

    fn size_at(store: &Store, key: &str) -> Option<u64> {
        match store.find("b", key, None, NOW) {
            Lookup::Found(generation) => Some(generation.size()),
            _ => None,
        }
    }

    #[test]
    fn generated_keys_name_their_size_and_seed() {
        let store = Store::new(false);
        store.create_bucket("b");
        assert_eq!(size_at(&store, "generated/1GiB"), Some(1 << 30));
        assert_eq!(size_at(&store, "generated/20MB-seed7.bin"), Some(20_000_000));
        assert_eq!(size_at(&store, "generated/20MB-seedx"), None);
        assert_eq!(size_at(&store, "generated/"), None);
    }

    #[test]
    fn a_folder_serves_its_files_and_nothing_outside_it() {
        let root = tempfile::tempdir().unwrap();
        std::fs::create_dir_all(root.path().join("in/sub")).unwrap();
        std::fs::write(root.path().join("in/sub/a"), "12345").unwrap();
        std::fs::write(root.path().join("secret"), "1").unwrap();
        let store = Store::new(false);
        store.serve_folder("b", root.path().join("in"));
        assert_eq!(size_at(&store, "sub/a"), Some(5));
        assert_eq!(size_at(&store, "../secret"), None);
        assert_eq!(size_at(&store, root.path().join("secret").to_str().unwrap()), None);
        assert_eq!(size_at(&store, "sub"), None);
    }

    #[test]
    fn a_changed_file_is_a_new_generation() {
        let root = tempfile::tempdir().unwrap();
        let store = Store::new(false);
        store.serve_folder("b", root.path().to_owned());
        std::fs::write(root.path().join("a"), "12345").unwrap();
        assert_eq!(size_at(&store, "a"), Some(5));
        std::fs::write(root.path().join("a"), "123456").unwrap();
        assert_eq!(size_at(&store, "a"), Some(6));
    }

    #[test]
    fn without_versioning_the_replaced_object_is_gone() {
        let store = Store::new(false);
        store.put("b", "k", Object::bytes("old").version_id("1"), NOW);
        store.put("b", "k", Object::bytes("newer"), NOW);
        assert_eq!(size_at(&store, "k"), Some(5));
        assert!(matches!(store.find("b", "k", Some("1"), NOW), Lookup::NoSuchVersion));
        assert!(matches!(store.find("b", "k", Some("null"), NOW), Lookup::Found(_)));
    }

    #[test]
    fn an_append_replaces_the_newest_version() {
        let store = Store::new(true);
        store.put("b", "k", Object::bytes("older").version_id("1"), NOW);
        store.put("b", "k", Object::bytes("newer").version_id("2"), NOW);
        assert_eq!(store.append("b", "k", 3, NOW).unwrap().version_id(), "2");
        let sizes = ["1", "2"].map(|id| match store.find("b", "k", Some(id), NOW) {
            Lookup::Found(found) => found.size(),
            _ => 0,
        });
        assert_eq!(sizes, [5, 8]);
        assert_eq!(store.append("b", "generated/10", 3, NOW).unwrap().size(), 13);
        assert!(store.append("b", "none", 3, NOW).is_none());
    }

    #[test]
    fn with_versioning_each_version_can_be_asked_for() {
        let store = Store::new(true);
        store.put("b", "k", Object::bytes("old").version_id("1"), NOW);
        store.put("b", "k", Object::delete_marker().version_id("2"), NOW);
        assert!(matches!(store.find("b", "k", Some("1"), NOW), Lookup::Found(_)));
        assert!(matches!(store.find("b", "k", Some("2"), NOW), Lookup::MarkerAsked));
        assert!(matches!(store.find("b", "k", None, NOW), Lookup::Deleted(_)));
        assert!(store.remove("b", "k"));
        assert!(matches!(store.find("b", "k", None, NOW), Lookup::NoSuchKey));
    }
}
