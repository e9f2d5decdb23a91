//! Malicious input: strings that try to become headers, keys that try to leave the directory, values that no field has;
//! and what an attacker could read or plant.

mod forge;
mod injection;
mod memory;
