//! Random numbers from the operating system.

use std::io;

/// Sixteen random bytes. Blocks only on a machine that has just booted.
pub fn bytes() -> io::Result<[u8; 16]> {
    let mut bytes = [0u8; 16];
    loop {
        // SAFETY: the pointer and the length describe `bytes`, which outlives the call.
        let filled = unsafe { libc::getrandom(bytes.as_mut_ptr().cast(), bytes.len(), 0) };
        if usize::try_from(filled).is_ok_and(|filled| filled == bytes.len()) {
            return Ok(bytes);
        }
        // A signal may interrupt the call; all bytes are then requested again.
        if filled < 0 {
            let error = io::Error::last_os_error();
            if error.kind() != io::ErrorKind::Interrupted {
                return Err(error);
            }
        }
    }
}

/// A random number for a unique file name.
pub fn suffix() -> io::Result<u64> {
    let [a, b, c, d, e, f, g, h, ..] = bytes()?;
    Ok(u64::from_le_bytes([a, b, c, d, e, f, g, h]))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_draws_differ() {
        assert_ne!(bytes().expect("random"), bytes().expect("random"));
        assert_ne!(suffix().expect("random"), suffix().expect("random"));
    }
}
