//! What of a socket's bytes the other side has not acknowledged.

use std::io;
use std::net::TcpStream;

use rustix::ioctl::{Getter, Opcode, ioctl};

/// Linux's SIOCOUTQ, whose number is that of TIOCOUTQ.
const SIOCOUTQ: Opcode = 0x5411;

/// Bytes that were written and have not arrived at the other side's network stack.
pub(super) fn unacknowledged(socket: &TcpStream) -> io::Result<u64> {
    // SAFETY: SIOCOUTQ writes one int through the pointer it is given, which `Getter` provides.
    #[allow(unsafe_code)]
    let bytes = unsafe { ioctl(socket, Getter::<SIOCOUTQ, i32>::new()) }?;
    Ok(u64::try_from(bytes).unwrap_or(0))
}
