//! A small server that answers object downloads as Alibaba Cloud OSS does, with faults on demand.
//!
//! It is used by tests, demos and benchmarks. Objects are generated (any size, no disk), held in memory or
//! read from a folder; signatures are verified by code that shares nothing with the library under test; every
//! request is logged; faults act below HTTP, where real networks fail.
//!
//! ```
//! use local_oss::{Config, Fault, Matcher, Object, Server};
//!
//! let server = Server::start(Config::default())?;
//! server.put("bucket", "key", Object::pattern(1 << 20, 7));
//! server.inject_when(Matcher::any().ranged().nth(2), Fault::ResetAfter(1000));
//! println!("{}", server.endpoint());
//! # Ok::<(), std::io::Error>(())
//! ```

mod address;
mod clock;
mod config;
mod fault;
mod log;
mod net;
mod object;
mod pattern;
mod quantity;
mod request;
mod server;
mod service;
mod session;
mod signature;
mod store;
mod tls;

pub use config::{Auth, Config, EmptyObjectRange, Key};
pub use fault::{FAULT_HELP, Fault, Matcher, RuleId, parse_fault};
pub use log::LoggedRequest;
pub use net::Link;
pub use object::{Generation, Object};
pub use pattern::Pattern;
pub use quantity::{parse_duration, parse_size};
pub use server::Server;
pub use tls::Tls;
