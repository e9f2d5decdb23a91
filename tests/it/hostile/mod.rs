//! Input that means harm: strings that try to become headers, keys that try to leave the directory, values no field
//! has; and what an attacker could see or plant.

mod forge;
mod injection;
mod memory;
