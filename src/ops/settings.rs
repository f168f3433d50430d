//! What the site has set about backups.

use std::path::PathBuf;

use super::{Retention, Schedule};
use crate::archive::Protection;

/// Where backups go, when, how many are kept, and to whom they are sealed.
#[derive(Debug, Clone)]
pub struct Settings {
    /// The folder.
    pub folder: PathBuf,
    /// When they are made.
    pub schedule: Schedule,
    /// Which are kept.
    pub retention: Retention,
    /// What they are sealed with.
    pub protection: Protection,
    /// The settings file in use, which goes into them.
    pub configuration: Option<PathBuf>,
}
