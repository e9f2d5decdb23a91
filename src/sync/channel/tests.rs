#[cfg(not(shuttle))]
mod real {
    use std::sync::Arc;
    use std::thread;
    use std::time::{Duration, Instant};

    use super::super::*;

    #[test]
    fn messages_come_in_order_and_an_empty_channel_is_told_from_one_without_senders() {
        let (sender, receiver) = unbounded();
        assert_eq!(receiver.try_recv(), Err(RecvError::Empty));
        (0..3).for_each(|n| sender.send(n).expect("open"));
        drop(sender.clone());
        assert_eq!(receiver.recv(), Ok(0));
        drop(sender);
        assert_eq!(receiver.try_iter().collect::<Vec<_>>(), [1, 2]);
        assert_eq!(receiver.try_recv(), Err(RecvError::Disconnected));
        assert_eq!(receiver.recv(), Err(RecvError::Disconnected));
    }

    #[test]
    fn a_wait_ends_at_its_deadline_and_not_before() {
        let (sender, receiver) = unbounded::<()>();
        let at = Instant::now() + Duration::from_millis(20);
        assert_eq!(receiver.recv_deadline(at), Err(RecvError::Empty));
        assert!(Instant::now() >= at);
        assert_eq!(receiver.recv_deadline(at), Err(RecvError::Empty), "a deadline in the past");
        sender.send(()).expect("open");
        assert_eq!(receiver.recv_deadline(at), Ok(()), "what has come is received at any time");
    }

    #[test]
    fn a_send_without_a_receiver_returns_the_message_and_what_was_sent_is_dropped() {
        let (sender, receiver) = unbounded();
        let message = Arc::new(());
        sender.send(message.clone()).expect("open");
        drop(receiver);
        assert_eq!(Arc::strong_count(&message), 1);
        let SendError(returned) = sender.send(message.clone()).expect_err("closed");
        assert!(Arc::ptr_eq(&returned, &message));
    }

    #[test]
    fn a_message_may_own_a_sender_of_its_channel() {
        let (sender, receiver) = unbounded::<Box<dyn std::any::Any + Send>>();
        sender.send(Box::new(sender.clone())).expect("open");
        drop(receiver);
        assert!(sender.send(Box::new(())).is_err());
    }

    #[test]
    fn everyone_who_waits_on_a_receiver_gets_a_message_or_learns_of_the_end() {
        let (sender, receiver) = unbounded();
        let receiver = Arc::new(receiver);
        let waiting: Vec<_> = (0..8)
            .map(|_| {
                let receiver = receiver.clone();
                thread::spawn(move || receiver.recv())
            })
            .collect();
        (0..3).for_each(|n| sender.send(n).expect("open"));
        drop(sender);
        let received = waiting.into_iter().map(|thread| thread.join().expect("no panic"));
        assert_eq!(received.filter(Result::is_ok).count(), 3);
    }

    #[test]
    fn a_full_channel_keeps_its_sender_until_a_message_is_taken() {
        let (sender, receiver) = bounded(2);
        let sending = thread::spawn(move || (0..1000).try_for_each(|n| sender.send(n)).is_ok());
        let mut most = 0;
        for expected in 0..1000 {
            most = most.max(receiver.0.state.lock().messages.len());
            assert_eq!(receiver.recv(), Ok(expected));
        }
        assert!(sending.join().expect("no panic"));
        assert!(most <= 2, "{most}");
    }
}

#[cfg(shuttle)]
mod schedules {
    use super::super::*;
    use crate::sync::scheduled::explore;
    use crate::sync::thread;

    #[test]
    fn every_message_of_every_sender_is_received_once_and_then_the_end() {
        for capacity in [1, usize::MAX] {
            explore(move || {
                let (sender, receiver) = bounded(capacity);
                let senders: Vec<_> = (0..2)
                    .map(|from| {
                        let sender = sender.clone();
                        thread::spawn(move || {
                            (0..2).for_each(|n| sender.send((from, n)).expect("open"));
                        })
                    })
                    .collect();
                drop(sender);
                let mut received: Vec<(i32, i32)> = (&receiver).into_iter().collect();
                for from in 0..2 {
                    let own: Vec<_> = received.iter().filter(|(of, _)| *of == from).collect();
                    assert_eq!(own, [&(from, 0), &(from, 1)], "in the order of their sender");
                }
                received.sort_unstable();
                assert_eq!(received.len(), 4);
                senders.into_iter().for_each(|sender| sender.join().expect("no panic"));
            });
        }
    }

    #[test]
    fn a_sender_that_waits_for_room_learns_that_the_receiver_has_gone() {
        explore(|| {
            let (sender, receiver) = bounded(1);
            let sending = thread::spawn(move || {
                let sent = (0..3).take_while(|n| sender.send(*n).is_ok()).count();
                assert!(sent <= 2, "one was received and one found room");
            });
            let _ = receiver.try_recv();
            drop(receiver);
            sending.join().expect("no panic");
        });
    }
}
