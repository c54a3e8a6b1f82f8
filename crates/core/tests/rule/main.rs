//! The session rule against the table that it was written from, against every short history of a small world, and
//! against long random ones.

mod honest;
mod record;
mod reference;
mod search;
mod table;
mod thief;
mod world;
