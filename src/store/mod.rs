//! Where everything is kept: a redb file for the system and one for each tenant.
