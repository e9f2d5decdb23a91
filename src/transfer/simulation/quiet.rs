//! Plans in which nothing goes wrong.

use std::time::Duration;

use crate::model::request::Order;

use super::disk::DiskPlan;
use super::plan::*;

impl Default for RequestPlan {
    fn default() -> Self {
        RequestPlan {
            target: 0,
            part_size: 1024 * 1024,
            thread_num: 3,
            auto_concurrency: false,
            checkpoint: true,
            range: None,
            processed: None,
            condition: None,
            flush: true,
            preallocate: false,
            check_space: true,
            verify_before_rename: false,
            keep_target: false,
            set_modified_time: false,
            deadline: None,
            max_bandwidth: 0,
            traffic_limit: 0,
            order: Order::Default,
            expects: None,
            if_different: false,
            waits: false,
        }
    }
}

impl Default for ClientPlan {
    fn default() -> Self {
        ClientPlan {
            max_attempts: 3,
            verify_crc: true,
            correct_clock: true,
            connect_timeout: Some(Duration::from_secs(5)),
            idle_timeout: Some(Duration::from_secs(10)),
            first_byte_limit: Some(Duration::from_secs(10)),
            no_progress_limit: Some(Duration::from_secs(120)),
            throttle_limit: Some(Duration::from_secs(60)),
            max_bandwidth: 0,
            max_connections: 64,
            retry: RetryPlan::Absent,
            credentials: CredentialsPlan::Static,
            skew: 0,
        }
    }
}

impl Default for PathPlan {
    fn default() -> Self {
        PathPlan {
            round_trip: Duration::from_millis(40),
            tls: true,
            rate: 8 << 20,
            uneven: None,
            link: None,
            slow_start: false,
            burst: Duration::from_millis(100),
            dying: None,
            latency: Duration::ZERO,
        }
    }
}

impl RunPlan {
    /// An undisturbed run after the others.
    pub fn quiet() -> Self {
        RunPlan {
            start: Start::After(Duration::from_secs(1)),
            request: RequestPlan::default(),
            client: ClientPlan::default(),
            end: None,
            power_fails: false,
            damage: Vec::new(),
            meanwhile: Vec::new(),
            pauses: Vec::new(),
            occupied: None,
            occupied_for: Duration::from_secs(3),
            clean: false,
            same_client: false,
        }
    }
}

impl Plan {
    /// A life in which nothing goes wrong: one download of a new object.
    pub fn quiet(seed: u64) -> Self {
        Plan {
            seed,
            object: ObjectPlan {
                size: 24 << 20,
                appendable: false,
                sends_crc: true,
                etag: EtagKind::Strong,
            },
            changes: Vec::new(),
            url: None,
            service: ServicePlan::default(),
            path: PathPlan::default(),
            faults: Vec::new(),
            disk: DiskPlan::default(),
            old_target: None,
            sdk: None,
            runs: vec![RunPlan::quiet()],
            most_happenings: 100_000,
        }
    }
}
