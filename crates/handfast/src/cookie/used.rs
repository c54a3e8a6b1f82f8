//! Which tickets have been exchanged on this node.

use crate::{random::Random128, token::TICKET_TAKEN_FOR};
use handfast_core::time::Moment;
use std::{
    collections::{HashSet, VecDeque},
    fmt,
    sync::{Mutex, PoisonError},
    time::Duration,
};

/// How many may be remembered. One more is not exchanged, for it could be exchanged again.
const TICKETS: usize = 65_536;
/// How long one is remembered: until no clock that a ticket may come from still holds it for good.
const KEPT: Duration = TICKET_TAKEN_FOR;

/// The tickets that were exchanged here in the last two and a half minutes.
pub(crate) struct UsedTickets(Mutex<Used>);

#[derive(Default)]
struct Used {
    ids: HashSet<Random128>,
    /// The same, oldest first, with when they were used.
    by_age: VecDeque<(Moment, Random128)>,
}

/// Why a ticket is not exchanged.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Unusable {
    /// It was, before.
    Used,
    /// That it was could not be remembered.
    Full,
}

impl UsedTickets {
    pub(crate) fn new() -> Self {
        Self(Mutex::default())
    }

    /// Notes that the ticket of this name is used.
    ///
    /// # Errors
    /// [`Unusable`] if it was before, or if there is no room to note it.
    pub(crate) fn take(&self, id: Random128, now: Moment) -> Result<(), Unusable> {
        // What is done under this lock cannot panic half-way.
        let mut used = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        used.forget(now);
        if used.ids.contains(&id) {
            return Err(Unusable::Used);
        }
        if used.ids.len() >= TICKETS {
            return Err(Unusable::Full);
        }
        used.ids.insert(id);
        used.by_age.push_back((now, id));
        Ok(())
    }
}

impl Used {
    fn forget(&mut self, now: Moment) {
        while let Some((used_at, id)) = self.by_age.front()
            && now.since(*used_at) >= KEPT
        {
            self.ids.remove(id);
            self.by_age.pop_front();
        }
    }
}

impl fmt::Debug for UsedTickets {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("UsedTickets(…)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn id(number: usize) -> Random128 {
        (number as u128).to_be_bytes()
    }

    #[test]
    fn a_ticket_is_used_once() {
        let used = UsedTickets::new();
        let now = Moment::from_millis(0);
        assert_eq!(used.take(id(1), now), Ok(()));
        assert_eq!(used.take(id(1), now), Err(Unusable::Used));
        assert_eq!(used.take(id(2), now), Ok(()));
    }

    #[test]
    fn a_used_ticket_is_remembered_for_longer_than_it_is_good() {
        let used = UsedTickets::new();
        let start = Moment::from_millis(0);
        assert_eq!(used.take(id(1), start), Ok(()));
        let last = start.after(TICKET_TAKEN_FOR - Duration::from_millis(1));
        assert_eq!(used.take(id(1), last), Err(Unusable::Used));
        assert_eq!(used.take(id(2), start.after(KEPT)), Ok(()));
        assert_eq!(used.0.lock().unwrap().ids.len(), 1, "and then forgotten");
    }

    #[test]
    fn what_cannot_be_remembered_is_not_exchanged() {
        let used = UsedTickets::new();
        let now = Moment::from_millis(0);
        for number in 0..TICKETS {
            assert_eq!(used.take(id(number), now), Ok(()));
        }
        assert_eq!(used.take(id(TICKETS), now), Err(Unusable::Full));
        assert_eq!(used.take(id(TICKETS), now.after(KEPT)), Ok(()));
    }
}
