//! Accounts, passwords, sign-in sessions, API keys, roles, and the passes they earn.
