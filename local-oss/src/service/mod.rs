//! The answers of OSS: from a request to a reply, without a network.

mod answer;
mod condition;
mod error;
mod list;
mod range;
mod reply;
mod resource;

pub(crate) use answer::{Overrides, Service};
pub(crate) use error::OssError;
pub(crate) use reply::{Body, Reply, reason};
