use super::{HashCost, HashError, HashPool, Hasher, PoolSize, QueueFull, Verdict};
use handfast_core::{limits::PASSWORD_BYTES, message::Secret};
use handfast_ledger::accounts::PasswordHash;
use std::{
    io::ErrorKind,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
        mpsc,
    },
};

const CHEAP: HashCost = HashCost {
    memory_kib: 8,
    iterations: 1,
    parallelism: 1,
};

fn hasher(cost: HashCost) -> Hasher {
    Hasher::new(cost).unwrap()
}

fn secret(text: &str) -> Secret {
    Secret::new(text)
}

#[track_caller]
fn right(verdict: Result<Verdict, HashError>) {
    assert_eq!(verdict, Ok(Verdict::Right { outdated: false }));
}

#[track_caller]
fn outdated(verdict: Result<Verdict, HashError>) {
    assert_eq!(verdict, Ok(Verdict::Right { outdated: true }));
}

mod a_hash {
    use super::*;

    #[test]
    fn is_of_one_password_only() {
        let mut hasher = hasher(CHEAP);
        let hash = hasher.hash(&secret("correct horse")).unwrap();
        right(hasher.verify(&secret("correct horse"), &hash));
        for other in [
            "",
            "correct",
            "Correct horse",
            "correct horse ",
            "correct horse\0",
        ] {
            assert_eq!(hasher.verify(&secret(other), &hash), Ok(Verdict::Wrong));
        }
    }

    #[test]
    fn is_of_every_byte_of_the_longest_password() {
        let mut hasher = hasher(CHEAP);
        let longest = "x".repeat(PASSWORD_BYTES);
        let hash = hasher.hash(&secret(&longest)).unwrap();
        right(hasher.verify(&secret(&longest), &hash));
        for other in [&longest[1..], &format!("{}y", &longest[1..])] {
            assert_eq!(hasher.verify(&secret(other), &hash), Ok(Verdict::Wrong));
        }
    }

    #[test]
    fn is_a_phc_string_with_a_salt_of_its_own() {
        let mut hasher = hasher(HashCost {
            parallelism: 2,
            memory_kib: 32,
            iterations: 3,
        });
        let (one, two) = (
            hasher.hash(&secret("the same")).unwrap(),
            hasher.hash(&secret("the same")).unwrap(),
        );
        assert!(one.expose().starts_with("$argon2id$v=19$m=32,t=3,p=2$"));
        assert_ne!(one.expose(), two.expose());
    }

    /// From the tests of the reference implementation.
    #[test]
    fn that_the_reference_implementation_made_is_read() {
        let hash = PasswordHash::new(
            "$argon2id$v=19$m=65536,t=2,p=1$c29tZXNhbHQ$CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc",
        );
        let mut hasher = hasher(CHEAP);
        outdated(hasher.verify(&secret("password"), &hash));
        assert_eq!(
            hasher.verify(&secret("Password"), &hash),
            Ok(Verdict::Wrong)
        );
    }

    #[test]
    fn at_another_cost_is_outdated() {
        let password = secret("correct horse");
        for cost in [
            HashCost {
                memory_kib: 16,
                ..CHEAP
            },
            HashCost {
                iterations: 2,
                ..CHEAP
            },
            HashCost {
                memory_kib: 16,
                parallelism: 2,
                ..CHEAP
            },
        ] {
            let hash = hasher(cost).hash(&password).unwrap();
            outdated(hasher(CHEAP).verify(&password, &hash));
            right(hasher(cost).verify(&password, &hash));
        }
    }

    #[test]
    fn of_another_variant_or_length_is_outdated() {
        use argon2::{Algorithm, Argon2, CustomizedPasswordHasher as _, Params, Version};
        let password = secret("correct horse");
        for (variant, version, length) in [
            (Algorithm::Argon2i, Version::V0x13, 32),
            (Algorithm::Argon2d, Version::V0x13, 32),
            (Algorithm::Argon2id, Version::V0x10, 32),
            (Algorithm::Argon2id, Version::V0x13, 16),
        ] {
            let phc = Argon2::default()
                .hash_password_customized(
                    password.expose().as_bytes(),
                    b"somesalt",
                    Some(variant.as_str()),
                    Some(version.into()),
                    Params::new(8, 1, 1, Some(length)).unwrap(),
                )
                .unwrap();
            let hash = PasswordHash::new(phc.to_string());
            outdated(hasher(CHEAP).verify(&password, &hash));
        }
    }

    #[test]
    fn does_not_depend_on_what_was_hashed_before_it_in_the_same_memory() {
        let large = HashCost {
            memory_kib: 256,
            ..CHEAP
        };
        let password = secret("correct horse");
        let by_large = hasher(large).hash(&password).unwrap();
        let by_small = hasher(CHEAP).hash(&password).unwrap();
        let mut hasher = hasher(CHEAP);
        for _ in 0..2 {
            right(hasher.verify(&password, &by_small));
            outdated(hasher.verify(&password, &by_large));
            hasher.verify_nobody(&secret("somebody else")).unwrap();
        }
        right(hasher.verify(&password, &by_small));
    }

    #[test]
    fn that_is_none_is_reported_and_fits_no_password() {
        let mut hasher = hasher(CHEAP);
        for text in [
            "",
            "hunter2",
            "$argon2id$v=19$m=8,t=1,p=1",
            "$argon2id$v=19$m=8,t=1,p=1$c29tZXNhbHQ",
            "$argon2id$v=19$m=8,t=0,p=1$c29tZXNhbHQ$CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc",
            "$argon2id$v=18$m=8,t=1,p=1$c29tZXNhbHQ$CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc",
            "$scrypt$ln=16,r=8,p=1$c29tZXNhbHQ$CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc",
            "$2b$12$R9h/cIPz0gi.URNNX3kh2OPST9/PgBkqquzi.Ss7KIUgO2t0jWMUW",
        ] {
            let verdict = hasher.verify(&secret("hunter2"), &PasswordHash::new(text));
            assert_eq!(verdict, Err(HashError::Unreadable), "{text}");
        }
    }

    #[test]
    fn at_no_cost_is_refused_when_the_hasher_is_made() {
        for cost in [
            HashCost {
                memory_kib: 7,
                ..CHEAP
            },
            HashCost {
                iterations: 0,
                ..CHEAP
            },
            HashCost {
                parallelism: 0,
                ..CHEAP
            },
            HashCost {
                parallelism: 2,
                ..CHEAP
            },
        ] {
            assert!(Hasher::new(cost).is_err(), "{cost:?}");
            let pool = HashPool::start(PoolSize::default(), cost);
            assert_eq!(pool.unwrap_err().kind(), ErrorKind::InvalidInput);
        }
    }
}

mod the_pool {
    use super::*;

    const ONE_THREAD: PoolSize = PoolSize {
        threads: 1,
        queue: 2,
    };

    /// A pool whose only thread is busy until the sender is dropped.
    fn busy_pool() -> (HashPool, mpsc::Sender<()>) {
        let pool = HashPool::start(ONE_THREAD, CHEAP).unwrap();
        let (started, has_started) = mpsc::channel();
        let (gate, opened) = mpsc::channel::<()>();
        let busy = pool.run(move |_| {
            started.send(()).unwrap();
            assert!(opened.recv().is_err());
        });
        has_started.recv().unwrap();
        drop(busy.unwrap());
        (pool, gate)
    }

    #[tokio::test]
    async fn answers_with_what_the_work_came_to() {
        let pool = HashPool::start(
            PoolSize {
                threads: 2,
                queue: 8,
            },
            CHEAP,
        )
        .unwrap();
        let hash = pool
            .run(|hasher| hasher.hash(&secret("a")).unwrap())
            .unwrap()
            .await
            .unwrap();
        let verdict = pool
            .run(move |hasher| hasher.verify(&secret("a"), &hash))
            .unwrap();
        right(verdict.await.unwrap());
    }

    #[test]
    fn refuses_what_comes_when_its_queue_is_full() {
        let (pool, gate) = busy_pool();
        let waiting = [pool.run(|_| 1).unwrap(), pool.run(|_| 2).unwrap()];
        assert_eq!(pool.run(|_| 3).unwrap_err(), QueueFull);
        drop(gate);
        assert_eq!(
            waiting.map(|answer| answer.blocking_recv().unwrap()),
            [1, 2]
        );
        assert_eq!(pool.run(|_| 4).unwrap().blocking_recv(), Ok(4));
    }

    #[test]
    fn skips_what_nobody_waits_for_any_more() {
        let (pool, gate) = busy_pool();
        let done = Arc::new(AtomicUsize::new(0));
        let count = Arc::clone(&done);
        drop(
            pool.run(move |_| count.fetch_add(1, Ordering::SeqCst))
                .unwrap(),
        );
        let count = Arc::clone(&done);
        let awaited = pool
            .run(move |_| count.fetch_add(10, Ordering::SeqCst))
            .unwrap();
        drop(gate);
        awaited.blocking_recv().unwrap();
        assert_eq!(done.load(Ordering::SeqCst), 10);
    }

    #[test]
    fn outlives_work_that_panics() {
        let pool = HashPool::start(ONE_THREAD, CHEAP).unwrap();
        let panicking = pool.run(|_| -> () { panic!("in a test, on purpose") });
        assert!(panicking.unwrap().blocking_recv().is_err());
        assert_eq!(pool.run(|_| 5).unwrap().blocking_recv(), Ok(5));
    }

    #[test]
    fn finishes_what_waits_when_it_is_dropped() {
        let (pool, gate) = busy_pool();
        let waiting = pool.run(|_| 6).unwrap();
        drop(pool);
        drop(gate);
        assert_eq!(waiting.blocking_recv(), Ok(6));
    }

    #[test]
    #[cfg(target_os = "linux")]
    fn works_on_threads_that_are_named_and_give_way_to_all_others() {
        use rustix::{process::getpriority_process, thread::gettid};
        let niceness = || getpriority_process(Some(gettid())).unwrap();
        let pool = HashPool::start(ONE_THREAD, CHEAP).unwrap();
        let there = move |_: &mut Hasher| {
            let name = std::thread::current().name().map(str::to_owned);
            (niceness(), name)
        };
        let (there, name) = pool.run(there).unwrap().blocking_recv().unwrap();
        assert_eq!(name.as_deref(), Some("password-0"));
        assert_eq!(there, (niceness() + 10).min(19));
    }
}
