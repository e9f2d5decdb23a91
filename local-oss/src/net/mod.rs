//! Below HTTP: sockets, rate limits and the ways in which a reply can break.

mod connection;
mod content;
mod control;
mod delivery;
mod outgoing;
mod pace;
mod port;

pub(crate) use connection::Connection;
pub(crate) use control::Control;
pub(crate) use delivery::{Cut, Delivery, Ending, Framing, Head, Next, deliver};
pub use pace::Link;
pub(crate) use port::Port;
