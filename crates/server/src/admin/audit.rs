//! `GET /admin/v1/audit`: what happened, as this node recorded it.

use super::{Admin, Json, Pairs, Problem, openapi};
use crate::audit::{Found, Query, RecordBody, find};
use axum::{extract::State, http::Uri};
use serde::Serialize;
use utoipa::ToSchema;

/// The most records in one answer.
const RECORDS: usize = 1_000;
/// How many are answered where it is not said.
const RECORDS_UNASKED: usize = 100;

/// Some of what happened.
#[derive(Serialize, ToSchema)]
pub(super) struct Records {
    /// The newest that fit, the newest last.
    records: Vec<RecordBody>,
    /// Whether there are no older ones that fit. Where there may be, ask again with `until` the time of the first.
    complete: bool,
}

/// Look at what happened: who logged in, came back, was refused, was ended, and what operators did.
///
/// Each node has a record of its own. It is read from the file that `audit.path` names, and from the files that were
/// renamed from it.
#[utoipa::path(
    get,
    path = "/admin/v1/audit",
    operation_id = "listRecords",
    tag = "audit",
    params(
        ("subject" = Option<String>, Query, description = "Whose: a user name", min_length = 1, max_length = 64),
        ("session" = Option<String>, Query, description = "Of which session", min_length = 22, max_length = 22),
        ("since" = Option<u64>, Query, description = "From this time on, in Unix seconds"),
        ("until" = Option<u64>, Query, description = "Until this time, in Unix seconds"),
        ("limit" = Option<usize>, Query, description = "How many at most; 100 where it is not said", minimum = 1, maximum = 1000)
    ),
    responses(
        (status = 200, description = "The records, which may be none", body = Records),
        (status = 401, response = openapi::Unauthorized),
        (status = 404, response = openapi::NotFound),
        (status = 408, response = openapi::TooSlow),
        (status = 422, response = openapi::Invalid),
        (status = 503, response = openapi::Unavailable)
    )
)]
pub(super) async fn list(State(admin): State<Admin>, uri: Uri) -> Result<Json<Records>, Problem> {
    let known = ["subject", "session", "since", "until", "limit"];
    let pairs = Pairs::of_query(uri.query())?.only(&known)?;
    let query = Query {
        subject: pairs
            .get("subject")
            .map(|_| pairs.subject("subject"))
            .transpose()?,
        session: pairs.session("session")?,
        since: pairs.time("since")?,
        until: pairs.time("until")?,
        limit: pairs.count("limit", RECORDS_UNASKED, RECORDS)?,
    };
    let audit = admin.audit.ok_or(Problem::NoRecord)?;
    let path = audit.path().ok_or(Problem::NoRecord)?.to_owned();
    // Kept by the search itself, which goes on where nobody waits for it any more.
    let turn = admin.searches.acquire_owned().await;
    let search = move || {
        let _turn = turn;
        audit.flush();
        find(&path, &query)
    };
    let searched = tokio::task::spawn_blocking(search).await;
    let found = searched
        .unwrap_or_else(|error| Err(error.into()))
        .map_err(|error| {
            tracing::error!(%error, "the record cannot be read");
            Problem::Unavailable("the record cannot be read")
        })?;
    let Found { records, complete } = found;
    Ok(Json(Records {
        records: records.into(),
        complete,
    }))
}
