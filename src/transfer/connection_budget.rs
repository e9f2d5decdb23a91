//! The connections of a client, and the part of them that each active download may use.
//!
//! A download holds a connection from the start of a request until its end. All downloads together never hold more
//! than the limit: a larger share can be used only when those that hold more than theirs have given something up.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::sync::Mutex;
use crate::sync::atomic::{AtomicU32, Ordering};
use crate::sync::inbox::Sender;

use super::event::Event;
use super::policy::connection_shares::divide;

/// The connections of one client.
pub struct ConnectionBudget {
    /// As in the state, to be read without its lock.
    limit: AtomicU32,
    state: Mutex<State>,
}

struct State {
    limit: u32,
    next: u64,
    /// In the order in which they started.
    members: BTreeMap<u64, Member>,
    /// What all members hold.
    held: u32,
}

struct Member {
    events: Sender<Event>,
    wanted: u32,
    /// What it is entitled to, at most what it wants.
    share: u32,
    /// What it uses or may begin to use.
    held: u32,
}

/// How many requests a download may have in flight.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Allowance {
    pub connections: u32,
    /// Requests beyond this number have to end now: the client has fewer connections than before, or another download
    /// has none.
    pub is_urgent: bool,
}

impl Allowance {
    /// No connection.
    pub const NONE: Self = Allowance { connections: 0, is_urgent: false };
}

/// The part of one download. It is returned when this value is dropped.
pub struct ConnectionShare {
    budget: Arc<ConnectionBudget>,
    id: u64,
}

impl ConnectionBudget {
    /// At most `limit` connections.
    pub fn new(limit: u32) -> Self {
        let state = State { limit, next: 0, members: BTreeMap::new(), held: 0 };
        ConnectionBudget { limit: AtomicU32::new(limit), state: Mutex::new(state) }
    }

    pub fn limit(&self) -> u32 {
        self.limit.load(Ordering::Relaxed)
    }

    /// Replaces the limit. Downloads that hold too much end requests soon.
    pub fn set_limit(&self, limit: u32) {
        self.limit.store(limit, Ordering::Relaxed);
        let mut state = self.state.lock();
        state.limit = limit;
        state.divide();
        state.wake_others(None);
    }

    /// The part of a download that begins; `events` is woken when it changes. It wants nothing yet.
    pub fn join(self: &Arc<Self>, events: Sender<Event>) -> ConnectionShare {
        let mut state = self.state.lock();
        let id = state.next;
        state.next += 1;
        state.members.insert(id, Member { events, wanted: 0, share: 0, held: 0 });
        ConnectionShare { budget: self.clone(), id }
    }
}

impl ConnectionShare {
    /// Reports that the download could use `wanted` connections and has requests on `in_use`; returns how many it may
    /// have. It is woken when this changes.
    pub fn adjust(&self, wanted: u32, in_use: u32) -> Allowance {
        let mut state = self.budget.state.lock();
        let state = &mut *state;
        let Some(member) = state.members.get_mut(&self.id) else { return Allowance::NONE };
        let has_new_wish = member.wanted != wanted;
        member.wanted = wanted;
        if has_new_wish {
            state.divide();
        }
        let has_given_up = state.settle(self.id, in_use);
        if has_new_wish || has_given_up {
            state.wake_others(Some(self.id));
        }
        state.allowance(self.id)
    }
}

impl Drop for ConnectionShare {
    fn drop(&mut self) {
        let mut state = self.budget.state.lock();
        if let Some(member) = state.members.remove(&self.id) {
            state.held -= member.held;
            state.divide();
            state.wake_others(None);
        }
    }
}

impl State {
    fn divide(&mut self) {
        let wanted: Vec<u32> = self.members.values().map(|member| member.wanted).collect();
        for (member, share) in self.members.values_mut().zip(divide(self.limit, &wanted)) {
            member.share = share;
        }
    }

    /// Takes from a member what exceeds its share and is not in use, or gives it what is free of its share. Returns
    /// whether it has given something up.
    fn settle(&mut self, id: u64, in_use: u32) -> bool {
        let Some(member) = self.members.get_mut(&id) else { return false };
        let before = member.held;
        member.held = before.min(member.share).max(in_use);
        self.held = self.held - before + member.held;
        let free = self.limit.saturating_sub(self.held);
        let added = member.share.saturating_sub(member.held).min(free);
        member.held += added;
        self.held += added;
        member.held < before
    }

    fn allowance(&self, id: u64) -> Allowance {
        let Some(member) = self.members.get(&id) else { return Allowance::NONE };
        let waits_for_first = |other: &Member| other.share > 0 && other.held == 0;
        Allowance {
            connections: member.held.min(member.share),
            is_urgent: member.held > member.share
                && (self.held > self.limit || self.members.values().any(waits_for_first)),
        }
    }

    /// Wakes the members that have to give something up and, if something is free, those that may get it.
    fn wake_others(&self, but: Option<u64>) {
        let has_free = self.held < self.limit;
        for (id, member) in &self.members {
            let concerned = member.held > member.share || (has_free && member.held < member.share);
            if concerned && Some(*id) != but {
                // A driver that has ended needs no waking.
                let _ = member.events.send(Event::Wake);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sync::inbox::{Receiver, inbox};
    use proptest::prelude::*;

    struct Download {
        share: ConnectionShare,
        inbox: Receiver<Event>,
    }

    fn join(budget: &Arc<ConnectionBudget>) -> Download {
        let (events, inbox) = inbox();
        Download { share: budget.join(events), inbox }
    }

    impl Download {
        fn was_woken(&self) -> bool {
            let woken = self.inbox.try_recv().is_ok();
            while self.inbox.try_recv().is_ok() {}
            woken
        }

        fn may_have(&self, wanted: u32, in_use: u32) -> u32 {
            self.share.adjust(wanted, in_use).connections
        }
    }

    #[test]
    fn one_download_gets_what_it_wants_up_to_the_limit() {
        let budget = Arc::new(ConnectionBudget::new(4));
        let only = join(&budget);
        assert_eq!(only.may_have(1, 0), 1);
        assert_eq!(only.may_have(3, 1), 3);
        assert_eq!(only.may_have(9, 3), 4);
    }

    #[test]
    fn a_newcomer_gets_its_first_connection_at_once_and_the_others_as_they_become_free() {
        let budget = Arc::new(ConnectionBudget::new(4));
        let (old, new) = (join(&budget), join(&budget));
        assert_eq!(old.may_have(8, 0), 4);
        assert_eq!(new.may_have(1, 0), 0, "all are in use");
        assert!(old.was_woken());
        assert_eq!(old.share.adjust(8, 4), Allowance { connections: 3, is_urgent: true });
        assert_eq!(old.may_have(8, 3), 3);
        assert!(new.was_woken());
        assert_eq!(new.may_have(1, 0), 1);

        assert_eq!(new.may_have(8, 1), 1, "it is entitled to two");
        assert_eq!(old.share.adjust(8, 3), Allowance { connections: 2, is_urgent: false });
        assert_eq!(old.may_have(8, 2), 2);
        assert!(new.was_woken());
        assert_eq!(new.may_have(8, 1), 2);
    }

    #[test]
    fn what_an_ended_download_held_goes_to_the_others() {
        let budget = Arc::new(ConnectionBudget::new(4));
        let (stays, ends) = (join(&budget), join(&budget));
        assert_eq!(ends.may_have(2, 0), 2);
        assert_eq!(stays.may_have(4, 0), 2);
        drop(ends);
        assert!(stays.was_woken());
        assert_eq!(stays.may_have(4, 2), 4);
    }

    #[test]
    fn a_lower_limit_is_urgent_and_the_first_downloads_keep_a_connection() {
        let budget = Arc::new(ConnectionBudget::new(64));
        let downloads: Vec<_> = (0..3).map(|_| join(&budget)).collect();
        for download in &downloads {
            assert_eq!(download.may_have(4, 0), 4);
        }
        budget.set_limit(2);
        let allowed: Vec<_> = downloads.iter().map(|d| d.share.adjust(4, 4)).collect();
        assert_eq!(
            allowed,
            [1, 1, 0].map(|connections| Allowance { connections, is_urgent: true })
        );
        assert!(downloads.iter().all(Download::was_woken));
        budget.set_limit(64);
        assert_eq!(downloads[2].may_have(4, 4), 4);
    }

    proptest! {
        /// Downloads that use all they may and end what they must: never more than the limit, and in the end everybody
        /// has its share.
        #[test]
        fn the_limit_is_never_exceeded_and_shares_are_reached(
            limit in 1u32..20,
            steps in proptest::collection::vec((0usize..5, 0u32..12), 1..60),
        ) {
            let budget = Arc::new(ConnectionBudget::new(limit));
            let downloads: Vec<_> = (0..5).map(|_| join(&budget)).collect();
            let mut wanted = [0u32; 5];
            let mut used = [0u32; 5];
            let follow = |index: usize, wanted: u32, used: &mut [u32; 5]| {
                used[index] = downloads[index].may_have(wanted, used[index]);
            };
            for (index, wish) in steps {
                wanted[index] = wish;
                follow(index, wish, &mut used);
                prop_assert!(used.iter().sum::<u32>() <= limit);
            }
            let mut rounds = 0;
            loop {
                let woken: Vec<_> = (0..5).filter(|&index| downloads[index].was_woken()).collect();
                if woken.is_empty() {
                    break;
                }
                rounds += 1;
                prop_assert!(rounds < 50, "they wake each other for ever");
                for index in woken {
                    follow(index, wanted[index], &mut used);
                    prop_assert!(used.iter().sum::<u32>() <= limit);
                }
            }
            // They end the requests that they gave up only when they are asked the next time.
            (0..5).for_each(|index| follow(index, wanted[index], &mut used));
            (0..5).for_each(|index| follow(index, wanted[index], &mut used));
            prop_assert_eq!(used.to_vec(), divide(limit, &wanted));
        }
    }
}

#[cfg(all(test, shuttle))]
mod schedules;
