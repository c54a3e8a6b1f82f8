//! The commands of the program, run as a shell would run them.

mod config;
mod doctor;
mod keys;
mod program;
mod token;
mod user;
