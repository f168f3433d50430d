//! A key of a model's server, from wherever it is kept: in the settings themselves, in a variable, or in a file of its own.

use std::path::Path;

use crate::base::Secret;

const KEY_BYTES_MAX: u64 = 16 << 10;

/// Where a key may stand in the settings of the model called `name`.
pub(super) struct KeyPlaces<'a> {
    pub(super) name: &'a str,
    pub(super) api_key: &'a mut Option<Secret>,
    pub(super) api_key_env: Option<&'a str>,
    pub(super) api_key_file: Option<&'a Path>,
}

impl KeyPlaces<'_> {
    /// Takes in the key.
    pub(super) fn find(self, environment: &[(String, String)]) -> Result<(), String> {
        let Self { name, api_key, api_key_env, api_key_file } = self;
        let places = usize::from(api_key.is_some())
            + usize::from(api_key_env.is_some())
            + usize::from(api_key_file.is_some());
        if places > 1 {
            return Err(format!("the key of \"{name}\" is given more than once"));
        }
        if let Some(wanted) = api_key_env {
            let found = environment.iter().find(|(variable, _)| variable == wanted);
            let (_, key) = found.ok_or_else(|| format!("the variable {wanted} is not set"))?;
            *api_key = Some(Secret::new(key.trim().to_owned()));
        }
        if let Some(path) = api_key_file {
            *api_key = Some(read(path).map_err(|error| format!("{}: {error}", path.display()))?);
        }
        match api_key {
            Some(key) if key.is_empty() => Err(format!("the key of \"{name}\" is empty")),
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
