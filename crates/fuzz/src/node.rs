//! A node in memory, one for each thread, that admits nobody: so nothing that it does depends on another thread.

use handfast::{
    Builder, Handfast, Settings,
    credentials::{Admitted, Answering, Credentials, Login, LoginRefused},
    keys::{Algorithm, KeyRing, LiveKeys},
};
use handfast_core::{message::Secret, time::Timestamp};
use handfast_ledger::Memory;
use std::sync::Arc;
use tokio::runtime::Runtime;

/// A node, and the runtime that it lives in.
pub(crate) struct Node {
    pub(crate) handfast: Handfast,
    pub(crate) runtime: Runtime,
}

/// Whoever logs in has the wrong password.
struct Nobody;

fn refused<'a, T: Send + 'a>() -> Answering<'a, T> {
    Box::pin(std::future::ready(Err(LoginRefused::InvalidPassword)))
}

impl Credentials for Nobody {
    fn login<'a>(&'a self, _: Login<'a>) -> Answering<'a, Admitted> {
        refused()
    }

    fn register<'a>(&'a self, _: Login<'a>) -> Answering<'a, Admitted> {
        refused()
    }

    fn change_password<'a>(&'a self, _: Login<'a>, _: &'a Secret) -> Answering<'a, ()> {
        refused()
    }
}

impl Node {
    pub(crate) fn start(change: impl FnOnce(&mut Settings)) -> Self {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .expect("a runtime");
        let now = Timestamp::from_unix(1_800_000_000);
        let keys = Arc::new(LiveKeys::new(KeyRing::ephemeral(Algorithm::Hs256, now)));
        let mut settings = Settings::default();
        settings.rates.logins_per_account = None;
        settings.rates.logins_per_address = None;
        settings.addresses.connections = None;
        settings.addresses.unauthenticated = None;
        change(&mut settings);
        let handfast = {
            let _context = runtime.enter();
            Builder::new(Memory::new(), Arc::new(Nobody), keys)
                .settings(settings)
                .start()
                .expect("a node in memory")
        };
        Self { handfast, runtime }
    }
}
