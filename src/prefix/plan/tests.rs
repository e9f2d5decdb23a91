use super::*;
use proptest::prelude::*;
use std::collections::BTreeMap;

const LIMITS: Limits = Limits { name: 255, path: 4000 };

fn object(key: &str, size: u64) -> ListedObject {
    ListedObject { key: key.to_owned(), size, etag: Some(format!("E{size}")), ..Default::default() }
}

fn plan_of(keys: &[&str], folds: bool) -> Plan {
    let mut plan = Plan::new("p/");
    for key in keys {
        let size = u64::from(!key.ends_with('/'));
        assert!(plan.add(&object(&format!("p/{key}"), size)));
    }
    plan.complete(LIMITS, folds);
    plan
}

/// The keys that are refused, each with the other key that is the reason.
fn refused(plan: &Plan) -> Vec<(&str, &str)> {
    let other = |refusal| match refusal {
        Refusal::Unsafe(_) => "",
        Refusal::SameFile(at) | Refusal::IsDirectory(at) | Refusal::IsTemporary(at) => {
            plan.planned(at).relative
        }
    };
    let refused = plan.indexes().filter_map(|at| Some((at, plan.refusal(at)?)));
    refused.map(|(at, refusal)| (plan.planned(at).relative, other(refusal))).collect()
}

#[test]
fn objects_come_in_the_order_of_their_keys_with_what_the_listing_says() {
    let mut plan = Plan::new("p/x");
    let crc = ListedObject { crc64: Some(7), etag: None, ..object("p/xb", 2) };
    assert!(plan.add(&crc) && plan.add(&object("p/xa", 1)));
    assert!(!plan.add(&object("q/a", 1)), "another prefix");
    plan.complete(LIMITS, false);
    let planned: Vec<_> = plan.indexes().map(|index| plan.planned(index)).collect();
    let a = Planned { relative: "xa", size: 1, etag: Some("E1"), crc64: None };
    let b = Planned { relative: "xb", size: 2, etag: None, crc64: Some(7) };
    assert_eq!(planned, [a, b]);
    assert_eq!(
        (plan.key(0).as_str(), plan.contains("p/xb"), plan.contains("p/x")),
        ("p/xa", true, false)
    );
    assert_eq!(plan.planned(9).relative, "");
}

#[test]
fn an_object_that_is_listed_twice_is_one_object_as_it_was_listed_last() {
    let mut plan = Plan::new("");
    for (key, size) in [("a", 1), ("b", 2), ("a", 3), ("b", 4)] {
        assert!(plan.add(&object(key, size)));
    }
    plan.complete(LIMITS, false);
    let sizes: Vec<_> = plan.indexes().map(|index| plan.planned(index).size).collect();
    assert_eq!((sizes, refused(&plan)), (vec![3, 4], vec![]));
}

#[test]
fn a_file_that_others_need_as_a_directory_is_refused_and_the_others_are_not() {
    let plan = plan_of(&["a", "a-", "a.x", "a/b", "a/b/c", "d", "d/"], false);
    assert_eq!(refused(&plan), [("a", "a/b"), ("a/b", "a/b/c"), ("d", "d/")]);
}

#[test]
fn a_refused_key_makes_no_directory() {
    assert_eq!(refused(&plan_of(&["a", "a//b", "a/../c"], false)), [("a/../c", ""), ("a//b", "")]);
}

#[test]
fn a_file_with_the_name_of_anothers_temporary_file_is_refused() {
    let plan = plan_of(&["a", "a.temp", "a.temp.temp", "b.temp", "c/", "c.temp"], false);
    assert_eq!(refused(&plan), [("a.temp", "a")]);
    let long = "x".repeat(255);
    let temp = temp_name::fixed(long.as_ref(), 255).into_string().expect("UTF-8");
    let (long, temp) = (format!("d/{long}"), format!("d/{temp}"));
    assert_eq!(refused(&plan_of(&[&long, &temp], false)), [(temp.as_str(), long.as_str())]);
    assert_eq!(refused(&plan_of(&[&temp], false)), []);
}

#[test]
fn without_case_keys_with_one_file_are_all_refused() {
    assert_eq!(refused(&plan_of(&["A", "a", "B/x", "b/y", "C/"], false)), []);
    let keys = ["A", "a", "B/x", "b/y", "D", "d/z", "E", "e.TEMP", "c/", "C/"];
    let plan = plan_of(&keys, true);
    assert_eq!(refused(&plan), [("A", "a"), ("D", "d/z"), ("a", "A"), ("e.TEMP", "E")]);
}

#[test]
fn a_refusal_says_what_is_wrong_and_with_which_key() {
    let plan = plan_of(&["a", "a/b", "x\n", "t", "t.temp"], false);
    let said: Vec<_> = plan
        .indexes()
        .filter_map(|at| Some(Explained(&plan, plan.refusal(at)?).to_string()))
        .collect();
    for part in ["directory for 'p/a/b'", "temporary file of 'p/t'", "control character"] {
        assert!(said.iter().any(|said| said.contains(part)), "{part}: {said:?}");
    }
}

fn keys() -> impl Strategy<Value = Vec<String>> {
    let piece = prop::sample::select(vec!["a", "b", "A", "/", "/", ".", ".temp", "\\"]);
    let key = prop::collection::vec(piece, 0..6).prop_map(|pieces| pieces.concat());
    prop::collection::vec(key, 0..24)
}

proptest! {
    #[test]
    fn no_two_objects_that_are_downloaded_have_one_file_and_no_file_is_in_the_way(
        keys in keys(), folds: bool
    ) {
        let keys: Vec<_> = keys.iter().map(String::as_str).collect();
        let plan = plan_of(&keys, folds);
        let fold = |path: &str| if folds { path.to_lowercase() } else { path.to_owned() };
        let mut files = BTreeMap::new();
        let mut directories = Vec::new();
        for index in plan.indexes().filter(|index| plan.refusal(*index).is_none()) {
            let relative = plan.planned(index).relative;
            let path = relative.strip_suffix('/').unwrap_or(relative);
            let mut above = if is_marker(relative) { path } else {
                prop_assert!(files.insert(fold(path), index).is_none(), "two keys at {}", path);
                mapping::parent(path)
            };
            while !above.is_empty() {
                directories.push(fold(above));
                above = mapping::parent(above);
            }
        }
        for directory in &directories {
            prop_assert!(!files.contains_key(directory), "{} is both", directory);
        }
        for path in files.keys() {
            prop_assert!(!files.contains_key(&format!("{path}.temp")), "{} would be overwritten", path);
        }
    }

    #[test]
    fn a_key_is_refused_only_for_a_reason(keys in keys()) {
        let keys: Vec<_> = keys.iter().map(String::as_str).collect();
        let plan = plan_of(&keys, false);
        for index in plan.indexes() {
            let own = plan.planned(index).relative;
            let Some(refusal) = plan.refusal(index) else { continue };
            let is_right = match refusal {
                Refusal::Unsafe(_) => mapping::target(own, u64::from(!own.ends_with('/')), LIMITS).is_err(),
                Refusal::IsDirectory(other) => plan.planned(other).relative.starts_with(&format!("{own}/")),
                Refusal::IsTemporary(other) => own == format!("{}.temp", plan.planned(other).relative),
                Refusal::SameFile(_) => false,
            };
            prop_assert!(is_right, "{} {:?}", own, refusal);
        }
    }
}
