//! A model's key, or another secret, from wherever it is kept: in the table itself, in a variable, or in a file.

use std::path::Path;

use crate::base::Secret;

const KEY_BYTES_MAX: u64 = 16 << 10;

/// The places where a table may say its key is.
pub(super) struct KeyPlaces<'a> {
    /// What it is, such as `the key of "gpt"`.
    pub(super) what: &'a str,
    /// The key itself; the one that is found is put here.
    pub(super) key: &'a mut Option<Secret>,
    /// The variable that holds it.
    pub(super) variable: Option<&'a str>,
    /// The file that holds it and nothing else.
    pub(super) file: Option<&'a Path>,
}

impl KeyPlaces<'_> {
    /// Takes in the key, if there is one.
    ///
    /// # Errors
    /// A sentence that says what is wrong: given twice, not there, or empty.
    pub(super) fn find(self, environment: &[(String, String)]) -> Result<(), String> {
        let Self { what, key, variable, file } = self;
        let places =
            usize::from(key.is_some()) + usize::from(variable.is_some()) + usize::from(file.is_some());
        if places > 1 {
            return Err(format!("{what} is given more than once"));
        }
        if let Some(variable) = variable {
            let found = environment.iter().find(|(one, _)| one == variable);
            let (_, text) = found.ok_or_else(|| format!("the variable {variable} is not set"))?;
            *key = Some(Secret::new(text.trim().to_owned()));
        }
        if let Some(path) = file {
            *key = Some(read(path).map_err(|error| format!("{}: {error}", path.display()))?);
        }
        match key {
            Some(key) if key.is_empty() => Err(format!("{what} is empty")),
            _ => Ok(()),
        }
    }
}

fn read(path: &Path) -> std::io::Result<Secret> {
    use std::io::Read as _;
    let mut text = String::new();
    std::fs::File::open(path)?.take(KEY_BYTES_MAX).read_to_string(&mut text)?;
    Ok(Secret::new(text.trim().to_owned()))
}
