//! The content key of an encrypted object: from the client's decryption keys, or from the host's key unwrapper.

use std::sync::Arc;

use crate::model::encryption::{ContentKey, WrappedKey};
use crate::model::error::{Error, ErrorKind, Result};
use crate::model::options::LogLevel;
use crate::oss::envelope::{Encryption, Envelope, members, shown};
use crate::oss::reply::ReplyHead;
use crate::oss::service_error::host_reason;
use crate::transfer::event::Event;
use crate::transfer::host_calls::{Answer, Asked};

use super::Driver;

/// A content key and the envelope that contained it.
pub struct Unwrapped {
    envelope: Envelope,
    content_key: Arc<ContentKey>,
}

impl Driver<'_> {
    /// The key that decrypts the object's bytes; `None` if they are saved as they are. Called before a byte is written.
    pub fn content_key(&mut self, head: &ReplyHead) -> Result<Option<Arc<ContentKey>>> {
        if self.request.allow_encrypted {
            return Ok(None);
        }
        let encryption = Encryption::of(head);
        let network = self.world.network;
        let can_decrypt = !network.decryption_keys().is_empty() || network.has_key_unwrapper();
        let envelope = match encryption {
            Encryption::None if can_decrypt && head.is_symlink() => {
                return Err(self.unknown_target());
            }
            Encryption::None => return Ok(None),
            Encryption::Unusable(why) if can_decrypt => return Err(self.undecryptable(&why)),
            Encryption::Unusable(why) => return Err(self.no_key(&why, "set")),
            Encryption::Envelope(_) if !can_decrypt => {
                let advice = "set decryption_keys or key_unwrapper, or";
                return Err(self.no_key("this client has no key", advice));
            }
            Encryption::Envelope(envelope) => envelope,
        };
        if self.request.is_processed() {
            return Err(self.undecryptable("x-oss-process has changed its encrypted bytes"));
        }
        if let Some(known) = self.unwrapped.as_ref().filter(|known| known.envelope == envelope) {
            return Ok(Some(known.content_key.clone()));
        }
        let content_key = Arc::new(self.unwrap(&envelope)?);
        self.log(LogLevel::Info, || "its content key was unwrapped; decrypting".to_owned());
        self.unwrapped = Some(Unwrapped { envelope, content_key: content_key.clone() });
        Ok(Some(content_key))
    }

    fn unwrap(&mut self, envelope: &Envelope) -> Result<ContentKey> {
        if envelope.is_rsa()
            && let Some(unwrapped) = self.world.network.decryption_keys().unwrap(envelope)?
        {
            return unwrapped.map_err(|why| self.not_unwrapped(ErrorKind::Validation, &why));
        }
        let matdesc = envelope.matdesc.as_deref();
        let (bucket, object_key) = self.request.identity();
        let wrapped = WrappedKey::new(
            (&bucket, &object_key),
            &envelope.wrap_algorithm,
            (matdesc, matdesc.map_or_else(Vec::new, members)),
            (&envelope.encrypted_key, &envelope.encrypted_iv),
        );
        let answers = match self.world.network.unwrap_key(wrapped)? {
            Asked::Nobody => return Err(self.no_key_for(envelope)),
            Asked::TooOften(calls) => {
                return Err(
                    self.unwrapper_error(&format!("has not answered {calls} earlier calls"))
                );
            }
            Asked::Awaits(answers) => answers,
        };
        self.awaits_key = true;
        // The unwrapper has the whole limit for itself.
        self.stall_clock.reset(self.now());
        let answer = self.await_key(|| answers.get());
        self.awaits_key = false;
        self.stall_clock.reset(self.now());
        answer?.map_err(|why| self.unwrapper_error(&format!("has no key: {}", host_reason(&why))))
    }

    /// Waits for the unwrapper. If the connection of the first request ends meanwhile, another request fetches its bytes.
    fn await_key(
        &mut self,
        answer: impl Fn() -> Option<Answer<ContentKey>>,
    ) -> Result<Answer<ContentKey>> {
        loop {
            if !self.follow_pause()
                && let Some(answer) = answer()
            {
                return Ok(answer);
            }
            match self.next_event(None)? {
                Some(Event::Ended(end)) => {
                    self.note_end(&end);
                    self.count_active();
                }
                Some(Event::Fault(error)) => return Err(error),
                Some(_) | None => {}
            }
        }
    }

    /// The error if the unwrapper `did` something else than return a key.
    pub fn unwrapper_error(&self, did: &str) -> Error {
        self.not_unwrapped(ErrorKind::Service, &format!("the key unwrapper {did}"))
    }

    fn not_unwrapped(&self, kind: ErrorKind, why: &str) -> Error {
        Error::new(
            kind,
            "EncryptionClientError",
            format!("the content key of {} cannot be unwrapped: {why}", self.object()),
        )
    }

    fn undecryptable(&self, why: &str) -> Error {
        Error::new(
            ErrorKind::Validation,
            "EncryptionClientError",
            format!(
                "{} was encrypted by the client that uploaded it and cannot be decrypted: {why}; set allow_encrypted to save it as it is stored",
                self.object()
            ),
        )
    }

    /// The client has neither keys nor an unwrapper.
    fn no_key(&self, why: &str, advice: &str) -> Error {
        Error::new(
            ErrorKind::Validation,
            "ClientSideEncrypted",
            format!(
                "{} was encrypted by the client that uploaded it, and {why}; {advice} allow_encrypted to save it as it is stored",
                self.object()
            ),
        )
    }

    /// The object is a symbolic link. The reply has the link's metadata and not those of the object with the bytes.
    fn unknown_target(&self) -> Error {
        Error::new(
            ErrorKind::Validation,
            "EncryptionClientError",
            format!(
                "{} is a symbolic link, and the service does not say whether its target is encrypted; download the target itself, or set allow_encrypted to save it as it is stored",
                self.object()
            ),
        )
    }

    /// No key of the client is for the object, and there is no unwrapper.
    fn no_key_for(&self, envelope: &Envelope) -> Error {
        if !envelope.is_rsa() {
            return self.undecryptable(&format!(
                "its key is wrapped by {}, for which this client needs a key_unwrapper",
                shown(&envelope.wrap_algorithm)
            ));
        }
        let description = match &envelope.matdesc {
            Some(matdesc) => format!("with the description {}", shown(matdesc)),
            None => "without a description".to_owned(),
        };
        self.undecryptable(&format!(
            "its key is wrapped by a key {description}, and no decryption key is for that"
        ))
    }
}
