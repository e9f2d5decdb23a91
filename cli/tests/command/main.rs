//! The command against `local-oss`.

mod checkpoints;
mod configuration;
mod downloads;
mod fixture;
mod generated;
mod interrupts;
mod listings;
mod outputs;
mod prefixes;
mod recordings;
mod verification;
