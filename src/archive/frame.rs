//! Frames: pieces of a stream that are checked before they are used, and a trailer that checks them all.
//!
//! ```text
//! "frontdesk archive\n"  format: u16
//! length: u32 (not 0)  BLAKE3 of (number: u64, bytes)  bytes        again and again, numbers from 0
//! 0: u32               number of frames: u64           BLAKE3 of every byte before this hash
//! ```
//! Numbers are little-endian. Nothing follows the trailer.

use std::io::{self, BufRead, Read, Write};

use super::Error;
use super::error::Place;
use super::seal::Counter;

/// What every archive begins with; as long as what a sealed one begins with.
pub(super) const MAGIC: &[u8; 18] = b"frontdesk archive\n";
/// The format that this release writes, and the newest that it reads.
pub(super) const FORMAT: u16 = 1;
/// Bytes of a frame.
const FRAME_BYTES: usize = 256 << 10;
/// Bytes of a frame that are accepted.
const FRAME_BYTES_MAX: usize = 1 << 20;
/// Bytes of a hash.
const HASH_BYTES: usize = 32;

fn hash_of(number: u64, bytes: &[u8]) -> blake3::Hash {
    let mut hasher = blake3::Hasher::new();
    hasher.update(&number.to_le_bytes());
    hasher.update(bytes);
    hasher.finalize()
}

/// Cuts what is written into frames.
pub(super) struct FrameWriter<W: Write> {
    output: W,
    whole: blake3::Hasher,
    frame: Vec<u8>,
    number: u64,
}

impl<W: Write> FrameWriter<W> {
    pub(super) fn begin(mut output: W) -> io::Result<Self> {
        let mut whole = blake3::Hasher::new();
        for part in [MAGIC.as_slice(), &FORMAT.to_le_bytes()] {
            whole.update(part);
            output.write_all(part)?;
        }
        Ok(Self { output, whole, frame: Vec::with_capacity(FRAME_BYTES), number: 0 })
    }

    fn put(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.whole.update(bytes);
        self.output.write_all(bytes)
    }

    fn end_frame(&mut self) -> io::Result<()> {
        if self.frame.is_empty() {
            return Ok(());
        }
        let mut frame = std::mem::take(&mut self.frame);
        let length = u32::try_from(frame.len()).map_err(io::Error::other)?;
        self.put(&length.to_le_bytes())?;
        self.put(hash_of(self.number, &frame).as_bytes())?;
        self.put(&frame)?;
        self.number = self.number.saturating_add(1);
        frame.clear();
        self.frame = frame;
        Ok(())
    }

    /// Writes the trailer; what it was written to, and the hash of everything.
    pub(super) fn finish(mut self) -> io::Result<(W, blake3::Hash)> {
        self.end_frame()?;
        self.put(&0_u32.to_le_bytes())?;
        self.put(&self.number.to_le_bytes())?;
        let hash = self.whole.finalize();
        self.output.write_all(hash.as_bytes())?;
        Ok((self.output, hash))
    }
}

impl<W: Write> Write for FrameWriter<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let (now, _) = bytes.split_at(bytes.len().min(FRAME_BYTES.saturating_sub(self.frame.len())));
        self.frame.extend_from_slice(now);
        if self.frame.len() >= FRAME_BYTES {
            self.end_frame()?;
        }
        Ok(now.len())
    }

    // A frame is ended when it is full: flushing the packing must not make small ones.
    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Hands out what frames hold, once each is checked.
pub(super) struct FrameReader<R: Read> {
    input: R,
    counter: Counter,
    whole: blake3::Hasher,
    frame: Vec<u8>,
    used: usize,
    number: u64,
    ended: bool,
}

impl<R: Read> FrameReader<R> {
    /// `counter` tells how many bytes of the file have been read.
    pub(super) fn begin(input: R, counter: Counter) -> Result<Self, Error> {
        let whole = blake3::Hasher::new();
        let mut reader = Self { input, counter, whole, frame: Vec::new(), used: 0, number: 0, ended: false };
        let magic: [u8; MAGIC.len()] = reader.array().map_err(Error::io("read the archive"))?;
        if &magic != MAGIC {
            return Err(Error::NotAnArchive);
        }
        let format = u16::from_le_bytes(reader.array().map_err(Error::io("read the archive"))?);
        if format == 0 || format > FORMAT {
            return Err(Error::FormatNewer { found: format });
        }
        Ok(reader)
    }

    pub(super) fn place(&self) -> Place {
        Place { at: self.counter.bytes(), entry: None }
    }

    fn exactly(&mut self, bytes: &mut [u8]) -> io::Result<()> {
        self.input.read_exact(bytes).map_err(|error| match error.kind() {
            io::ErrorKind::UnexpectedEof => Error::Truncated { place: self.place() }.into(),
            // Typed here, so that whatever comes untyped from above is the packing's.
            _ => Error::io("read the archive")(error).into(),
        })
    }

    fn array<const N: usize>(&mut self) -> io::Result<[u8; N]> {
        let mut bytes = [0; N];
        self.exactly(&mut bytes)?;
        self.whole.update(&bytes);
        Ok(bytes)
    }

    fn next_frame(&mut self) -> io::Result<()> {
        let place = self.place();
        let length = u32::from_le_bytes(self.array()?);
        if length == 0 {
            return self.check_trailer(place);
        }
        let length = usize::try_from(length).unwrap_or(usize::MAX);
        if length > FRAME_BYTES_MAX {
            return Err(Error::Altered { place }.into());
        }
        let hash: [u8; HASH_BYTES] = self.array()?;
        let mut frame = std::mem::take(&mut self.frame);
        frame.resize(length, 0);
        self.exactly(&mut frame)?;
        self.whole.update(&frame);
        if hash_of(self.number, &frame) != hash {
            return Err(Error::Altered { place }.into());
        }
        self.number = self.number.saturating_add(1);
        self.used = 0;
        self.frame = frame;
        Ok(())
    }

    fn check_trailer(&mut self, place: Place) -> io::Result<()> {
        let frames = u64::from_le_bytes(self.array()?);
        let expected = self.whole.finalize();
        let hash: [u8; HASH_BYTES] = self.array()?;
        if frames != self.number || expected != hash {
            return Err(Error::Altered { place }.into());
        }
        let place = self.place();
        let after = self.input.read(&mut [0]).map_err(Error::io("read the archive"))?;
        if after != 0 {
            return Err(Error::Altered { place }.into());
        }
        self.ended = true;
        self.frame.clear();
        self.used = 0;
        Ok(())
    }
}

impl<R: Read> BufRead for FrameReader<R> {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        while self.used >= self.frame.len() && !self.ended {
            self.next_frame()?;
        }
        Ok(self.frame.get(self.used..).unwrap_or_default())
    }

    fn consume(&mut self, bytes: usize) {
        self.used = self.used.saturating_add(bytes);
    }
}

impl<R: Read> Read for FrameReader<R> {
    fn read(&mut self, bytes: &mut [u8]) -> io::Result<usize> {
        let available = self.fill_buf()?;
        let count = available.len().min(bytes.len());
        for (to, from) in bytes.iter_mut().zip(available) {
            *to = *from;
        }
        self.consume(count);
        Ok(count)
    }
}
