//! `GET /admin/v1/sessions?subject=`: the sessions of one subject.

use super::SessionBody;
use crate::admin::{Admin, Json, Pairs, Problem, openapi, subjects};
use axum::{extract::State, http::Uri};
use handfast_ledger::LIST_SESSIONS;
use serde::Serialize;
use utoipa::ToSchema;

/// The live sessions of a subject.
#[derive(Serialize, ToSchema)]
pub(in crate::admin) struct Sessions {
    /// Newest seen first, at most 1,000.
    sessions: Vec<SessionBody>,
    /// Whether these are all.
    complete: bool,
}

/// List the live sessions of a subject.
#[utoipa::path(
    get,
    path = "/admin/v1/sessions",
    operation_id = "listSessions",
    tag = "sessions",
    params(("subject" = String, Query, description = "Whose: a user name", min_length = 1, max_length = 64)),
    responses(
        (status = 200, description = "The sessions, which may be none", body = Sessions),
        (status = 401, response = openapi::Unauthorized),
        (status = 404, response = openapi::NotFound),
        (status = 408, response = openapi::TooSlow),
        (status = 422, response = openapi::Invalid),
        (status = 503, response = openapi::Unavailable)
    )
)]
pub(in crate::admin) async fn list(
    State(admin): State<Admin>,
    uri: Uri,
) -> Result<Json<Sessions>, Problem> {
    let query = Pairs::of_query(uri.query())?.only(&["subject"])?;
    let subject = query.subject("subject")?;
    let sessions = admin.handfast.sessions_of(&subject).await?;
    if sessions.is_empty() {
        subjects::must_exist(&admin, &subject).await?;
    }
    Ok(Json(Sessions {
        complete: sessions.len() < LIST_SESSIONS,
        sessions: sessions.into_iter().map(SessionBody::from).collect(),
    }))
}
