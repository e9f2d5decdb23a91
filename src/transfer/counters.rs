//! Counters that transfer threads increment and a status snapshot reads, without a lock.

use crate::model::outcome::Statistics;
use crate::sync::atomic::{AtomicU64, Ordering};

macro_rules! counters {
    ($($name:ident),* $(,)?) => {
        /// The counters of one running download.
        #[derive(Debug, Default)]
        pub struct Counters {
            $(pub $name: Counter,)*
            /// Bytes of the file that were received, whether written already or not.
            pub bytes_done: Counter,
            /// Accepted replies that the service says it has delayed.
            pub delayed_replies: Counter,
        }

        impl Counters {
            /// The current values; the caller sets `elapsed`.
            pub fn snapshot(&self) -> Statistics {
                Statistics { $($name: self.$name.get(),)* ..Statistics::default() }
            }
        }
    };
}

counters!(
    bytes_from_network,
    bytes_reused,
    bytes_discarded,
    requests,
    connections,
    retries_connect,
    retries_broken,
    retries_timeout,
    retries_service,
    retries_auth,
    retries_reply,
    throttled_ms,
);

/// One counter.
#[derive(Debug, Default)]
pub struct Counter(AtomicU64);

impl Counter {
    pub fn add(&self, amount: u64) {
        self.0.fetch_add(amount, Ordering::Relaxed);
    }

    /// Stays at the maximum instead of wrapping, for amounts that a service sends.
    pub fn saturating_add(&self, amount: u64) {
        let sum = |value: u64| Some(value.saturating_add(amount));
        let _ = self.0.fetch_update(Ordering::Relaxed, Ordering::Relaxed, sum);
    }

    pub fn subtract(&self, amount: u64) {
        self.0.fetch_sub(amount, Ordering::Relaxed);
    }

    pub fn get(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_amount_that_a_service_sends_does_not_wrap_a_counter() {
        let counter = Counter::default();
        counter.saturating_add(1);
        counter.saturating_add(u64::MAX);
        assert_eq!(counter.get(), u64::MAX);
    }
}
