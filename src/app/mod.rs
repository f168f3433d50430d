//! Builds every service and wires the news; the only place that picks real adapters.
//!
//! [`App::open`] takes the data directory's lock, opens the store, begins the background work and hands out the router.
//! It opens no port: whoever serves does. [`App::stop`] drains it; what was cut off goes on at the next start. What the settings
//! describe is made into models in `language_models` and `search_models`; the commands that try models out make them the same way.

mod appliance;
mod ground;
mod language_models;
mod mind;
mod operations;
mod search_models;
mod settings;

pub use appliance::{App, SETUP_LINK_FILE};
pub use language_models::{local_model, model};
pub use operations::Mode;
pub use search_models::{embedder, max_sim, reranker};
pub use settings::{mail, outbound, passphrase};
