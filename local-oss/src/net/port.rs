//! A port that is reserved for the server while nobody listens on it.

use std::io;
use std::net::{Ipv4Addr, SocketAddrV4, TcpListener};
use std::os::fd::OwnedFd;

use rustix::net::{AddressFamily, SocketFlags, SocketType, bind, listen, socket_with, sockopt};

/// Largest number of connections that wait to be accepted.
const BACKLOG: i32 = 1024;

/// A port on 127.0.0.1. While nobody listens, connections to it are refused, and no connection of this
/// machine gets the port as its own end, which would prevent a restart of the server.
pub(crate) struct Port {
    number: u16,
    /// Bound but never listening.
    _held: OwnedFd,
}

impl Port {
    /// Reserves `number`, or a free port for 0; fails if it is in use.
    pub(crate) fn reserve(number: u16) -> io::Result<Self> {
        if number != 0 {
            // The sockets below could share the port with those of another server.
            drop(TcpListener::bind((Ipv4Addr::LOCALHOST, number))?);
        }
        // Only the standard library's types return the address.
        let held = TcpListener::from(bound(number)?);
        Ok(Port { number: held.local_addr()?.port(), _held: held.into() })
    }

    pub(crate) fn number(&self) -> u16 {
        self.number
    }

    /// Listens from now on.
    pub(crate) fn listen(&self) -> io::Result<TcpListener> {
        let socket = bound(self.number)?;
        listen(&socket, BACKLOG)?;
        Ok(TcpListener::from(socket))
    }
}

fn bound(port: u16) -> io::Result<OwnedFd> {
    let socket = socket_with(AddressFamily::INET, SocketType::STREAM, SocketFlags::CLOEXEC, None)?;
    sockopt::set_socket_reuseaddr(&socket, true)?;
    sockopt::set_socket_reuseport(&socket, true)?;
    bind(&socket, &SocketAddrV4::new(Ipv4Addr::LOCALHOST, port))?;
    Ok(socket)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::net::TcpStream;

    #[test]
    fn between_two_listeners_a_port_refuses_connections_and_is_not_assigned() {
        let port = Port::reserve(0).unwrap();
        let at = SocketAddrV4::new(Ipv4Addr::LOCALHOST, port.number());
        for _ in 0..3 {
            let listener = port.listen().unwrap();
            TcpStream::connect(at).unwrap();
            assert!(Port::reserve(port.number()).is_err(), "another server shares it");
            drop(listener);
            let refused = TcpStream::connect(at).unwrap_err();
            assert_eq!(refused.kind(), io::ErrorKind::ConnectionRefused);
            let own =
                socket_with(AddressFamily::INET, SocketType::STREAM, SocketFlags::CLOEXEC, None);
            assert!(bind(own.unwrap(), &at).is_err());
        }
    }
}
