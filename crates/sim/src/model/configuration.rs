//! The models that are checked.
