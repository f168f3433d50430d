//! Settings: appliance.toml, then the site's file, then FRONTDESK_* variables, then flags.
