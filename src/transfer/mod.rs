//! The engine: `driver` decides, `policy` contains the pure rules for its decisions, `connection` is the network side
//! `disk` the storage side, and
//! `listing` lists buckets. The other modules are shared by all of them.

mod bandwidth;
mod connection;
mod connection_budget;
mod counters;
mod credentials_cache;
mod disk;
mod driver;
mod environment_key;
mod event;
mod host_calls;
mod key_unwrapping;
mod list_control;
mod listing;
pub mod policy;
mod rate;
mod readable;
mod scheduler;
mod session;
mod shared;
#[cfg(all(test, not(shuttle)))]
mod simulation;
mod system;
mod worker_waker;
mod world;

pub use list_control::ListControl;
pub use listing::Lister;
pub use rate::remaining_time;
pub use scheduler::Scheduler;
pub use session::Session;
pub use shared::{PausedBy, Shared};
pub use system::Task;
