//! Addresses to listen at, and networks to trust.

use super::{Form, Raw, Setting};
use crate::config::problem::Wrong;
use ipnet::IpNet;
use std::net::{IpAddr, SocketAddr};

impl Setting for SocketAddr {
    fn read(raw: &Raw) -> Result<Self, Wrong> {
        let text = raw.text(Form::SocketAddress)?;
        text.parse().map_err(|_| Wrong::Malformed {
            text: text.to_owned(),
            form: Form::SocketAddress,
        })
    }

    fn show(&self) -> toml::Value {
        toml::Value::String(self.to_string())
    }
}

impl Setting for IpNet {
    fn read(raw: &Raw) -> Result<Self, Wrong> {
        let text = raw.text(Form::Network)?;
        text.parse()
            .or_else(|_| text.parse::<IpAddr>().map(Self::from))
            .map(|network: Self| network.trunc())
            .map_err(|_| Wrong::Malformed {
                text: text.to_owned(),
                form: Form::Network,
            })
    }

    fn show(&self) -> toml::Value {
        toml::Value::String(self.to_string())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn network(text: &str) -> Result<String, Wrong> {
        IpNet::read(&Raw::Text(text.to_owned())).map(|network| network.to_string())
    }

    #[test]
    fn an_address_alone_is_a_network_of_one() {
        assert_eq!(network("192.0.2.7"), Ok("192.0.2.7/32".to_owned()));
        assert_eq!(network("2001:db8::1"), Ok("2001:db8::1/128".to_owned()));
    }

    #[test]
    fn the_host_part_of_a_network_is_dropped() {
        assert_eq!(network("10.1.2.3/8"), Ok("10.0.0.0/8".to_owned()));
        assert!(network("10.0.0.0/33").is_err());
    }

    #[test]
    fn an_address_to_listen_at_needs_a_port_and_no_name() {
        for text in ["127.0.0.1", "localhost:9001", ":9001", "::1:9001x"] {
            assert!(SocketAddr::read(&Raw::Text(text.to_owned())).is_err());
        }
        assert!(SocketAddr::read(&Raw::Text("[::]:0".to_owned())).is_ok());
    }
}
