//! What happens to a whole process: it is killed, stopped, interrupted, forked, or ends.

mod job;
mod kills;
mod moments;
mod raw;
mod signals;
