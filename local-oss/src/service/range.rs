//! Evaluation of the `Range` header.

/// The bytes that a `Range` header selects.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Selection {
    /// 200, the whole object.
    Whole,
    /// 206, these bytes: first, last (inclusive).
    Part(u64, u64),
    /// 416.
    Unsatisfiable,
}

impl Selection {
    /// A part of the same length `distance` bytes before this one, or else after it, if the object has such a
    /// part.
    pub(crate) fn shifted(self, distance: u64, size: u64) -> Self {
        let Selection::Part(first, last) = self else { return self };
        let before = first.checked_sub(distance);
        let after = || last.checked_add(distance).filter(|last| *last < size);
        match before {
            Some(moved) => Selection::Part(moved, last - distance),
            None => after().map_or(self, |moved| Selection::Part(first + distance, moved)),
        }
    }
}

/// Evaluates `Range` for an object of `size` bytes.
///
/// OSS document "How to obtain OSS resources by segmenting HTTP Range requests": a malformed range or one
/// that reaches outside the object is ignored (200, whole object), unless `x-oss-range-behavior: standard` is
/// sent. Then an end beyond the object is clamped and a start beyond it gives 416. OSS document "HTTP status
/// code 416": several ranges are `InvalidRange`.
pub(crate) fn select(header: Option<&str>, standard: bool, size: u64) -> Selection {
    let Some(spec) = header.and_then(|header| header.strip_prefix("bytes=")) else {
        return Selection::Whole;
    };
    if spec.contains(',') {
        return Selection::Unsatisfiable;
    }
    match parse(spec) {
        None => Selection::Whole,
        Some(asked) if standard => clamp(asked, size),
        Some(asked) => strict(asked, size),
    }
}

#[derive(Clone, Copy)]
enum Asked {
    /// `first-last`, or `first-` with `u64::MAX`.
    From(u64, Option<u64>),
    /// `-count`
    Last(u64),
}

fn parse(spec: &str) -> Option<Asked> {
    let (first, last) = spec.split_once('-')?;
    let number = |text: &str| {
        let digits = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
        digits.then(|| text.parse().unwrap_or(u64::MAX))
    };
    match (number(first), number(last)) {
        (Some(first), Some(last)) if first <= last => Some(Asked::From(first, Some(last))),
        (Some(first), None) if last.is_empty() => Some(Asked::From(first, None)),
        (None, Some(count)) if first.is_empty() => Some(Asked::Last(count)),
        _ => None,
    }
}

fn clamp(asked: Asked, size: u64) -> Selection {
    let Some(end) = size.checked_sub(1) else { return Selection::Unsatisfiable };
    match asked {
        Asked::From(first, _) if first > end => Selection::Unsatisfiable,
        Asked::From(first, last) => Selection::Part(first, last.unwrap_or(end).min(end)),
        Asked::Last(0) => Selection::Unsatisfiable,
        Asked::Last(count) => Selection::Part(size.saturating_sub(count), end),
    }
}

fn strict(asked: Asked, size: u64) -> Selection {
    match (asked, clamp(asked, size)) {
        (Asked::From(_, Some(last)), _) if last >= size => Selection::Whole,
        (Asked::Last(count), _) if count > size => Selection::Whole,
        (_, Selection::Unsatisfiable) => Selection::Whole,
        (_, selection) => selection,
    }
}

#[cfg(test)]
mod tests {
    use super::Selection::{Part, Unsatisfiable, Whole};
    use super::*;
    use proptest::prelude::*;

    fn plain(header: &str) -> Selection {
        select(Some(header), false, 1000)
    }

    fn standard(header: &str) -> Selection {
        select(Some(header), true, 1000)
    }

    #[test]
    fn the_document_s_valid_examples_give_206() {
        for select in [plain, standard] {
            assert_eq!(select("bytes=0-499"), Part(0, 499));
            assert_eq!(select("bytes=500-"), Part(500, 999));
            assert_eq!(select("bytes=-500"), Part(500, 999));
            assert_eq!(select("bytes=0-"), Part(0, 999));
        }
    }

    #[test]
    fn out_of_range_is_ignored_by_default() {
        for header in
            ["byte=0-499", "bytes=0-1000", "bytes=1000-2000", "bytes=1000-", "bytes=-2000"]
        {
            assert_eq!(plain(header), Whole, "{header}");
        }
    }

    #[test]
    fn out_of_range_is_clamped_or_416_when_standard_behaviour_is_asked() {
        assert_eq!(standard("bytes=500-2000"), Part(500, 999));
        assert_eq!(standard("bytes=1000-2000"), Unsatisfiable);
        assert_eq!(standard("bytes=1000-"), Unsatisfiable);
        assert_eq!(standard("bytes=-2000"), Part(0, 999));
    }

    #[test]
    fn several_ranges_are_refused_and_nonsense_is_ignored() {
        assert_eq!(plain("bytes=0-1,3-4"), Unsatisfiable);
        for header in ["bytes=", "bytes=-", "bytes=5-2", "bytes=a-b", "bytes=+1-2", "bytes=1--2"] {
            assert_eq!(standard(header), Whole, "{header}");
        }
    }

    #[test]
    fn an_empty_object_has_no_satisfiable_range() {
        assert_eq!(select(Some("bytes=0-0"), true, 0), Unsatisfiable);
        assert_eq!(select(Some("bytes=0-"), false, 0), Whole);
    }

    proptest! {
        #[test]
        fn a_part_lies_within_the_object(header in "bytes=[0-9]{0,20}-[0-9]{0,20}", standard: bool, size: u64) {
            if let Part(first, last) = select(Some(&header), standard, size) {
                prop_assert!(first <= last && last < size);
            }
        }

        #[test]
        fn a_shifted_part_is_as_long_and_lies_within_the_object(
            size in 1u64..1000, first in 0u64..1000, last in 0u64..1000, distance in 0u64..1000,
        ) {
            let (first, last) = (first.min(last) % size, first.max(last) % size);
            prop_assume!(first <= last);
            let Part(a, b) = Part(first, last).shifted(distance, size) else { panic!("no part") };
            prop_assert!(b < size && b - a == last - first);
            prop_assert!(a.abs_diff(first) == distance || (a, b) == (first, last));
        }

        #[test]
        fn no_header_causes_a_panic(header in ".*", standard: bool, size: u64) {
            select(Some(&header), standard, size);
        }
    }
}
