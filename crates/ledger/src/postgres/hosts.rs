//! The hosts of a URL, one after the other.

use std::{
    sync::atomic::{AtomicUsize, Ordering},
    time::Duration,
};
use tokio::time::timeout;
use tokio_postgres::{Config, config::Host};

/// How long one host may take until it takes statements, with all its addresses and TLS.
const HOST_PATIENCE: Duration = Duration::from_secs(5);

/// How to connect to each host alone. Each has its own time: one that takes connections and says nothing, as where its
/// disk hangs, would use up that of all behind it.
#[derive(Debug)]
pub(crate) struct Hosts {
    each: Vec<Config>,
    /// Which one is tried first: the one that took the last connection, or the one behind the last that did not.
    first: AtomicUsize,
}

impl Hosts {
    pub(super) fn of(all: &Config) -> Self {
        let count = all.get_hosts().len();
        Self {
            each: (0..count).map(|index| alone(all, index)).collect(),
            first: AtomicUsize::new(0),
        }
    }

    /// What `connect` makes of the first host that is reached; of none, what the last one said or `slow` of it.
    pub(crate) async fn connect<T, E, F: Future<Output = Result<T, E>>>(
        &self,
        connect: impl Fn(Config) -> F,
        slow: impl Fn() -> E,
    ) -> Result<T, E> {
        let mut failure = slow();
        let first = self.first.load(Ordering::Relaxed);
        for step in 0..self.each.len() {
            let index = (first + step) % self.each.len();
            // Whoever waits may give up in the middle, and goes on behind this one the next time.
            let next = (index + 1) % self.each.len();
            self.first.store(next, Ordering::Relaxed);
            match timeout(HOST_PATIENCE, connect(self.each[index].clone())).await {
                Ok(Ok(connected)) => {
                    self.first.store(index, Ordering::Relaxed);
                    return Ok(connected);
                }
                Ok(Err(why)) => failure = why,
                Err(_) => failure = slow(),
            }
        }
        Err(failure)
    }
}

/// All that is said, of one host.
fn alone(all: &Config, index: usize) -> Config {
    let mut one = Config::new();
    match all.get_hosts().get(index) {
        Some(Host::Tcp(name)) => drop(one.host(name)),
        Some(Host::Unix(folder)) => drop(one.host_path(folder)),
        None => {}
    }
    if let Some(address) = all.get_hostaddrs().get(index) {
        one.hostaddr(*address);
    }
    // One port may be for all hosts.
    let ports = all.get_ports();
    if let Some(port) = ports.get(index).or_else(|| ports.first()) {
        one.port(*port);
    }
    if let Some(user) = all.get_user() {
        one.user(user);
    }
    if let Some(password) = all.get_password() {
        one.password(password);
    }
    if let Some(name) = all.get_dbname() {
        one.dbname(name);
    }
    if let Some(options) = all.get_options() {
        one.options(options);
    }
    if let Some(name) = all.get_application_name() {
        one.application_name(name);
    }
    if let Some(timeout) = all.get_connect_timeout() {
        one.connect_timeout(*timeout);
    }
    if let Some(timeout) = all.get_tcp_user_timeout() {
        one.tcp_user_timeout(*timeout);
    }
    if let Some(interval) = all.get_keepalives_interval() {
        one.keepalives_interval(interval);
    }
    if let Some(retries) = all.get_keepalives_retries() {
        one.keepalives_retries(retries);
    }
    one.keepalives(all.get_keepalives())
        .keepalives_idle(all.get_keepalives_idle())
        .ssl_mode(all.get_ssl_mode())
        .ssl_negotiation(all.get_ssl_negotiation())
        .target_session_attrs(all.get_target_session_attrs())
        .channel_binding(all.get_channel_binding())
        .load_balance_hosts(all.get_load_balance_hosts());
    one
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::PostgresUrl;

    fn config(text: &str) -> Config {
        text.parse::<PostgresUrl>().unwrap().config
    }

    #[test]
    fn each_host_is_connected_to_as_the_url_says() {
        let parameters = "hostaddr=192.0.2.1&connect_timeout=9&tcp_user_timeout=9&keepalives=0&keepalives_idle=9\
            &keepalives_interval=9&keepalives_retries=9&options=-cx%3Dy&application_name=auth&target_session_attrs=any\
            &channel_binding=disable&load_balance_hosts=random&sslnegotiation=direct&sslmode=require";
        let one = config(&format!("postgres://ada:secret@one:5433/auth?{parameters}"));
        assert_eq!(Hosts::of(&one).each, [one]);
        let both = config("postgres://ada@one,two:5433/auth");
        let alone = [
            "postgres://ada@one:5432/auth",
            "postgres://ada@two:5433/auth",
        ];
        assert_eq!(Hosts::of(&both).each, alone.map(config));
        let shared = config("postgres://ada@/auth?host=one&host=two&port=5433");
        let alone = [
            "postgres://ada@one:5433/auth",
            "postgres://ada@two:5433/auth",
        ];
        assert_eq!(Hosts::of(&shared).each, alone.map(config));
    }
}
