//! The index on disk: files of one generation, and a manifest that names them and is renamed into place.
//!
//! ```text
//! manifest              magic, version, body, BLAKE3 of all before
//! rows-<g>              blocks: count, chunks, dead flags, inverse norms, codes (little endian)
//! members-<g>           with a graph: slot and node of each row in it
//! graph-<g>.hnsw.graph  with a graph: the two files of hnsw_rs, only ever shown to it when their
//! graph-<g>.hnsw.data   checksums hold, because on damaged ones it may end the process
//! ```
//!
//! Every file is fsynced before the manifest that seals its length and BLAKE3 digest is; a crash at any moment
//! leaves the old snapshot or the new one. The graph files are in the machine's own byte order: a snapshot is a
//! cache of one machine and not an interchange format.

use std::fs::{self, File};
use std::io::{self, BufReader, BufWriter, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::block::{BLOCK_ROWS, Block, Row};
use super::flat::{Flat, Slot, place, slot_of};
use super::hnsw::{Graph, Saved};
use super::index::{Settings, VectorIndex};
use super::{Error, code};

const MAGIC: &[u8; 8] = b"FDVECTOR";
const VERSION: u32 = 1;
const MANIFEST: &str = "manifest";
const MANIFEST_BYTES_MAX: u64 = 64 * 1024;
const DIGEST_BYTES: usize = 32;
/// Where a dump of `hnsw_rs` (format 4) keeps the scale of its levels: after a magic, a mode and a degree.
const LEVEL_SCALE_AT: u64 = 6;

#[derive(Debug, Serialize, Deserialize)]
struct Manifest {
    position: u64,
    generation: u64,
    model: String,
    dimensions: usize,
    blocks: usize,
    rows: Seal,
    graph: Option<GraphSeal>,
}

#[derive(Debug, Serialize, Deserialize)]
struct GraphSeal {
    covered: Slot,
    members: Seal,
    points: Seal,
    data: Seal,
}

/// A file as it was written.
#[derive(Debug, Serialize, Deserialize)]
struct Seal {
    name: String,
    bytes: u64,
    digest: [u8; DIGEST_BYTES],
}

impl VectorIndex {
    /// Writes a snapshot into the directory, in place of the one there. `position` is the place in the index log
    /// up to which everything is in the index; changes made meanwhile may be in the snapshot or not, and making
    /// them again after a reload is harmless. Searches and changes go on; a running extension waits.
    ///
    /// # Errors
    /// [`Error::Io`], [`Error::Graph`]; the snapshot that was there still is.
    pub fn save(&self, directory: &Path, position: u64) -> Result<(), Error> {
        let _turn = self.inner.saving.lock();
        fs::create_dir_all(directory)?;
        let generation = generations(directory)?.into_iter().max().unwrap_or(0) + 1;
        // The graph first: what it covers by then must be among the rows, and rows are only added.
        let graph = self.inner.flat.read().graph.clone();
        let written = graph.as_deref().map(|graph| write_graph(directory, generation, graph)).transpose()?;
        let (view, open) = {
            let flat = self.inner.flat.read();
            (flat.view(), flat.open.copy())
        };
        // Another graph by now means other slots: what was written is of no use, and the rows serve alone.
        let same = view.graph.as_ref().map(Arc::as_ptr) == graph.as_ref().map(Arc::as_ptr);
        let graph = written.filter(|_| same);
        let blocks: Vec<&Block> =
            view.sealed.iter().map(Arc::as_ref).chain((open.len() > 0).then_some(&open)).collect();
        let rows = write_rows(directory, generation, &blocks, view.epoch)?;
        let manifest = Manifest {
            position,
            generation,
            model: self.inner.model.clone(),
            dimensions: self.inner.dimensions,
            blocks: blocks.len(),
            rows,
            graph,
        };
        write_manifest(directory, &manifest)?;
        remove_others(directory, generation)
    }

    /// Reads a snapshot back: the index, and the position in the index log from which to read on.
    ///
    /// # Errors
    /// [`Error::SnapshotMissing`], [`Error::SnapshotDamaged`], [`Error::SnapshotVersion`],
    /// [`Error::SnapshotOfAnotherModel`], [`Error::Io`]: in each case the index is to be built from the database.
    pub fn load(
        directory: &Path,
        dimensions: usize,
        model: &str,
        settings: Settings,
    ) -> Result<(Self, u64), Error> {
        let manifest = read_manifest(directory)?;
        if manifest.model != model || manifest.dimensions != dimensions.min(code::DIMENSIONS_MAX) {
            return Err(Error::SnapshotOfAnotherModel {
                model: manifest.model,
                dimensions: manifest.dimensions,
            });
        }
        let mut flat = read_rows(directory, &manifest)?;
        if let Some(seal) = &manifest.graph {
            flat.graph = read_graph(directory, &manifest, seal, &flat)?.map(Arc::new);
        }
        flat.unseal_last();
        Ok((Self::with_rows(manifest.dimensions, model, settings, flat), manifest.position))
    }
}

fn damaged(file: &str, what: &'static str) -> Error {
    Error::SnapshotDamaged { file: file.to_owned(), what }
}

fn graph_name(generation: u64) -> String {
    format!("graph-{generation}")
}

fn write_graph(directory: &Path, generation: u64, graph: &Graph) -> Result<GraphSeal, Error> {
    let basename = graph_name(generation);
    let points = format!("{basename}.hnsw.graph");
    // The library panics when it cannot open its files, and says nothing of why: we find out first.
    File::create(directory.join(&points))?;
    let saved = graph.dump(directory, &basename)?;
    mend_level_scale(&directory.join(&points))?;
    let mut writer = Sealing::create(directory, format!("members-{generation}"))?;
    for (slot, node) in &saved.members {
        writer.write_all(&slot.to_le_bytes())?;
        writer.write_all(&node.to_le_bytes())?;
    }
    Ok(GraphSeal {
        covered: saved.covered,
        members: writer.finish()?,
        points: seal_durably(directory, points)?,
        data: seal_durably(directory, format!("{basename}.hnsw.data"))?,
    })
}

/// The library writes the scale of its levels where its reader expects a factor to its own default: without
/// this, nodes added after a reload would hardly ever reach an upper level.
fn mend_level_scale(path: &Path) -> io::Result<()> {
    let mut file = File::options().write(true).open(path)?;
    file.seek(SeekFrom::Start(LEVEL_SCALE_AT))?;
    file.write_all(&1.0f64.to_ne_bytes())
}

fn read_graph(
    directory: &Path,
    manifest: &Manifest,
    seal: &GraphSeal,
    flat: &Flat,
) -> Result<Option<Graph>, Error> {
    for seal in [&seal.members, &seal.points, &seal.data] {
        verify(directory, seal)?;
    }
    let mut reader = BufReader::new(File::open(directory.join(&seal.members.name))?);
    let mut members = Vec::new();
    for _ in 0..seal.members.bytes / 8 {
        members.push((u32::from_le_bytes(read(&mut reader)?), u32::from_le_bytes(read(&mut reader)?)));
    }
    let saved = Saved { covered: seal.covered, members };
    let row = |slot| {
        let (block, offset) = place(slot);
        flat.sealed.get(block)?.row(offset)
    };
    // Intact, and yet the library does not take it: written by another version of it. The rows are good, so
    // they serve, and the next rebuild makes a graph.
    Ok(Graph::reload(directory, &graph_name(manifest.generation), manifest.dimensions, &saved, row).ok())
}

fn write_rows(directory: &Path, generation: u64, blocks: &[&Block], epoch: u64) -> Result<Seal, Error> {
    let mut writer = Sealing::create(directory, format!("rows-{generation}"))?;
    for block in blocks {
        let rows: Vec<Row<'_>> = (0..block.len()).filter_map(|offset| block.row(offset)).collect();
        writer.write_all(&u32::try_from(rows.len()).unwrap_or(0).to_le_bytes())?;
        for row in &rows {
            writer.write_all(&row.chunk.to_le_bytes())?;
        }
        for offset in 0..rows.len() {
            writer.write_all(&[u8::from(!block.lives(offset, epoch))])?;
        }
        for row in &rows {
            writer.write_all(&row.inverse_norm.to_le_bytes())?;
        }
        for row in &rows {
            let codes: Vec<u8> = row.codes.iter().map(|code| code.cast_unsigned()).collect();
            writer.write_all(&codes)?;
        }
    }
    Ok(writer.finish()?)
}

fn read_rows(directory: &Path, manifest: &Manifest) -> Result<Flat, Error> {
    verify(directory, &manifest.rows)?;
    let mut reader = BufReader::new(File::open(directory.join(&manifest.rows.name))?);
    let mut flat = Flat::new(manifest.dimensions);
    for index in 0..manifest.blocks {
        read_block(&mut reader, &mut flat, index, manifest)?;
    }
    Ok(flat)
}

fn read_block(
    reader: &mut impl Read,
    flat: &mut Flat,
    index: usize,
    manifest: &Manifest,
) -> Result<(), Error> {
    let bad = |what| damaged(&manifest.rows.name, what);
    let count = u32::from_le_bytes(read(reader)?) as usize;
    if count == 0 || count > BLOCK_ROWS {
        return Err(bad("a block of an impossible size"));
    }
    let chunks: Vec<u64> =
        (0..count).map(|_| read(reader).map(u64::from_le_bytes)).collect::<Result<_, _>>()?;
    let dead: Vec<u8> = (0..count).map(|_| read(reader).map(u8::from_le_bytes)).collect::<Result<_, _>>()?;
    let norms: Vec<f32> =
        (0..count).map(|_| read(reader).map(f32::from_le_bytes)).collect::<Result<_, _>>()?;
    let mut block = Block::new(manifest.dimensions);
    let mut bytes = vec![0u8; manifest.dimensions];
    for (offset, ((chunk, dead), norm)) in chunks.into_iter().zip(dead).zip(norms).enumerate() {
        reader.read_exact(&mut bytes).map_err(|_| bad("too short"))?;
        let codes: Vec<i8> = bytes.iter().map(|byte| byte.cast_signed()).collect();
        if codes.contains(&i8::MIN) || norm.to_bits() != code::inverse_norm(&codes).to_bits() {
            return Err(bad("codes that none of ours are"));
        }
        block.push(chunk, &codes, norm);
        if dead == 0 {
            let slot = slot_of(index, offset).ok_or(Error::Full)?;
            if flat.slots.insert(chunk, slot).is_some() {
                return Err(bad("a chunk that is there twice"));
            }
        } else {
            block.kill(offset, 0);
        }
    }
    block.shrink();
    flat.rows += count;
    Arc::make_mut(&mut flat.sealed).push(Arc::new(block));
    Ok(())
}

fn write_manifest(directory: &Path, manifest: &Manifest) -> Result<(), Error> {
    let body = rmp_serde::to_vec_named(manifest).map_err(io::Error::other)?;
    let mut bytes = Vec::with_capacity(body.len() + 64);
    bytes.extend_from_slice(MAGIC);
    bytes.extend_from_slice(&VERSION.to_le_bytes());
    bytes.extend_from_slice(&body);
    let digest = blake3::hash(&bytes);
    bytes.extend_from_slice(digest.as_bytes());
    let aside = directory.join("manifest.new");
    let mut file = File::create(&aside)?;
    file.write_all(&bytes)?;
    file.sync_all()?;
    sync_directory(directory)?;
    fs::rename(&aside, directory.join(MANIFEST))?;
    Ok(sync_directory(directory)?)
}

fn read_manifest(directory: &Path) -> Result<Manifest, Error> {
    let file = match File::open(directory.join(MANIFEST)) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Err(Error::SnapshotMissing),
        Err(error) => return Err(error.into()),
    };
    let mut bytes = Vec::new();
    file.take(MANIFEST_BYTES_MAX).read_to_end(&mut bytes)?;
    let (signed, digest) =
        bytes.split_last_chunk::<DIGEST_BYTES>().ok_or_else(|| damaged(MANIFEST, "too short"))?;
    if blake3::hash(signed).as_bytes() != digest {
        return Err(damaged(MANIFEST, "the checksum does not hold"));
    }
    let rest = signed.strip_prefix(MAGIC).ok_or_else(|| damaged(MANIFEST, "not a manifest"))?;
    let (version, body) = rest.split_first_chunk().ok_or_else(|| damaged(MANIFEST, "too short"))?;
    let found = u32::from_le_bytes(*version);
    if found != VERSION {
        return Err(Error::SnapshotVersion { found, expected: VERSION });
    }
    rmp_serde::from_slice(body).map_err(|_| damaged(MANIFEST, "not readable"))
}

fn verify(directory: &Path, expected: &Seal) -> Result<(), Error> {
    let found = match seal(directory, expected.name.clone()) {
        Ok(found) => found,
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            return Err(damaged(&expected.name, "missing"));
        }
        Err(error) => return Err(error.into()),
    };
    if found.bytes != expected.bytes {
        return Err(damaged(&expected.name, "of another length"));
    }
    if found.digest != expected.digest {
        return Err(damaged(&expected.name, "the checksum does not hold"));
    }
    Ok(())
}

fn seal_durably(directory: &Path, name: String) -> io::Result<Seal> {
    File::open(directory.join(&name))?.sync_all()?;
    seal(directory, name)
}

fn seal(directory: &Path, name: String) -> io::Result<Seal> {
    let mut file = File::open(directory.join(&name))?;
    let mut hasher = blake3::Hasher::new();
    let bytes = io::copy(&mut file, &mut hasher)?;
    Ok(Seal { name, bytes, digest: *hasher.finalize().as_bytes() })
}

fn read<const N: usize>(reader: &mut impl Read) -> io::Result<[u8; N]> {
    let mut bytes = [0; N];
    reader.read_exact(&mut bytes)?;
    Ok(bytes)
}

fn sync_directory(directory: &Path) -> io::Result<()> {
    File::open(directory)?.sync_all()
}

/// The generation in one of our file names.
fn generation_of(name: &str) -> Option<u64> {
    let rest = ["rows-", "members-", "graph-"].iter().find_map(|prefix| name.strip_prefix(prefix))?;
    rest.split('.').next()?.parse().ok()
}

fn ours(directory: &Path) -> io::Result<Vec<(PathBuf, u64)>> {
    let mut found = Vec::new();
    for entry in fs::read_dir(directory)? {
        let entry = entry?;
        if let Some(generation) = entry.file_name().to_str().and_then(generation_of) {
            found.push((entry.path(), generation));
        }
    }
    Ok(found)
}

fn generations(directory: &Path) -> io::Result<Vec<u64>> {
    Ok(ours(directory)?.into_iter().map(|(_, generation)| generation).collect())
}

fn remove_others(directory: &Path, generation: u64) -> Result<(), Error> {
    for (path, found) in ours(directory)? {
        if found != generation {
            fs::remove_file(path)?;
        }
    }
    Ok(())
}

/// Writes a file and digests it on the way.
struct Sealing {
    writer: BufWriter<File>,
    hasher: blake3::Hasher,
    name: String,
    bytes: u64,
}

impl Sealing {
    fn create(directory: &Path, name: String) -> io::Result<Self> {
        let writer = BufWriter::new(File::create(directory.join(&name))?);
        Ok(Self { writer, hasher: blake3::Hasher::new(), name, bytes: 0 })
    }

    fn write_all(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.hasher.update(bytes);
        self.bytes += bytes.len() as u64;
        self.writer.write_all(bytes)
    }

    fn finish(self) -> io::Result<Seal> {
        let file = self.writer.into_inner().map_err(io::IntoInnerError::into_error)?;
        file.sync_all()?;
        Ok(Seal { name: self.name, bytes: self.bytes, digest: *self.hasher.finalize().as_bytes() })
    }
}
