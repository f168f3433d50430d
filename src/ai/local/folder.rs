//! The models in the data directory: one folder of GGUF files, each with its SHA-256 beside it where it was added by command.

use std::fs::{self, File};
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};

use sha2::{Digest as _, Sha256};

use super::header::{Header, HeaderError};

/// In the data directory.
pub const FOLDER: &str = "models";
const SUFFIX: &str = "gguf";
const DIGEST_SUFFIX: &str = "sha256";
const BUFFER_BYTES: usize = 1 << 20;
/// Files of the folder that are looked at.
const FILES_MAX: usize = 1_000;

/// What is wrong with a model of the folder.
#[derive(Debug, thiserror::Error)]
#[allow(missing_docs, reason = "the fields are what the messages say")]
pub enum FolderError {
    /// The folder or a file cannot be read or written.
    #[error("{}: {source}", path.display())]
    File {
        path: PathBuf,
        #[source]
        source: io::Error,
    },
    /// It is no model that can be run.
    #[error("{} cannot be used: {source}", path.display())]
    Header {
        path: PathBuf,
        #[source]
        source: HeaderError,
    },
    /// Its name cannot be a name in the folder.
    #[error("\"{0}\" cannot be the name of a model: it must end in .gguf and hold no separators")]
    Name(String),
    /// There is one of this name that differs.
    #[error("there is another model named {0}; remove it first, or rename the file")]
    Taken(String),
    /// There is none of this name.
    #[error("there is no model named {0} in the data directory")]
    Unknown(String),
    /// The bytes are not those that were expected.
    #[error("{name} does not have the expected SHA-256: it is {found}, expected was {expected}")]
    Digest { name: String, expected: String, found: String },
    /// Several, and none is named.
    #[error("there are several models in the data directory ({0}); name one in local_model.file")]
    Several(String),
}

/// A model of the folder.
#[derive(Debug)]
pub struct Found {
    /// Its file's name.
    pub name: String,
    /// The file.
    pub path: PathBuf,
    /// What it says about itself, or why it cannot be used.
    pub header: Result<Header, HeaderError>,
    /// The SHA-256 that was noted when it was added, in hexadecimal.
    pub digest: Option<String>,
}

/// The folder of a data directory. Nothing is opened until it is asked.
#[derive(Debug, Clone)]
pub struct Folder(PathBuf);

impl Folder {
    /// That of `data_dir`.
    #[must_use]
    pub fn of(data_dir: &Path) -> Self {
        Self(data_dir.join(FOLDER))
    }

    /// Everything in it that is named like a model, by name.
    ///
    /// # Errors
    /// [`FolderError::File`]. A folder that is not there is empty.
    pub fn list(&self) -> Result<Vec<Found>, FolderError> {
        Ok(self.names()?.into_iter().map(|name| self.found(name)).collect())
    }

    /// The model of this name; with an empty name the only one that there is, if there is any.
    ///
    /// # Errors
    /// [`FolderError`].
    pub fn choose(&self, name: &str) -> Result<Option<Found>, FolderError> {
        let mut names = self.names()?;
        if !name.is_empty() {
            return if names.iter().any(|known| known == name) {
                Ok(Some(self.found(name.to_owned())))
            } else {
                Err(FolderError::Unknown(name.to_owned()))
            };
        }
        match names.len() {
            0 | 1 => Ok(names.pop().map(|name| self.found(name))),
            _ => Err(FolderError::Several(names.join(", "))),
        }
    }

    /// Copies `file` into the folder, whole or not at all, and notes its SHA-256. With `expected`, only if it has that one. The
    /// same file twice is one. Blocks for as long as the copy takes; `progress` is told the bytes copied.
    ///
    /// # Errors
    /// [`FolderError`].
    pub fn add(
        &self,
        file: &Path,
        expected: Option<&str>,
        mut progress: impl FnMut(u64),
    ) -> Result<Found, FolderError> {
        let name = file.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
        if !is_model_name(&name) {
            return Err(FolderError::Name(name));
        }
        Header::read(file).map_err(|source| FolderError::Header { path: file.to_owned(), source })?;
        let at = |path: &Path| {
            let path = path.to_owned();
            move |source| FolderError::File { path, source }
        };
        fs::create_dir_all(&self.0).map_err(at(&self.0))?;
        let target = self.0.join(&name);
        let mut copy = tempfile::NamedTempFile::new_in(&self.0).map_err(at(&self.0))?;
        let found = copy_hashed(file, &mut copy, &mut progress).map_err(at(file))?;
        if let Some(expected) = expected.filter(|expected| !expected.eq_ignore_ascii_case(&found)) {
            return Err(FolderError::Digest { name, expected: expected.to_owned(), found });
        }
        if target.exists() {
            let there = digest_of(&target).map_err(at(&target))?;
            if there != found {
                return Err(FolderError::Taken(name));
            }
        } else {
            copy.as_file().sync_all().map_err(at(&target))?;
            copy.persist_noclobber(&target).map_err(|error| at(&target)(error.error))?;
        }
        let beside = digest_path(&target);
        fs::write(&beside, format!("{found}  {name}\n")).map_err(at(&beside))?;
        File::open(&self.0).and_then(|folder| folder.sync_all()).map_err(at(&self.0))?;
        Ok(self.found(name))
    }

    /// Deletes the model of this name.
    ///
    /// # Errors
    /// [`FolderError::Unknown`], [`FolderError::File`].
    pub fn remove(&self, name: &str) -> Result<(), FolderError> {
        if !self.names()?.iter().any(|known| known == name) {
            return Err(FolderError::Unknown(name.to_owned()));
        }
        let path = self.0.join(name);
        for beside in [digest_path(&path), passed_path(&path)] {
            match fs::remove_file(&beside) {
                Err(source) if source.kind() != io::ErrorKind::NotFound => {
                    return Err(FolderError::File { path: beside, source });
                }
                _ => {}
            }
        }
        fs::remove_file(&path).map_err(|source| FolderError::File { path, source })
    }

    fn names(&self) -> Result<Vec<String>, FolderError> {
        let at = |source| FolderError::File { path: self.0.clone(), source };
        let entries = match fs::read_dir(&self.0) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
            other => other.map_err(at)?,
        };
        let mut names = Vec::new();
        for entry in entries.take(FILES_MAX) {
            let entry = entry.map_err(at)?;
            let name = entry.file_name().to_string_lossy().into_owned();
            if is_model_name(&name) && entry.path().is_file() {
                names.push(name);
            }
        }
        names.sort();
        Ok(names)
    }

    fn found(&self, name: String) -> Found {
        let path = self.0.join(&name);
        let digest = fs::read_to_string(digest_path(&path)).ok();
        let digest = digest.and_then(|text| text.split_whitespace().next().map(str::to_owned));
        Found { header: Header::read(&path), digest, name, path }
    }
}

impl Found {
    /// What it is called as a model: its name without the suffix.
    #[must_use]
    pub fn model(&self) -> String {
        self.path.file_stem().unwrap_or_default().to_string_lossy().into_owned()
    }

    /// Reads the whole file and compares it with the digest that was noted; true where none was.
    ///
    /// # Errors
    /// When it cannot be read, or [`FolderError::Digest`].
    pub fn verify(&self) -> Result<(), FolderError> {
        let Some(expected) = self.digest.clone() else { return Ok(()) };
        let at = |source| FolderError::File { path: self.path.clone(), source };
        let found = digest_of(&self.path).map_err(at)?;
        if found == expected {
            Ok(())
        } else {
            Err(FolderError::Digest { name: self.name.clone(), expected, found })
        }
    }
}

fn is_model_name(name: &str) -> bool {
    !name.starts_with('.')
        && !name.contains(['/', '\\'])
        && Path::new(name).extension().is_some_and(|suffix| suffix.eq_ignore_ascii_case(SUFFIX))
}

fn digest_path(model: &Path) -> PathBuf {
    beside(model, DIGEST_SUFFIX)
}

/// Where it is noted that the model passed its trial; deleting it has the model tried out again.
pub(super) fn passed_path(model: &Path) -> PathBuf {
    beside(model, "passed")
}

fn beside(model: &Path, suffix: &str) -> PathBuf {
    let mut name = model.as_os_str().to_owned();
    name.push(".");
    name.push(suffix);
    name.into()
}

fn copy_hashed(from: &Path, into: &mut impl Write, progress: &mut impl FnMut(u64)) -> io::Result<String> {
    let (mut from, mut hasher, mut copied) = (File::open(from)?, Sha256::new(), 0);
    let mut buffer = vec![0; BUFFER_BYTES];
    loop {
        let read = from.read(&mut buffer)?;
        let piece = buffer.get(..read).unwrap_or_default();
        if piece.is_empty() {
            return Ok(hasher.finalize().iter().map(|byte| format!("{byte:02x}")).collect());
        }
        hasher.update(piece);
        into.write_all(piece)?;
        copied += piece.len() as u64;
        progress(copied);
    }
}

fn digest_of(file: &Path) -> io::Result<String> {
    copy_hashed(file, &mut io::sink(), &mut |_| ())
}
