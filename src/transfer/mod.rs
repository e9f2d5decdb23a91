//! The engine: plans (pure), transfer threads with a libcurl multi loop each, retries (pure), and the driver of
//! one download that ties them together.

mod authority;
mod bandwidth;
mod certificate;
mod disk;
mod driver;
mod event;
mod fetch;
mod intake;
mod patience;
mod plan;
mod progress;
mod retry;
mod session;
mod shared;
mod span;
pub mod vet;
mod wire;
mod worker;

pub use driver::{Task, run};
pub use session::Session;
pub use shared::Shared;
