//! The flags that every command takes, and the settings that come of them.

use std::path::PathBuf;

use clap::Args;

use super::Failure;
use crate::config::{FlagValue, Loaded, Sources, load};

/// Where a settings file is looked for when none is named.
const USUAL_FILES: [&str; 2] = ["appliance.toml", "/etc/frontdesk/appliance.toml"];

/// Flags for settings.
#[derive(Debug, Clone, Default, Args)]
pub struct SettingsArguments {
    /// The settings file [default: appliance.toml here, or in /etc/frontdesk]
    #[arg(long, global = true, help_heading = "Settings", value_name = "FILE")]
    pub config: Option<PathBuf>,
    /// Where everything is kept (`store.data_dir`)
    #[arg(long, global = true, help_heading = "Settings", value_name = "FOLDER")]
    pub data_dir: Option<String>,
    /// The address and port to serve HTTPS on (`server.https_listen`)
    #[arg(long, global = true, help_heading = "Settings", value_name = "ADDRESS:PORT")]
    pub listen: Option<String>,
    /// How people reach the appliance (`server.public_url`)
    #[arg(long, global = true, help_heading = "Settings", value_name = "URL")]
    pub public_url: Option<String>,
    /// Any other setting, such as log.level=debug; may be repeated
    #[arg(long, global = true, help_heading = "Settings", value_name = "SECTION.KEY=VALUE")]
    pub set: Vec<String>,
}

impl SettingsArguments {
    /// Reads the settings: these flags over the environment over the file over the defaults.
    ///
    /// # Errors
    /// Everything that is wrong with them.
    pub fn load(&self) -> Result<Loaded, Failure> {
        Ok(load(&self.sources()?)?)
    }

    /// Where the settings are read from.
    pub(super) fn sources(&self) -> Result<Sources, Failure> {
        Ok(Sources {
            file: self.config.clone(),
            usual_files: USUAL_FILES.map(PathBuf::from).to_vec(),
            environment: environment(),
            flags: self.flags()?,
        })
    }

    fn flags(&self) -> Result<Vec<FlagValue>, Failure> {
        let named = [
            ("--data-dir", "store.data_dir", &self.data_dir),
            ("--listen", "server.https_listen", &self.listen),
            ("--public-url", "server.public_url", &self.public_url),
        ];
        let named = named.into_iter().filter_map(|(flag, key, text)| {
            text.clone().map(|text| FlagValue { flag: flag.to_owned(), key: key.to_owned(), text })
        });
        let mut flags: Vec<_> = named.collect();
        for pair in &self.set {
            let (key, text) = pair
                .split_once('=')
                .ok_or_else(|| Failure::new(format!("--set {pair}: write --set section.key=value.")))?;
            flags.push(FlagValue { flag: "--set".to_owned(), key: key.to_owned(), text: text.to_owned() });
        }
        Ok(flags)
    }
}

/// Variables that are not text are no settings of ours.
fn environment() -> Vec<(String, String)> {
    std::env::vars_os()
        .filter_map(|(name, text)| Some((name.into_string().ok()?, text.into_string().ok()?)))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn flags_name_the_settings_they_stand_for() {
        let arguments = SettingsArguments {
            listen: Some("127.0.0.1:1".into()),
            set: vec!["log.level=debug,a=b".into()],
            ..SettingsArguments::default()
        };
        let flags = arguments.flags().unwrap();
        let keys: Vec<_> = flags.iter().map(|flag| (flag.key.as_str(), flag.text.as_str())).collect();
        assert_eq!(keys, [("server.https_listen", "127.0.0.1:1"), ("log.level", "debug,a=b")]);
        let broken = SettingsArguments { set: vec!["log.level".into()], ..SettingsArguments::default() };
        assert!(broken.flags().is_err());
    }
}
