//! What fuzzing reaches past the sockets. It is no part of the interface, and changes as it likes.

use crate::{
    Handfast,
    address::AddressLimits,
    driver::{Accepted, Driver},
    proof::{self, Nonces, Occasion},
    trace::Agent,
};
use handfast_core::{framing::Framing, session::Thumbprint, time::Timestamp};
use std::{
    net::{IpAddr, Ipv4Addr},
    sync::Arc,
};
use tokio::io::{AsyncRead, AsyncWrite};

const NO_LIMITS: AddressLimits = AddressLimits {
    connections: None,
    unauthenticated: None,
};
const LOCALHOST: IpAddr = IpAddr::V4(Ipv4Addr::LOCALHOST);

impl Handfast {
    /// The connection that an upgrade makes of a stream. It has to be polled in the context of a runtime.
    pub fn connection_on<S>(&self, framing: Framing, stream: S) -> impl Future<Output = ()> + use<S>
    where
        S: AsyncRead + AsyncWrite + Unpin,
    {
        let node = Arc::clone(&self.node);
        let place = node.addresses.enter(LOCALHOST, NO_LIMITS);
        let accepted = Accepted {
            framing,
            host: "localhost".into(),
            place: place.unwrap_or_else(|place| place),
            agent: Agent::new(Box::default(), None),
            seat: node.hub.seat(),
            arrival: None,
        };
        Driver::new(node, stream, accepted)
    }

    /// Whether a text is a ticket of this node at `now`.
    #[must_use]
    pub fn takes_ticket(&self, text: &str, now: Timestamp) -> bool {
        self.node.tokens.verify_ticket(text, now).is_some()
    }
}

/// Proofs for one connection of a node that is not there.
#[derive(Debug)]
pub struct Proofs(Nonces);

/// The number of the connection that proofs are made for.
const CONNECTION: u64 = 7;

impl Proofs {
    /// With a nonce that nobody knows yet.
    #[must_use]
    #[expect(clippy::new_without_default, reason = "each is another one")]
    pub fn new() -> Self {
        Self(Nonces::new())
    }

    /// The nonce of the connection, to this host.
    #[must_use]
    pub fn nonce(&self, host: &str) -> String {
        self.0.of(CONNECTION, host)
    }

    /// The thumbprint of the key that made a proof for this connection and token.
    #[must_use]
    pub fn verify(&self, proof: &str, token: &str) -> Option<Thumbprint> {
        let occasion = Occasion {
            token,
            nonces: &self.0,
            connection: CONNECTION,
        };
        proof::verify(proof, occasion)
    }
}
