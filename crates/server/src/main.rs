//! handfast as a program: session authentication for WebSockets with one command.

mod admin;
mod audit;
mod cli;
mod config;
mod data;
mod descriptors;
mod logging;
mod pages;
mod serve;
mod time;
mod traces;

use std::process::ExitCode;

#[global_allocator]
static ALLOCATOR: tikv_jemallocator::Jemalloc = tikv_jemallocator::Jemalloc;

fn main() -> ExitCode {
    cli::run(std::env::args_os(), config::Environment::of_process())
}
