//! Where a client is, and how many connections come from there.

use axum::http::{HeaderMap, HeaderName, header};
use handfast_core::limits::AGENT_BYTES;
use ipnet::IpNet;
use std::{
    collections::HashMap,
    net::{IpAddr, Ipv6Addr},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

const FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");

/// The client's address: the peer's, unless that is a trusted proxy, which says for whom it speaks.
///
/// Of the forwarded addresses the last one that no trusted proxy has is taken: what stands before it came from the
/// client and may be made up.
pub(crate) fn client_address(
    peer: IpAddr,
    headers: &HeaderMap,
    trusted_proxies: &[IpNet],
) -> IpAddr {
    let trusted = |address: &IpAddr| trusted_proxies.iter().any(|net| net.contains(address));
    let mut address = peer.to_canonical();
    let lines = headers.get_all(FORWARDED_FOR).iter();
    let lines: Vec<_> = lines.filter_map(|line| line.to_str().ok()).collect();
    let mut forwarded = lines.iter().rev().flat_map(|line| line.rsplit(','));
    while trusted(&address) {
        let Some(next) = forwarded.next() else { break };
        let Ok(next) = next.trim().parse::<IpAddr>() else {
            break;
        };
        address = next.to_canonical();
    }
    address
}

/// The client's description of itself, cut to its bound.
pub(crate) fn client_agent(headers: &HeaderMap) -> Box<str> {
    let agent = headers
        .get(header::USER_AGENT)
        .and_then(|agent| agent.to_str().ok())
        .unwrap_or_default();
    agent[..agent.floor_char_boundary(AGENT_BYTES)].into()
}

/// How many connections may come from one address; `None` lifts a limit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AddressLimits {
    /// All of them.
    pub connections: Option<u32>,
    /// The ones that are not authenticated.
    pub unauthenticated: Option<u32>,
}

/// The connections of each address. An IPv6 client has a whole /64 to choose from, so that counts as one.
#[derive(Debug)]
pub(crate) struct Addresses(Mutex<HashMap<IpAddr, Counts>>);

#[derive(Debug, Default)]
struct Counts {
    connections: u32,
    unauthenticated: u32,
}

/// One connection's place among those of its address, given back when dropped.
#[derive(Debug)]
pub(crate) struct Place {
    addresses: Arc<Addresses>,
    address: IpAddr,
    standing: Standing,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Standing {
    Unauthenticated,
    Authenticated,
    /// There was no place. The connection is only told so, and not counted.
    Uncounted,
}

impl Addresses {
    pub(crate) fn new() -> Self {
        Self(Mutex::default())
    }

    /// A place within `limits` for one more connection, which is not authenticated.
    ///
    /// # Errors
    /// If there are too many: a place that counts for nothing, for a connection that is closed at once.
    pub(crate) fn enter(
        self: &Arc<Self>,
        address: IpAddr,
        limits: AddressLimits,
    ) -> Result<Place, Place> {
        let mut counts = self.counts();
        let of_block = counts.entry(block(address)).or_default();
        let full = |limit: Option<u32>, count| limit.is_some_and(|limit| count >= limit);
        let too_many = full(limits.connections, of_block.connections)
            || full(limits.unauthenticated, of_block.unauthenticated);
        let place = |standing| Place {
            addresses: Arc::clone(self),
            address,
            standing,
        };
        if too_many {
            return Err(place(Standing::Uncounted));
        }
        of_block.connections += 1;
        of_block.unauthenticated += 1;
        Ok(place(Standing::Unauthenticated))
    }

    /// Counting cannot panic half-way.
    fn counts(&self) -> MutexGuard<'_, HashMap<IpAddr, Counts>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Place {
    pub(crate) fn address(&self) -> IpAddr {
        self.address
    }

    /// Notes whether the connection is authenticated now.
    pub(crate) fn set_authenticated(&mut self, authenticated: bool) {
        let standing = match (self.standing, authenticated) {
            (Standing::Unauthenticated, true) => Standing::Authenticated,
            (Standing::Authenticated, false) => Standing::Unauthenticated,
            (Standing::Unauthenticated | Standing::Authenticated | Standing::Uncounted, _) => {
                return;
            }
        };
        self.standing = standing;
        if let Some(counts) = self.addresses.counts().get_mut(&block(self.address)) {
            counts.unauthenticated = match standing {
                Standing::Unauthenticated => counts.unauthenticated.saturating_add(1),
                Standing::Authenticated | Standing::Uncounted => {
                    counts.unauthenticated.saturating_sub(1)
                }
            };
        }
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.set_authenticated(true);
        if self.standing == Standing::Uncounted {
            return;
        }
        let block = block(self.address);
        let mut counts = self.addresses.counts();
        if let Some(of_block) = counts.get_mut(&block) {
            of_block.connections = of_block.connections.saturating_sub(1);
            if of_block.connections == 0 {
                counts.remove(&block);
            }
        }
    }
}

/// What counts as one address: of IPv6 a client has a whole /64 to choose from.
pub(crate) fn block(address: IpAddr) -> IpAddr {
    match address {
        IpAddr::V4(_) => address,
        IpAddr::V6(v6) => Ipv6Addr::from_bits(v6.to_bits() & (u128::MAX << 64)).into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(forwarded: &[&str]) -> HeaderMap {
        forwarded
            .iter()
            .map(|value| (FORWARDED_FOR, value.parse().unwrap()))
            .collect()
    }

    fn address(text: &str) -> IpAddr {
        text.parse().unwrap()
    }

    #[test]
    fn a_stranger_is_not_believed_about_its_address() {
        let headers = headers(&["9.9.9.9"]);
        assert_eq!(
            client_address(address("1.2.3.4"), &headers, &[]),
            address("1.2.3.4")
        );
        let proxies = ["10.0.0.0/8".parse().unwrap()];
        assert_eq!(
            client_address(address("1.2.3.4"), &headers, &proxies),
            address("1.2.3.4")
        );
    }

    #[test]
    fn of_a_chain_of_trusted_proxies_the_first_stranger_from_the_right_counts() {
        let proxies = ["10.0.0.0/8".parse().unwrap()];
        let headers = headers(&["6.6.6.6, 9.9.9.9", "10.0.0.2"]);
        assert_eq!(
            client_address(address("10.0.0.1"), &headers, &proxies),
            address("9.9.9.9")
        );
    }

    #[test]
    fn a_forwarded_address_that_is_none_leaves_the_proxy_to_answer_for_it() {
        let proxies = ["10.0.0.0/8".parse().unwrap()];
        assert_eq!(
            client_address(
                address("10.0.0.1"),
                &headers(&["9.9.9.9, unknown"]),
                &proxies
            ),
            address("10.0.0.1")
        );
    }

    #[test]
    fn an_address_has_only_so_many_connections_and_gets_them_back() {
        let limits = AddressLimits {
            connections: Some(2),
            unauthenticated: Some(1),
        };
        let addresses = Arc::new(Addresses::new());
        let mut first = addresses.enter(address("1.2.3.4"), limits).unwrap();
        assert!(
            addresses.enter(address("1.2.3.4"), limits).is_err(),
            "one is not authenticated yet"
        );
        first.set_authenticated(true);
        let second = addresses.enter(address("1.2.3.4"), limits).unwrap();
        assert!(
            addresses.enter(address("1.2.3.4"), limits).is_err(),
            "two are all"
        );
        assert!(
            addresses.enter(address("1.2.3.5"), limits).is_ok(),
            "another address has its own"
        );
        drop(second);
        assert!(addresses.enter(address("1.2.3.4"), limits).is_ok());
        drop(first);
        assert!(
            addresses.counts().is_empty(),
            "an address without connections is forgotten"
        );
    }

    #[test]
    fn all_addresses_of_one_ipv6_network_count_as_one() {
        let limits = AddressLimits {
            connections: Some(1),
            unauthenticated: None,
        };
        let addresses = Arc::new(Addresses::new());
        let _first = addresses.enter(address("2001:db8:1:2::1"), limits).unwrap();
        assert!(
            addresses
                .enter(address("2001:db8:1:2:ffff::9"), limits)
                .is_err()
        );
        assert!(addresses.enter(address("2001:db8:1:3::1"), limits).is_ok());
    }
}
