//! Workspaces, from the setup link on.
