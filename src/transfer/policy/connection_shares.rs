//! How a client's connections are divided among its downloads. Pure.

/// Divides `connections` fairly: nobody gets more than it wants, and nobody gets less than another unless it wants
/// less. What cannot be divided evenly goes to the first ones of `wanted`.
pub fn divide(connections: u32, wanted: &[u32]) -> Vec<u32> {
    let mut shares = vec![0; wanted.len()];
    let mut left = connections;
    let mut by_want: Vec<usize> = (0..wanted.len()).collect();
    // The most modest first: what they leave is divided among the others.
    by_want.sort_by_key(|&index| wanted[index]);
    let mut others = u32::try_from(wanted.len()).unwrap_or(u32::MAX);
    let mut modest = by_want.iter().copied().peekable();
    while let Some(index) = modest.next_if(|&index| wanted[index] <= left / others.max(1)) {
        shares[index] = wanted[index];
        left -= wanted[index];
        others -= 1;
    }
    // All others want more than an even part of the rest.
    let mut greedy: Vec<usize> = modest.collect();
    greedy.sort_unstable();
    let (even, mut odd) = (left / others.max(1), left % others.max(1));
    for index in greedy {
        shares[index] = even + u32::from(odd > 0);
        odd = odd.saturating_sub(1);
    }
    shares
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn what_one_cannot_use_goes_to_the_others() {
        assert_eq!(divide(64, &[3, 3, 3]), [3, 3, 3]);
        assert_eq!(divide(10, &[1, 8, 8]), [1, 5, 4]);
        assert_eq!(divide(64, &[128]), [64]);
        assert_eq!(divide(8, &[2, 0, 100]), [2, 0, 6]);
    }

    #[test]
    fn if_there_are_too_few_the_first_ones_get_them() {
        assert_eq!(divide(2, &[4, 4, 4]), [1, 1, 0]);
        assert_eq!(divide(0, &[1, 2]), [0, 0]);
        assert_eq!(divide(5, &[]), [0; 0]);
    }

    proptest! {
        #[test]
        fn shares_are_fair_and_nothing_is_left_over(
            connections in 0u32..200,
            wanted in proptest::collection::vec(0u32..40, 0..40),
        ) {
            let shares = divide(connections, &wanted);
            prop_assert_eq!(shares.len(), wanted.len());
            let (given, asked): (u32, u32) = (shares.iter().sum(), wanted.iter().sum());
            prop_assert_eq!(given, connections.min(asked));
            for (a, &share) in shares.iter().enumerate() {
                prop_assert!(share <= wanted[a]);
                for (b, &other) in shares.iter().enumerate() {
                    // The one that is not satisfied has at most one less than anybody else, and none less than a
                    // later one.
                    prop_assert!(share == wanted[a] || share + u32::from(b < a) >= other);
                }
            }
        }

        #[test]
        fn nobody_starves_while_there_is_a_connection_for_each(
            wanted in proptest::collection::vec(1u32..40, 1..40),
            more in 0u32..100,
        ) {
            let connections = u32::try_from(wanted.len()).expect("few") + more;
            prop_assert!(divide(connections, &wanted).iter().all(|share| *share >= 1));
        }
    }
}
