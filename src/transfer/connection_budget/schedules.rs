//! Downloads share their connections, come and go, and the limit changes, under many schedules.

use super::*;
use crate::sync::inbox::inbox;
use crate::sync::scheduled::explore;
use crate::sync::thread;

/// Counts connections that are open.
#[derive(Default)]
struct Network {
    open: AtomicU32,
}

impl Network {
    fn change(&self, from: u32, to: u32, limit: u32) {
        let before = self.open.fetch_add(to.wrapping_sub(from), Ordering::SeqCst);
        let now = before.wrapping_add(to.wrapping_sub(from));
        assert!(now <= limit, "{now} connections are open, {limit} are allowed");
    }
}

/// A download that needs `work` connections in turn, as many at a time as it may have.
fn download(budget: &Arc<ConnectionBudget>, network: &Network, mut work: u32, limit: u32) {
    let (events, inbox) = inbox();
    let share = budget.join(events);
    let mut open = 0;
    while work > 0 {
        let allowed = share.adjust(work, open).connections.min(work);
        // Requests that end make room for new ones.
        network.change(open, allowed, limit);
        open = allowed;
        if open == 0 {
            let _ = inbox.recv();
        }
        work -= open;
    }
    network.change(open, 0, limit);
}

#[test]
fn the_limit_is_never_exceeded_and_every_download_gets_its_turn() {
    explore(|| {
        let budget = Arc::new(ConnectionBudget::new(2));
        let network = Arc::new(Network::default());
        let running: Vec<_> = (0..3)
            .map(|_| {
                let (budget, network) = (budget.clone(), network.clone());
                thread::spawn(move || download(&budget, &network, 3, 2))
            })
            .collect();
        for thread in running {
            thread.join().expect("every download ends");
        }
        assert_eq!(budget.state.lock().held, 0);
    });
}

#[test]
fn a_limit_that_changes_leaves_nobody_waiting() {
    explore(|| {
        let budget = Arc::new(ConnectionBudget::new(1));
        let network = Arc::new(Network::default());
        let running: Vec<_> = (0..2)
            .map(|_| {
                let (budget, network) = (budget.clone(), network.clone());
                thread::spawn(move || download(&budget, &network, 3, 4))
            })
            .collect();
        budget.set_limit(4);
        budget.set_limit(2);
        for thread in running {
            thread.join().expect("every download ends");
        }
    });
}
