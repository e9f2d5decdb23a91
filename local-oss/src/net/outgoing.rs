//! The bytes of a socket that the peer has not acknowledged.

use std::io;
use std::net::TcpStream;

use rustix::ioctl::{Getter, Opcode, ioctl};

/// Linux's SIOCOUTQ, which has the same number as TIOCOUTQ.
const SIOCOUTQ: Opcode = 0x5411;

/// Bytes that were written and have not reached the peer's network stack.
pub(super) fn unacknowledged(socket: &TcpStream) -> io::Result<u64> {
    // SAFETY: SIOCOUTQ writes one int through the pointer that `Getter` passes.
    #[allow(unsafe_code)]
    let bytes = unsafe { ioctl(socket, Getter::<SIOCOUTQ, i32>::new()) }?;
    Ok(u64::try_from(bytes).unwrap_or(0))
}
