//! `frontdesk config check`: each setting with where its value comes from; fails when something is wrong, and
//! notes what is not wrong and yet will not do what it seems to.

use std::io::Write as _;

use serde_json::{Value, json};

use super::{Failure, SettingsArguments, Shown};
use crate::base::Fault as _;
use crate::config::{self, Loaded, Problem};

/// Shows the settings.
pub(super) fn run(arguments: &SettingsArguments, shown: Shown) -> Result<(), Failure> {
    let sources = arguments.sources()?;
    let loaded = config::load(&sources);
    if shown.json {
        shown.print(&line(&loaded), "");
    }
    let loaded = loaded?;
    if shown.json {
        return Ok(());
    }
    let file = loaded.file.map_or("no file".to_owned(), |file| file.display().to_string());
    let mut output = std::io::stdout().lock();
    // Who closed the output, as a pager does, has seen enough.
    let _ = writeln!(output, "{}", config::table(&loaded.values));
    for notice in &loaded.notices {
        let _ = writeln!(output, "Take note: {notice}");
    }
    let _ = writeln!(output, "Settings are fine ({file}).");
    Ok(())
}

/// For programs: the settings, or what is wrong with them.
fn line(loaded: &Result<Loaded, config::Error>) -> Value {
    match loaded {
        Ok(loaded) => {
            let settings: Vec<_> = loaded
                .values
                .iter()
                .map(|one| json!({ "key": one.key, "value": one.shown, "origin": one.origin.to_string() }))
                .collect();
            json!({ "ok": true, "file": loaded.file, "settings": settings, "notices": problems(&loaded.notices) })
        }
        Err(config::Error::Wrong(found)) => json!({ "ok": false, "problems": problems(found) }),
        Err(other) => {
            json!({ "ok": false, "problems": [{ "key": "", "origin": "", "reason": other.public() }] })
        }
    }
}

fn problems(found: &[Problem]) -> Vec<Value> {
    let shown =
        |one: &Problem| json!({ "key": one.key, "origin": one.origin.to_string(), "reason": one.reason });
    found.iter().map(shown).collect()
}
