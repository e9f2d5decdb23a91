//! How the replies of a download are pinned to one generation. Pure.

use crate::model::pinning::Pinning;

use super::reply_check::Generation;

/// How later replies can be pinned to `generation`; `None` if they cannot, and the object must be fetched in one
/// stream.
///
/// `proven` says whether completion compares the whole file with the object's CRC-64, or with a digest that the caller
/// expects: only then may requests be sent without `If-Match`. `recorded` is how an earlier run pinned the bytes that this one uses: if only that CRC-64
/// verifies them, it is still required.
pub fn choose(generation: &Generation, proven: bool, recorded: Option<Pinning>) -> Option<Pinning> {
    generation.etag.as_ref()?;
    if proven && generation.appendable {
        return Some(Pinning::Growth);
    }
    let unproven = recorded.is_some_and(Pinning::needs_object_crc);
    if proven && (generation.has_weak_etag() || unproven) {
        return Some(Pinning::Comparison);
    }
    (!generation.has_weak_etag()).then_some(Pinning::IfMatch)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn generation(etag: Option<&str>, appendable: bool) -> Generation {
        Generation { etag: etag.map(str::to_owned), appendable, ..Generation::default() }
    }

    #[test]
    fn an_object_without_an_etag_is_fetched_in_one_stream() {
        for proven in [false, true] {
            for appendable in [false, true] {
                assert_eq!(choose(&generation(None, appendable), proven, None), None);
            }
        }
    }

    #[test]
    fn only_what_the_crc_proves_is_fetched_without_if_match() {
        let recorded =
            [None, Some(Pinning::IfMatch), Some(Pinning::Comparison), Some(Pinning::Growth)];
        for recorded in recorded {
            for appendable in [false, true] {
                let strong = choose(&generation(Some("A"), appendable), false, recorded);
                assert_eq!(strong, Some(Pinning::IfMatch));
                assert_eq!(choose(&generation(Some("W/\"A\""), appendable), false, recorded), None);
            }
        }
    }

    #[test]
    fn an_appendable_object_may_grow_and_a_weak_etag_is_compared() {
        let choose = |etag, appendable, recorded| {
            choose(&generation(Some(etag), appendable), true, recorded).expect("an ETag")
        };
        assert_eq!(choose("A", false, None), Pinning::IfMatch);
        assert_eq!(choose("A", true, None), Pinning::Growth);
        assert_eq!(choose("W/\"A\"", false, None), Pinning::Comparison);
        assert_eq!(choose("W/\"A\"", true, None), Pinning::Growth);
        assert_eq!(choose("A", false, Some(Pinning::Comparison)), Pinning::Comparison);
        assert_eq!(choose("A", false, Some(Pinning::Growth)), Pinning::Comparison);
        assert_eq!(choose("A", true, Some(Pinning::Comparison)), Pinning::Growth);
    }
}
