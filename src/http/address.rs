//! How people reach the appliance: what links begin with.

use std::sync::Arc;

use parking_lot::RwLock;

/// The appliance's address, without a path: `https://desk.example.com`. What the settings say until the port is known that is
/// really listened on. Cheap to clone.
#[derive(Debug, Clone)]
pub struct PublicAddress(Arc<RwLock<String>>);

impl PublicAddress {
    /// This address, until it is known better.
    #[must_use]
    pub fn new(address: String) -> Self {
        Self(Arc::new(RwLock::new(address)))
    }

    /// As it is from now on.
    pub fn set(&self, address: String) {
        *self.0.write() = address;
    }

    /// As it is now.
    #[must_use]
    pub fn get(&self) -> String {
        self.0.read().clone()
    }
}
