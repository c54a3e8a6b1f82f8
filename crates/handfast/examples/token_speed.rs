//! How many tokens one core signs and verifies in a second, by algorithm.
//!
//! `cargo run --release -p handfast --example token_speed`
#![expect(clippy::print_stdout, reason = "the table is what it is run for")]

use handfast::{
    clock::SystemClock,
    keys::{Algorithm, KeyRing, LiveKeys},
    random,
    token::TokenIssuer,
};
use handfast_core::{
    message::Grant,
    session::Generation,
    time::{Clock as _, Timestamp},
};
use std::{hint::black_box, sync::Arc, time::Duration};

const ROUNDS: u32 = 20_000;
const NOW: Timestamp = Timestamp::from_unix(1_800_000_000);

fn main() {
    let clock = SystemClock::start();
    println!("algorithm   sign µs   verify µs   pairs/s");
    for algorithm in Algorithm::ALL {
        let keys = Arc::new(LiveKeys::new(KeyRing::ephemeral(algorithm, NOW)));
        let issuer = TokenIssuer::new(keys, "handfast", "handfast");
        let grant = Grant {
            session: random::session_id(),
            generation: Generation::FIRST,
            issued_at: NOW,
            expires_at: NOW.after(Duration::from_secs(7 * 86_400)),
            refresh_at: NOW,
        };
        let sign = || issuer.sign("anna", &grant, &random::token_id(), NOW);
        let token = sign();
        let signing = time(&clock, || drop(black_box(sign())));
        let verifying = time(&clock, || {
            let verified = issuer.verify(black_box(token.expose()), NOW);
            assert!(black_box(verified).is_ok());
        });
        let pairs = 1e6 / (signing + verifying);
        println!("{algorithm:9} {signing:9.2} {verifying:11.2} {pairs:9.0}");
    }
}

/// The mean duration of `work` in microseconds: the best of seven runs.
fn time(clock: &SystemClock, mut work: impl FnMut()) -> f64 {
    (0..7)
        .map(|_| {
            let start = clock.now().moment;
            (0..ROUNDS).for_each(|_| work());
            clock.now().moment.since(start).as_secs_f64() * 1e6 / f64::from(ROUNDS)
        })
        .fold(f64::INFINITY, f64::min)
}
