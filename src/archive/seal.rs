//! Sealing of a whole archive with age (<https://age-encryption.org/v1>), and counting of what is read of a file.

use std::fmt;
use std::io::{self, Cursor, Read, Write};
use std::str::FromStr as _;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use age::secrecy::SecretString;
use age::stream::{StreamReader, StreamWriter};
use age::{DecryptError, Decryptor, Encryptor, scrypt, x25519};

use super::Error;
use super::error::Place;
use super::frame::MAGIC;
use crate::base::Secret;

/// What a sealed archive begins with.
const AGE_MAGIC: &[u8; MAGIC.len()] = b"age-encryption.org";
/// The work that a passphrase costs whoever tries it, as the power of two of scrypt's N: 128 MiB and some half a second.
const PASSPHRASE_WORK: u8 = 17;
/// The most work that is done to open one: 1 GiB. A file that asks for more would only exhaust the machine.
const PASSPHRASE_WORK_MAX: u8 = 20;

/// Whom an archive is sealed to: the public half of an age key pair.
#[derive(Clone)]
pub struct Recipient(x25519::Recipient);

impl Recipient {
    /// Reads `age1...`.
    ///
    /// # Errors
    /// [`Error::KeyUnusable`].
    pub fn parse(text: &str) -> Result<Self, Error> {
        let recipient = x25519::Recipient::from_str(text.trim());
        recipient.map(Self).map_err(|_| Error::KeyUnusable { what: "recipient" })
    }
}

impl fmt::Debug for Recipient {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0)
    }
}

/// What an archive is sealed with.
#[derive(Debug, Clone)]
pub enum Protection {
    /// Nothing: whoever has the file has what is in it.
    None,
    /// A passphrase.
    Passphrase(Secret),
    /// Only who has the identity of one of them opens it; whoever made it cannot.
    Recipients(Vec<Recipient>),
}

/// What a sealed archive is opened with.
#[derive(Clone)]
pub enum Opening {
    /// Nothing is at hand; enough for an open one.
    None,
    /// A passphrase.
    Passphrase(Secret),
    /// The private half of an age key pair.
    Identity(Box<x25519::Identity>),
}

impl Opening {
    /// A key pair for once: who adds the recipient and keeps the other half to himself can check what he has sealed to
    /// somebody else, and cannot once he has dropped it.
    #[must_use]
    pub fn one_time() -> (Recipient, Self) {
        let identity = x25519::Identity::generate();
        (Recipient(identity.to_public()), Self::Identity(Box::new(identity)))
    }

    /// Reads the text of an identity file as `age-keygen` writes it: the first line that is no comment.
    ///
    /// # Errors
    /// [`Error::KeyUnusable`].
    pub fn parse_identity(text: &str) -> Result<Self, Error> {
        let mut lines = text.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#'));
        let identity = lines.next().and_then(|line| x25519::Identity::from_str(line).ok());
        identity
            .map(|identity| Self::Identity(Box::new(identity)))
            .ok_or(Error::KeyUnusable { what: "identity" })
    }
}

impl fmt::Debug for Opening {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::None => "None",
            Self::Passphrase(_) => "Passphrase(..)",
            Self::Identity(_) => "Identity(..)",
        })
    }
}

/// Seals whatever is written to it, such as an archive that was made open. It is whole only after [`Seal::finish`].
pub struct Seal<W: Write>(Sink<W>);

impl<W: Write> Seal<W> {
    /// Begins.
    ///
    /// # Errors
    /// When `output` fails.
    pub fn begin(output: W, protection: &Protection) -> Result<Self, Error> {
        Ok(Self(Sink::begin(output, protection)?))
    }

    /// Ends; what it was written to, which is not flushed.
    ///
    /// # Errors
    /// When the output fails.
    pub fn finish(self) -> Result<W, Error> {
        self.0.finish().map_err(Error::io("write the archive"))
    }
}

impl<W: Write> Write for Seal<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.0.flush()
    }
}

/// Whether an archive that begins so is sealed.
#[must_use]
pub fn is_sealed(beginning: &[u8]) -> bool {
    beginning.starts_with(AGE_MAGIC)
}

/// Where an archive is written to.
pub(super) enum Sink<W: Write> {
    Open(W),
    Sealed(Box<StreamWriter<W>>),
}

impl<W: Write> Sink<W> {
    pub(super) fn begin(output: W, protection: &Protection) -> Result<Self, Error> {
        let sealed = |recipients: &[&dyn age::Recipient]| {
            let encryptor = Encryptor::with_recipients(recipients.iter().copied());
            encryptor.map_err(|_| Error::KeyUnusable { what: "recipient" })
        };
        let encryptor = match protection {
            Protection::None => return Ok(Self::Open(output)),
            Protection::Passphrase(passphrase) => {
                let mut recipient =
                    scrypt::Recipient::new(SecretString::from(passphrase.expose().to_owned()));
                recipient.set_work_factor(PASSPHRASE_WORK);
                sealed(&[&recipient])?
            }
            Protection::Recipients(recipients) => {
                let recipients: Vec<_> = recipients.iter().map(|one| &one.0 as &dyn age::Recipient).collect();
                sealed(&recipients)?
            }
        };
        let writer = encryptor.wrap_output(output).map_err(Error::io("write the archive"))?;
        Ok(Self::Sealed(Box::new(writer)))
    }

    pub(super) fn finish(self) -> io::Result<W> {
        match self {
            Self::Open(output) => Ok(output),
            Self::Sealed(writer) => writer.finish(),
        }
    }
}

impl<W: Write> Write for Sink<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match self {
            Self::Open(output) => output.write(bytes),
            Self::Sealed(writer) => writer.write(bytes),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        match self {
            Self::Open(output) => output.flush(),
            Self::Sealed(writer) => writer.flush(),
        }
    }
}

/// How many bytes of a file have been read.
#[derive(Debug, Clone, Default)]
pub(super) struct Counter(Arc<AtomicU64>);

impl Counter {
    pub(super) fn bytes(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }

    fn place(&self) -> Place {
        Place { at: self.bytes(), entry: None }
    }
}

/// Counts what is read.
pub(super) struct Counted<R>(R, Counter);

impl<R: Read> Read for Counted<R> {
    fn read(&mut self, bytes: &mut [u8]) -> io::Result<usize> {
        let count = self.0.read(bytes)?;
        self.1.0.fetch_add(count as u64, Ordering::Relaxed);
        Ok(count)
    }
}

type Whole<R> = Counted<io::Chain<Cursor<Vec<u8>>, R>>;

/// Where an archive is read from.
pub(super) enum Source<R: Read> {
    Open(Whole<R>),
    Sealed(Box<StreamReader<Whole<R>>>, Counter),
}

impl<R: Read> Source<R> {
    pub(super) fn begin(mut input: R, opening: &Opening) -> Result<(Self, Counter), Error> {
        let mut first = Vec::with_capacity(MAGIC.len());
        let read = (&mut input).take(MAGIC.len() as u64).read_to_end(&mut first);
        read.map_err(Error::io("read the archive"))?;
        let counter = Counter::default();
        let starts = |magic: &[u8; MAGIC.len()]| magic.starts_with(&first) && !first.is_empty();
        if first.len() < MAGIC.len() && (starts(MAGIC) || starts(AGE_MAGIC)) {
            let at = first.len() as u64;
            return Err(Error::Truncated { place: Place { at, entry: None } });
        }
        let sealed = starts(AGE_MAGIC);
        if !sealed && !starts(MAGIC) {
            return Err(Error::NotAnArchive);
        }
        let whole = Counted(Cursor::new(first).chain(input), counter.clone());
        if !sealed {
            return Ok((Self::Open(whole), counter));
        }
        let reader = open(whole, opening, &counter)?;
        Ok((Self::Sealed(Box::new(reader), counter.clone()), counter))
    }
}

fn open<R: Read>(whole: R, opening: &Opening, counter: &Counter) -> Result<StreamReader<R>, Error> {
    let fault = |error: DecryptError| match error {
        DecryptError::NoMatchingKeys | DecryptError::DecryptionFailed | DecryptError::KeyDecryptionFailed => {
            Error::WrongKey
        }
        DecryptError::Io(error) if error.kind() == io::ErrorKind::UnexpectedEof => {
            Error::Truncated { place: counter.place() }
        }
        DecryptError::Io(error) if error.kind() != io::ErrorKind::InvalidData => {
            Error::io("read the archive")(error)
        }
        _ => Error::Altered { place: counter.place() },
    };
    let decryptor = Decryptor::new(whole).map_err(fault)?;
    let of_passphrase;
    let identity: &dyn age::Identity = match opening {
        Opening::None => return Err(Error::Sealed { to_passphrase: decryptor.is_scrypt() }),
        Opening::Passphrase(passphrase) => {
            let mut identity = scrypt::Identity::new(SecretString::from(passphrase.expose().to_owned()));
            identity.set_max_work_factor(PASSPHRASE_WORK_MAX);
            of_passphrase = identity;
            &of_passphrase
        }
        Opening::Identity(identity) => identity.as_ref(),
    };
    decryptor.decrypt(std::iter::once(identity)).map_err(fault)
}

impl<R: Read> Read for Source<R> {
    fn read(&mut self, bytes: &mut [u8]) -> io::Result<usize> {
        match self {
            Self::Open(input) => input.read(bytes),
            Self::Sealed(reader, counter) => reader.read(bytes).map_err(|error| match error.kind() {
                io::ErrorKind::InvalidData => Error::Altered { place: counter.place() }.into(),
                io::ErrorKind::UnexpectedEof => Error::Truncated { place: counter.place() }.into(),
                _ => error,
            }),
        }
    }
}
