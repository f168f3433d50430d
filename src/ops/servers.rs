//! What answers for the appliance: the models inside, in the data directory and on servers, and the mail server.

use std::time::Duration;

use super::Finding;
use crate::ai::local;
use crate::base::Fault as _;
use crate::config::Settings;
use crate::notify::mail::{self, Mail};
use crate::outbound::{Error, Limits, Outbound, Request};
use crate::search::embedder::MiniLm;

/// Servers that are asked.
const SERVERS_MAX: usize = 16;
const LIMITS: Limits = Limits {
    first_byte: Duration::from_secs(3),
    between_pieces: Duration::from_secs(2),
    whole: Duration::from_secs(4),
    answer_bytes_max: 1 << 20,
};

/// The model of search by meaning that is inside the program. Blocks while it is loaded.
pub(super) fn embedding() -> Finding {
    const NAME: &str = "embedding_model";
    match MiniLm::bundled() {
        Ok(_) => Finding::ok(NAME, "The model of search by meaning loads."),
        Err(error) => {
            let detail = format!("The model of search by meaning does not load: {error}.");
            Finding::failed(NAME, detail, "The program is damaged: install it again.")
        }
    }
}

/// The language model in the data directory.
pub(super) fn local_model(settings: &Settings) -> Finding {
    const NAME: &str = "local_model";
    const FIX: &str =
        "See `frontdesk model list`; remove what cannot be used, or name another in local_model.file.";
    match local::Folder::of(&settings.store.data_dir).choose(&settings.local_model.file) {
        Ok(None) => Finding::ok(NAME, "There is none; the documents are quoted, or a provider answers."),
        Ok(Some(found)) => match found.header {
            Ok(_) => Finding::ok(NAME, format!("{} can be used.", found.name)),
            Err(error) => Finding::warning(NAME, format!("{} cannot be used: {error}.", found.name), FIX),
        },
        Err(error) => Finding::failed(NAME, format!("{error}."), FIX),
    }
}

/// Asks each server that the settings name whether it is there, where the settings allow that. What it answers does not matter, and
/// no key is sent.
pub async fn providers(settings: &Settings, outbound: &Outbound) -> Vec<Finding> {
    const NAME: &str = "provider";
    let asked = settings.servers().into_iter().take(SERVERS_MAX).map(|(table, name, url)| async move {
        let shown = format!("\"{name}\" ([[{table}]])");
        match outbound.send(Request::get(url, "ops.doctor").limits(LIMITS)).await {
            Ok(_)
            | Err(
                Error::Status { .. }
                | Error::Redirected { .. }
                | Error::TooLarge { .. }
                | Error::Broken { .. },
            ) => Finding::ok(NAME, format!("{shown} answers.")),
            Err(error) => {
                let fix =
                    format!("Check its base_url and outbound.allow, then try it: frontdesk ai check {name}");
                Finding::warning(NAME, format!("{shown}: {}", error.public()), fix)
            }
        }
    });
    futures_util::future::join_all(asked).await
}

/// Connects to the mail server and signs in, where the settings name one; sends nothing.
pub async fn mail_server(mail: &Mail, outbound: &Outbound) -> Finding {
    const NAME: &str = "mail";
    const FIX: &str = "Mend the section [mail], then try it: frontdesk mail test you@example.com";
    match mail::check(mail, outbound).await {
        Ok(report) if report.ok => Finding::ok(NAME, format!("{} takes letters.", report.server)),
        Ok(report) => Finding::warning(NAME, report.problem.unwrap_or_default(), FIX),
        Err(mail::Error::NotSetUp) => Finding::ok(NAME, "No mail is sent; links are handed over by hand."),
        Err(error) => Finding::warning(NAME, error.public(), FIX),
    }
}
