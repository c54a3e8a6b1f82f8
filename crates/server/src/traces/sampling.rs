//! Which requests are traced.

use crate::config::Ratio;
use handfast::{
    Rate,
    clock::SystemClock,
    trace::{REQUEST, STAGE, STEP},
};
use handfast_core::{rate::Taken, time::Clock as _};
use std::{
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};
use tracing::{Level, Metadata, Subscriber, subscriber::Interest};
use tracing_subscriber::{Layer, layer::Context, registry::LookupSpan};

/// How many logins and other requests that are rare by their nature are traced, all of them up to here: whoever floods a
/// server with logins must not flood its collector too.
const RARE: Rate = Rate {
    count: 100,
    window: Duration::from_secs(1),
};
/// A ratio of one.
const WHOLE: u64 = 1_000_000;

/// Decides about a request when it begins, before anything is made for it; and about its parts as about itself.
#[derive(Debug)]
pub(super) struct Sampler {
    /// How many millionths of the frequent requests are traced.
    ratio: AtomicU64,
    /// The sum of the ratios of all that came: each time that it passes a whole, one is traced.
    sum: AtomicU64,
    rare: Mutex<Taken>,
    clock: SystemClock,
}

/// What a span is, as far as sampling goes.
enum Kind {
    Frequent,
    Rare,
    Step,
    Stage,
}

impl Kind {
    fn of(metadata: &Metadata<'_>) -> Option<Self> {
        if !metadata.is_span() {
            return None;
        }
        match metadata.target() {
            REQUEST if *metadata.level() > Level::INFO => Some(Self::Frequent),
            REQUEST => Some(Self::Rare),
            STEP => Some(Self::Step),
            STAGE => Some(Self::Stage),
            _ => None,
        }
    }
}

impl Sampler {
    pub(super) fn new(ratio: Ratio) -> Self {
        let sampler = Self {
            ratio: AtomicU64::new(0),
            // The first request is traced, so that somebody who tries it sees something.
            sum: AtomicU64::new(WHOLE - 1),
            rare: Mutex::default(),
            clock: SystemClock::start(),
        };
        sampler.set_ratio(ratio);
        sampler
    }

    pub(super) fn set_ratio(&self, ratio: Ratio) {
        self.ratio
            .store(u64::from(ratio.millionths()), Ordering::Relaxed);
    }

    fn takes_frequent(&self) -> bool {
        let ratio = self.ratio.load(Ordering::Relaxed);
        let before = self.sum.fetch_add(ratio, Ordering::Relaxed) % WHOLE;
        before + ratio >= WHOLE
    }

    fn takes_rare(&self) -> bool {
        let now = self.clock.now().moment;
        let rare = self.rare.lock();
        let mut rare = rare.unwrap_or_else(PoisonError::into_inner);
        rare.take(RARE, now).is_ok()
    }
}

/// The sampler as a layer around all others. Nobody but traces wants spans, so that none is made which is not taken: a
/// filter of the traces' own layer would only hide it from them.
#[derive(Debug)]
pub(crate) struct Sampled(pub(super) Arc<Sampler>);

impl<S: Subscriber + for<'a> LookupSpan<'a>> Layer<S> for Sampled {
    fn register_callsite(&self, metadata: &'static Metadata<'static>) -> Interest {
        match Kind::of(metadata) {
            Some(Kind::Frequent | Kind::Rare | Kind::Step) => Interest::sometimes(),
            Some(Kind::Stage) => Interest::always(),
            // About events the log decides.
            None if metadata.is_event() => Interest::always(),
            None => Interest::never(),
        }
    }

    fn enabled(&self, metadata: &Metadata<'_>, context: Context<'_, S>) -> bool {
        match Kind::of(metadata) {
            Some(Kind::Frequent) => self.0.takes_frequent(),
            Some(Kind::Rare) => self.0.takes_rare(),
            // There is a current span only where it was taken.
            Some(Kind::Step) => context.lookup_current().is_some(),
            Some(Kind::Stage) => true,
            None => metadata.is_event(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn as_many_frequent_requests_are_traced_as_the_ratio_says() {
        for (millionths, taken) in [(0, 0), (10_000, 10), (333_333, 334), (1_000_000, 1_000)] {
            let sampler = Sampler::new(Ratio::of_millionths(millionths));
            let count = (0..1_000).filter(|_| sampler.takes_frequent()).count();
            assert_eq!(count, taken, "{millionths}");
        }
    }

    #[test]
    fn the_first_request_is_traced_where_any_is() {
        assert!(Sampler::new(Ratio::of_millionths(1)).takes_frequent());
        assert!(!Sampler::new(Ratio::of_millionths(0)).takes_frequent());
    }

    #[test]
    fn a_flood_of_logins_is_traced_in_part() {
        let sampler = Sampler::new(Ratio::of_millionths(0));
        let count = (0..100_000).filter(|_| sampler.takes_rare()).count();
        assert!((100..100_000).contains(&count), "{count}");
    }
}
