//! `frontdesk setup`: a new setup link, in place of the one printed at the first start.

use serde_json::json;

use super::appliance::Appliance;
use super::{Failure, SettingsArguments, Shown};
use crate::telemetry::start_log;

/// Prints a new link while nobody has set the appliance up.
pub(super) fn run(arguments: &SettingsArguments, shown: Shown) -> Result<(), Failure> {
    let settings = arguments.load()?.settings;
    start_log(&settings.log)?;
    let address = settings.server.public_address(settings.server.https_listen.port());
    super::run_async(async move {
        let appliance = Appliance::open(&settings).await?;
        let Some(app) = &appliance.own else {
            let file = settings.store.data_dir.join(crate::app::SETUP_LINK_FILE);
            let link = std::fs::read_to_string(&file).map_err(|_| {
                Failure::new("The appliance is running and has been set up. Sign in at its address.")
            })?;
            print(shown, link.trim_end());
            return Ok(());
        };
        let link = app.issue_setup_link(&address).await?;
        appliance.close().await;
        let link =
            link.ok_or_else(|| Failure::new("The appliance has been set up. Sign in at its address."))?;
        print(shown, &link);
        Ok(())
    })
}

fn print(shown: Shown, link: &str) {
    shown.print(&json!({ "link": link }), link);
}
