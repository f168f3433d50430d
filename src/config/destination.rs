//! Where a setting would have something sent: what the allow-list and an air-gapped start ask of every table that names a
//! server.

use url::Url;

use super::host_address::is_this_machine;

/// A server that a table of the settings names.
#[derive(Debug, Clone)]
pub(super) struct Destination<'a> {
    /// The table, such as `ai.provider`, or the setting, such as `mail.host`.
    pub(super) table: &'static str,
    /// What the table calls it.
    pub(super) name: &'a str,
    /// Where it is.
    pub(super) url: Url,
}

impl Destination<'_> {
    /// Which one it is, as the settings file has it.
    pub(super) fn shown(&self) -> String {
        let (table, name) = (self.table, self.name);
        if table == super::mail::HOST {
            format!("{table} \"{name}\"")
        } else {
            format!("the [[{table}]] \"{name}\"")
        }
    }

    /// Whether it is on this machine, so that asking it sends nothing over a network.
    pub(super) fn is_here(&self) -> bool {
        self.url.host().is_some_and(|host| is_this_machine(&host))
    }

    /// Its host and port, as people write them.
    pub(super) fn place(&self) -> String {
        let host = self.url.host_str().unwrap_or_default();
        self.url.port().map_or_else(|| host.to_owned(), |port| format!("{host}:{port}"))
    }
}
