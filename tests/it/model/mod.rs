//! A model of the download: plans by chance, a reference that says what may come of them, and a harness that plays
//! them against the library.

mod files;
mod generate;
mod harness;
mod killed;
mod plan;
mod reference;
mod request;
mod sdk;
mod tests;
