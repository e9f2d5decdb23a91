//! Power loss: what a download does to its files is recorded, the power is lost after every step of it in every way
//! a disk may forget what was not flushed, and a later run goes on from what is left.

mod content;
mod disk;
mod fixture;
mod recording;
mod replay;
mod sdk_record;
mod survival;
