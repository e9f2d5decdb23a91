//! Power loss: the file operations of a download are recorded, the power is lost after each of them in every way in
//! which a disk may lose unflushed data, and a later run resumes.

mod content;
mod disk;
mod fixture;
mod recording;
mod replay;
mod sdk_record;
mod survival;
