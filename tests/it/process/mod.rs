//! What happens to a whole process: it is killed, stopped, interrupted, forked, or ends.

mod job;
mod kills;
mod raw;
