//! Connections make reservations while the limit is changed, under many schedules.

use super::*;
use crate::sync::scheduled::explore;
use crate::sync::thread;

#[test]
fn a_limit_that_is_lifted_leaves_nobody_waiting() {
    explore(|| {
        let (client, own) = (Arc::new(Bandwidth::new(1)), Arc::new(Bandwidth::new(0)));
        let connections = [0; 2].map(|_| {
            let mut throttle = RateLimiter::new(&client, &own);
            thread::spawn(move || {
                let now = Instant::now();
                throttle.admit(1 << 20, now);
                (throttle, now)
            })
        });
        client.set(0);
        for connection in connections {
            let (throttle, asked) = connection.join().expect("a connection");
            assert!(throttle.turn(asked).is_none_or(|turn| turn <= Instant::now()));
        }
        assert!(!own.holds_back(), "they are gone");
    });
}
