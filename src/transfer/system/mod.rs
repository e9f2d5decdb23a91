//! The world of a driver as it is: the system's clock, threads, libcurl and files.

pub mod clock;
mod hashing;
mod inbox;
mod network;
mod proof;
mod storage;

use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::model::error::Error;
use crate::model::request::DownloadRequest;
use crate::storage::claim::TargetClaim;
use crate::storage::paths::Paths;
use crate::sync::inbox::Receiver;
use crate::sys::panic::catch;

use super::driver;
use super::event::Event;
use super::scheduler::{GivenUp, Job};
use super::session::Session;
use super::shared::Shared;
use super::world::World;

use clock::{SystemChance, SystemClock};
use inbox::ChannelInbox;
use network::ClientNetwork;
use storage::DownloadFiles;

/// A validated download that can start.
pub struct Task {
    pub session: Arc<Session>,
    pub request: DownloadRequest,
    pub paths: Paths,
    pub shared: Arc<Shared>,
    pub inbox: Receiver<Event>,
    pub claim: TargetClaim,
}

impl Job for Task {
    fn shared(&self) -> &Arc<Shared> {
        &self.shared
    }

    fn is_ready(&self) -> bool {
        self.claim.is_held()
    }

    fn priority(&self) -> i32 {
        self.request.priority
    }

    fn deadline(&self) -> Option<Instant> {
        self.shared.started().checked_add(self.request.deadline?)
    }

    /// Publishes the result even after a panic.
    fn run(self) {
        let Task { session, request, paths, shared, inbox, claim } = self;
        shared.report_start();
        let buffers = session.writer_threads.buffers();
        let reserved = buffers_for(request.most_connections());
        buffers.reserve(reserved);
        let result = catch(|| {
            let network = ClientNetwork::new(&session, &request, &shared);
            let storage = DownloadFiles::new(&request, paths, shared.events().clone())?;
            let world = World {
                clock: &SystemClock,
                chance: &SystemChance,
                inbox: &ChannelInbox(inbox),
                network: &network,
                storage: &storage,
            };
            driver::drive(world, &session.options, &request, &shared)
        });
        buffers.release(reserved);
        // Whoever learns of the end may start the next download to this file, or wait for the client's threads.
        drop((claim, request, session));
        shared.end(result.unwrap_or_else(|defect| Err(defect.into())));
    }

    fn give_up(self, why: GivenUp) {
        let Task { request, paths, shared, claim, .. } = self;
        let error = match why {
            GivenUp::Cancelled => Error::cancelled(&request.object()),
            GivenUp::Disabled => Error::disabled(),
            GivenUp::DeadlinePassed => {
                let limit = request.deadline.unwrap_or(Duration::ZERO);
                let error = Error::deadline(&request.object(), limit);
                let target = paths.target.display();
                match claim.is_held() {
                    true => error,
                    false => error.with_context(&format!(
                        "; it waited for another download of this process to '{target}'"
                    )),
                }
            }
            GivenUp::Failed(error) => error,
        };
        drop(claim);
        shared.end(Err(error));
    }
}

/// One buffer for each connection and a few that are being written; if there are many connections, they share.
fn buffers_for(connections: u32) -> usize {
    usize::try_from(connections).unwrap_or(usize::MAX).min(60) + 4
}
