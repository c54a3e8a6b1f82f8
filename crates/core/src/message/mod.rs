//! The messages of the protocol: what clients ask, and what the server answers.

mod answer;
mod fields;
mod request;

pub use answer::{Answer, Carried, Grant, ListedSession};
pub use request::{
    Credentials, Envelope, InvalidReason, InvalidRequest, Request, RequestId, Secret,
};
