//! People, from a credential to a pass.
