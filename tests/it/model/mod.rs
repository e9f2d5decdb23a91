//! A model of the download: random plans, a reference that says which results are allowed, and a harness that executes
//! the plans with the library.

mod files;
mod generate;
mod harness;
mod killed;
mod plan;
mod reference;
mod request;
mod sdk;
mod tests;
