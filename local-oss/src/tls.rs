//! Certificates that are created at the start, good and bad ones.

use std::io::Write;
use std::path::Path;
use std::sync::OnceLock;

use openssl::asn1::Asn1Time;
use openssl::bn::{BigNum, MsbOption};
use openssl::ec::{EcGroup, EcKey};
use openssl::error::ErrorStack;
use openssl::hash::MessageDigest;
use openssl::nid::Nid;
use openssl::pkey::{PKey, Private};
use openssl::ssl::{SslAcceptor, SslMethod};
use openssl::x509::extension::{BasicConstraints, KeyUsage, SubjectAlternativeName};
use openssl::x509::{X509, X509Builder, X509NameBuilder};
use tempfile::NamedTempFile;

/// The kind of the server's certificate.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Tls {
    /// For 127.0.0.1, localhost and [`Config::tls_names`](crate::Config::tls_names), signed by the server's CA.
    #[default]
    Valid,
    /// Signed by the CA, for another name.
    WrongHost,
    /// Signed by the CA, and expired.
    Expired,
    /// Self-signed.
    SelfSigned,
}

/// The server's side of TLS.
pub(crate) struct Identity {
    pub(crate) acceptor: SslAcceptor,
    ca_pem: Vec<u8>,
    /// Created on demand, because a program that is killed cannot remove it.
    ca_file: OnceLock<NamedTempFile>,
}

impl Identity {
    pub(crate) fn new(kind: Tls, more_names: &[String]) -> std::io::Result<Self> {
        let (acceptor, ca_pem) = make(kind, more_names)?;
        Ok(Identity { acceptor, ca_pem, ca_file: OnceLock::new() })
    }

    pub(crate) fn ca_pem(&self) -> &[u8] {
        &self.ca_pem
    }

    pub(crate) fn ca_file(&self) -> &Path {
        let write = || -> std::io::Result<NamedTempFile> {
            let mut file =
                tempfile::Builder::new().prefix("local-oss-ca-").suffix(".pem").tempfile()?;
            file.write_all(&self.ca_pem)?;
            Ok(file)
        };
        self.ca_file.get_or_init(|| write().expect("the CA certificate in a temporary file")).path()
    }
}

fn make(kind: Tls, more_names: &[String]) -> Result<(SslAcceptor, Vec<u8>), ErrorStack> {
    let ca = Authority::new()?;
    let key = new_key()?;
    let own = Authority { certificate: ca.certificate.clone(), key: key.clone() };
    let issuer = if kind == Tls::SelfSigned { &own } else { &ca };
    let certificate = leaf(kind, more_names, &key, issuer)?;
    let mut acceptor = SslAcceptor::mozilla_intermediate_v5(SslMethod::tls())?;
    acceptor.set_private_key(&key)?;
    acceptor.set_certificate(&certificate)?;
    Ok((acceptor.build(), ca.certificate.to_pem()?))
}

struct Authority {
    certificate: X509,
    key: PKey<Private>,
}

impl Authority {
    fn new() -> Result<Self, ErrorStack> {
        let key = new_key()?;
        let mut builder = builder("local-oss test CA", &key)?;
        set_validity(&mut builder, -DAY, 3650 * DAY)?;
        builder.append_extension(BasicConstraints::new().critical().ca().build()?)?;
        builder.append_extension(KeyUsage::new().critical().key_cert_sign().crl_sign().build()?)?;
        let subject = builder_name("local-oss test CA")?;
        builder.set_issuer_name(&subject)?;
        builder.sign(&key, MessageDigest::sha256())?;
        Ok(Authority { certificate: builder.build(), key })
    }
}

/// Seconds.
const DAY: i64 = 86_400;

fn leaf(
    kind: Tls,
    more_names: &[String],
    key: &PKey<Private>,
    issuer: &Authority,
) -> Result<X509, ErrorStack> {
    let mut builder = builder("local-oss", key)?;
    match kind {
        Tls::Expired => set_validity(&mut builder, -30 * DAY, -DAY)?,
        Tls::Valid | Tls::WrongHost | Tls::SelfSigned => {
            set_validity(&mut builder, -DAY, 365 * DAY)?
        }
    }
    let mut names = SubjectAlternativeName::new();
    if kind == Tls::WrongHost {
        names.dns("elsewhere.example.com");
    } else {
        names.ip("127.0.0.1").dns("localhost");
        for name in more_names {
            names.dns(name);
        }
    }
    let names = names.build(&builder.x509v3_context(Some(&issuer.certificate), None))?;
    builder.append_extension(names)?;
    match kind {
        Tls::SelfSigned => builder.set_issuer_name(builder_name("local-oss")?.as_ref())?,
        _ => builder.set_issuer_name(issuer.certificate.subject_name())?,
    }
    builder.sign(&issuer.key, MessageDigest::sha256())?;
    Ok(builder.build())
}

fn builder(name: &str, key: &PKey<Private>) -> Result<X509Builder, ErrorStack> {
    let mut serial = BigNum::new()?;
    serial.rand(120, MsbOption::MAYBE_ZERO, false)?;
    let mut builder = X509::builder()?;
    builder.set_version(2)?;
    builder.set_serial_number(serial.to_asn1_integer()?.as_ref())?;
    builder.set_subject_name(builder_name(name)?.as_ref())?;
    builder.set_pubkey(key)?;
    Ok(builder)
}

fn builder_name(common_name: &str) -> Result<openssl::x509::X509Name, ErrorStack> {
    let mut name = X509NameBuilder::new()?;
    name.append_entry_by_nid(Nid::COMMONNAME, common_name)?;
    Ok(name.build())
}

/// Valid between these numbers of seconds from now.
fn set_validity(builder: &mut X509Builder, from: i64, until: i64) -> Result<(), ErrorStack> {
    let now = jiff::Timestamp::now().as_second();
    builder.set_not_before(Asn1Time::from_unix(now + from)?.as_ref())?;
    builder.set_not_after(Asn1Time::from_unix(now + until)?.as_ref())
}

fn new_key() -> Result<PKey<Private>, ErrorStack> {
    let group = EcGroup::from_curve_name(Nid::X9_62_PRIME256V1)?;
    PKey::from_ec_key(EcKey::generate(&group)?)
}
