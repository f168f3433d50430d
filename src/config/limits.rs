//! `[limits]`: how much of what is allowed.

use serde::Deserialize;

use super::settings::Finding;

/// Rates and sizes. None may be 0.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Limits {
    /// Requests from one address.
    pub requests_per_minute_per_address: u32,
    /// Requests from one visitor, member or API key.
    pub requests_per_minute_per_caller: u32,
    /// Requests to one workspace.
    pub requests_per_minute_per_workspace: u32,
    /// Attempts to set up, to sign in, to prove, change or reset a password or a code.
    pub sign_ins_per_minute_per_address: u32,
    /// New visitors from one address.
    pub visitors_per_hour_per_address: u32,
    /// Pictures sent from one address.
    pub images_per_hour_per_address: u32,
    /// The largest body that is not an upload.
    pub body_bytes_max: usize,
    /// The largest import of a workspace, unpacked.
    pub import_bytes_max: u64,
    /// How long a request may take.
    pub request_timeout_s: u64,
    /// Requests under way at a time.
    pub requests_under_way_max: usize,
}

impl Limits {
    pub(super) fn check(&self) -> Vec<Finding> {
        let body_bytes_max = u64::try_from(self.body_bytes_max).unwrap_or(u64::MAX);
        let under_way_max = u64::try_from(self.requests_under_way_max).unwrap_or(u64::MAX);
        let numbers = [
            ("limits.requests_per_minute_per_address", self.requests_per_minute_per_address.into()),
            ("limits.requests_per_minute_per_caller", self.requests_per_minute_per_caller.into()),
            ("limits.requests_per_minute_per_workspace", self.requests_per_minute_per_workspace.into()),
            ("limits.sign_ins_per_minute_per_address", self.sign_ins_per_minute_per_address.into()),
            ("limits.visitors_per_hour_per_address", self.visitors_per_hour_per_address.into()),
            ("limits.images_per_hour_per_address", self.images_per_hour_per_address.into()),
            ("limits.body_bytes_max", body_bytes_max),
            ("limits.import_bytes_max", self.import_bytes_max),
            ("limits.request_timeout_s", self.request_timeout_s),
            ("limits.requests_under_way_max", under_way_max),
        ];
        let zeros = numbers.into_iter().filter(|(_, number)| *number == 0);
        zeros.map(|(key, _)| (key, "at least 1".to_owned())).collect()
    }
}
