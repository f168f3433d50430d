//! The customers of a tenant.
