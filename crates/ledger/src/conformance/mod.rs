//! What every backend must do, as tests.
//!
//! A crate that brings a backend implements [`Fixture`] for it and lets [`conformance!`](crate::conformance!) make a
//! test of every case, as this one does for its own:
//!
//! ```
//! use handfast_ledger::{Memory, conformance::Fixture};
//!
//! struct Scratch(Memory);
//!
//! impl Fixture for Scratch {
//!     type Backend = Memory;
//!
//!     fn empty() -> Self {
//!         Self(Memory::new())
//!     }
//!
//!     fn open(&self) -> Memory {
//!         self.0.clone()
//!     }
//!
//!     fn open_beside(&self) -> Memory {
//!         self.0.clone()
//!     }
//! }
//!
//! handfast_ledger::conformance!(Scratch);
//! ```
//!
//! The cases ask a backend only through a [`Ledger`](crate::Ledger), never about its own ways. None of them waits for
//! time to pass: where it matters what comes together in one transaction, the ledger's worker is held when it reads
//! its clock until everything waits.

#![expect(
    clippy::unwrap_used,
    reason = "these are tests, though they are compiled as a library"
)]

use crate::backend::Backend;

#[doc(hidden)]
pub mod accounts;
mod bench;
#[doc(hidden)]
pub mod concurrency;
#[doc(hidden)]
pub mod failure;
#[doc(hidden)]
pub mod fanout;
mod gate;
#[doc(hidden)]
pub mod log;
#[doc(hidden)]
pub mod nodes;
#[doc(hidden)]
pub mod ownership;
#[doc(hidden)]
pub mod receipts;
#[doc(hidden)]
pub mod revocation;
#[doc(hidden)]
pub mod rule;
pub mod service;
#[doc(hidden)]
pub mod storage;
#[doc(hidden)]
pub mod sweep;

mod tampered;

pub use accounts::AccountsFixture;
pub use bench::{
    Bench, KEY, ManualClock, PROOF, Recorder, answered, attempt, connection, create, origin,
    policy, present, revoke, session, start, wait_for,
};
pub use fanout::FanoutFixture;

pub use gate::{Closing, Gate, Held};

/// Storage for one case.
pub trait Fixture: Sized {
    /// What is tested.
    type Backend: Backend;

    /// Storage with nothing in it, that nobody else uses.
    fn empty() -> Self;

    /// Opens it as a server does. It is opened again only when what was opened before is dropped.
    fn open(&self) -> Self::Backend;

    /// Opens it a second time, as a tool does or another node, while it is open.
    fn open_beside(&self) -> Self::Backend;
}

/// Makes a test of every case of the suite for a [`Fixture`](crate::conformance::Fixture).
#[macro_export]
macro_rules! conformance {
    ($fixture:ty) => {
        $crate::conformance! { @cases $fixture;
            rule::{
                every_cell_of_the_table_is_decided_as_written,
                a_late_presentation_under_a_second_attempt_key_ends_the_session,
                a_generation_from_the_future_is_refused_and_counted,
                a_generation_from_the_future_is_accepted_where_the_operator_says_so,
                a_session_that_never_was_is_unknown,
                a_session_whose_time_is_over_is_expired,
                a_push_is_to_the_owner_only_and_waits_for_its_confirmation,
                an_acknowledgement_counts_from_the_owner_and_for_the_issued_generation_only,
            }
            ownership::{
                a_login_is_stored_as_it_was_made,
                a_name_that_exists_is_not_given_again,
                a_superseded_owner_is_reported_once,
                whoever_presents_again_is_not_reported,
                two_takeovers_in_one_transaction_are_both_reported,
                an_origin_is_stored_with_a_new_owner_only,
                a_connection_that_owns_nothing_any_more_is_found_out,
                a_session_that_ended_has_ended_for_whoever_is_taken_for_its_owner,
                an_examination_is_told_between_the_decisions_that_it_came_between,
            }
            revocation::{
                a_revoked_session_is_over_and_keeps_its_first_reason,
                each_end_is_told_once_with_its_subject_and_where_it_came_from,
                an_end_that_another_ledger_made_is_found_and_not_counted_again,
                a_revocation_for_a_subject_leaves_sessions_of_others_alone,
                revoking_a_subject_ends_all_its_sessions_but_the_excepted_one,
                a_login_before_the_revocation_of_its_subject_ends_with_it,
                a_login_after_the_revocation_of_its_subject_lives,
                reuse_is_reported_with_the_connection_that_caused_it,
                the_longest_unseen_sessions_make_room_for_a_login,
                sessions_that_ended_do_not_count_as_sessions,
                logins_in_one_transaction_make_room_for_one_another,
            }
            concurrency::{
                a_thousand_presentations_with_one_attempt_key_issue_one_generation,
                of_a_thousand_presentations_with_different_attempt_keys_the_second_ends_the_session,
                a_thousand_bare_presentations_each_void_the_generation_before,
                a_presentation_racing_a_revocation_leaves_nothing_alive,
                two_ledgers_on_one_storage_decide_as_one,
            }
            log::{
                every_change_is_found_behind_the_cursor,
                a_new_node_begins_at_the_end,
                what_another_ledger_changed_is_found,
                a_long_log_is_read_in_parts,
                a_cursor_from_before_the_kept_log_is_told_so,
                a_log_that_was_forgotten_goes_on_where_it_was,
                a_cursor_behind_the_end_is_told_so,
            }
            nodes::{
                a_commit_whose_answer_was_lost_is_in_the_log,
                batches_that_cross_wait_for_each_other_and_none_fails,
                logins_on_two_nodes_make_room_for_one_another,
                a_subject_that_is_revoked_on_one_node_loses_what_the_other_made_before,
                what_two_nodes_change_at_once_is_found_in_the_order_of_each_session,
                a_bare_token_on_two_nodes_is_decided_as_on_one,
            }
            sweep::{
                sessions_that_ended_long_ago_are_removed_and_others_stay,
                a_live_session_stays_whatever_the_caller_says,
                a_sweep_is_bounded_and_rounds_reach_everything,
                a_long_log_is_forgotten_by_one_sweep_after_the_other,
            }
            receipts::{
                a_presentation_that_nobody_waits_for_is_not_applied,
                a_login_that_nobody_waits_for_is_not_applied,
                everything_else_is_applied_whether_or_not_somebody_waits,
                a_presentation_past_its_deadline_is_not_applied,
                more_than_fits_is_refused_at_once_and_the_rest_is_answered,
                the_observer_is_told_after_the_commit_and_before_the_answer,
                what_waits_is_applied_before_the_last_handle_is_gone,
                an_observer_that_panics_stops_the_ledger,
            }
            failure::{
                a_transaction_that_cannot_begin_fails_its_entries_and_the_next_succeeds,
                a_transaction_that_cannot_commit_leaves_nothing_behind,
                nobody_is_told_before_what_is_told_is_durable,
                the_next_transaction_is_decided_while_one_is_flushed,
                a_flush_that_fails_is_told_to_who_waits_and_stops_the_ledger,
                a_deadline_that_passes_while_the_lock_is_waited_for_has_passed,
                a_deadline_that_passes_while_rows_are_waited_for_has_passed,
                one_row_that_cannot_be_read_fails_only_those_who_need_it,
                one_row_that_cannot_be_written_fails_only_those_who_write_it,
            }
            storage::{
                everything_is_there_after_reopening,
                a_list_is_live_sessions_newest_seen_first,
                a_list_is_bounded,
                a_session_is_found_whatever_its_state,
                a_check_is_answered,
                only_what_the_rule_changed_is_written,
            }
        }
    };
    (@cases $fixture:ty; $($group:ident::{$($case:ident,)*})*) => {
        $(
            mod $group {
                use super::*;
                $(
                    #[test]
                    fn $case() {
                        $crate::conformance::$group::$case::<$fixture>();
                    }
                )*
            }
        )*
    };
}

/// Makes a test of every case for an [`AccountsFixture`](crate::conformance::AccountsFixture).
#[macro_export]
macro_rules! accounts_conformance {
    ($fixture:ty) => {
        $crate::conformance! { @cases $fixture;
            accounts::{
                an_account_is_found_as_it_was_made,
                a_taken_name_stays_with_whom_it_is,
                a_password_is_replaced,
                a_password_that_was_replaced_meanwhile_is_not_replaced_again,
                an_account_is_disabled_and_enabled,
                accounts_are_listed_page_by_page,
                of_many_who_want_a_name_one_gets_it,
                accounts_are_there_after_reopening,
                a_hash_shows_itself_nowhere,
            }
        }
    };
}

/// Makes a test of every case for a [`FanoutFixture`](crate::conformance::FanoutFixture).
#[macro_export]
macro_rules! fanout_conformance {
    ($fixture:ty) => {
        $crate::conformance! { @cases $fixture;
            fanout::{
                what_one_node_publishes_every_other_hears_in_its_order,
                nobody_hears_oneself,
                a_burst_that_does_not_fit_is_left_to_the_log,
                a_connection_that_broke_comes_back_and_asks_for_the_log,
                a_server_that_is_not_there_yet_disturbs_nobody,
                what_is_no_message_is_ignored_and_counted,
                two_clusters_on_one_server_do_not_hear_each_other,
                a_dropped_publisher_sends_what_waits_and_ends_its_task,
                it_is_told_whether_and_why_not_others_can_be_reached,
            }
        }
    };
}
