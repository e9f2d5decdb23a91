//! The content key of an object that a client encrypted: from the caller's keys, or from the caller's unwrapper.

use std::sync::Arc;
use std::time::Instant;

use crate::model::encryption::{ContentKey, WrappedKey};
use crate::model::error::{Error, ErrorKind, Result};
use crate::model::options::LogLevel;
use crate::oss::envelope::{Encryption, Envelope, members, shown};
use crate::oss::reply::ReplyHead;
use crate::transfer::event::Event;
use crate::transfer::key_unwrapping::Answer;

use super::Driver;

/// A content key, and the envelope that it was in.
pub struct Unwrapped {
    envelope: Envelope,
    content_key: Arc<ContentKey>,
}

impl Driver {
    /// The key with which the object's bytes are decrypted; none when they are saved as they come. To be called before
    /// a byte is written.
    pub fn content_key(&mut self, head: &ReplyHead) -> Result<Option<Arc<ContentKey>>> {
        if self.request.allow_encrypted {
            return Ok(None);
        }
        let envelope = match Encryption::of(head) {
            Encryption::None => return Ok(None),
            Encryption::Unusable(why) => return Err(self.undecryptable(&why)),
            Encryption::Envelope(envelope) => envelope,
        };
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
            && let Some(unwrapped) = self.session.decryption_keys.unwrap(envelope)?
        {
            return unwrapped.map_err(|why| self.not_unwrapped(ErrorKind::Validation, &why));
        }
        let matdesc = envelope.matdesc.as_deref();
        let wrapped = WrappedKey::new(
            (&self.request.bucket, &self.request.key),
            &envelope.wrap_algorithm,
            (matdesc, matdesc.map_or_else(Vec::new, members)),
            (&envelope.encrypted_key, &envelope.encrypted_iv),
        );
        let answers = self.session.key_unwrapping.ask(wrapped, self.shared.events())?;
        let Some(answers) = answers else { return Err(self.no_key_for(envelope)) };
        self.awaits_key = true;
        // What the network needed before is none of the unwrapper's time.
        self.stall_clock.reset(Instant::now());
        let answer = self.await_key(|| answers.try_recv().ok());
        self.awaits_key = false;
        self.stall_clock.reset(Instant::now());
        answer?.map_err(|why| self.unwrapper_error(&format!("has no key: {why}")))
    }

    /// Waits for the unwrapper. The connection of the first request may end meanwhile: another one brings its bytes.
    fn await_key(&mut self, answer: impl Fn() -> Option<Answer>) -> Result<Answer> {
        loop {
            if let Some(answer) = answer() {
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

    /// What the unwrapper did instead of giving a key.
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

    /// There is neither a key for the object nor an unwrapper.
    fn no_key_for(&self, envelope: &Envelope) -> Error {
        if self.session.decryption_keys.is_empty() {
            return Error::new(
                ErrorKind::Validation,
                "ClientSideEncrypted",
                format!(
                    "{} was encrypted by the client that uploaded it, and this client has no key; set decryption_keys or key_unwrapper, or allow_encrypted to save it as it is stored",
                    self.object()
                ),
            );
        }
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
