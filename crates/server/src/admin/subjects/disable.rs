//! `POST /admin/v1/subjects/{subject}/disable`: an account that may not log in.

use super::accounts;
use crate::admin::{Admin, Json, Problem, input::SubjectPath, openapi, sessions::Ended};
use axum::extract::State;

/// Forbid a subject to log in, and end all its sessions.
///
/// Every connection is closed with 4403 `admin`. Doing it again changes nothing.
#[utoipa::path(
    post,
    path = "/admin/v1/subjects/{subject}/disable",
    operation_id = "disableSubject",
    tag = "subjects",
    params(("subject" = String, Path, description = "A user name")),
    responses(
        (status = 200, description = "It is disabled", body = Ended),
        (status = 401, response = openapi::Unauthorized),
        (status = 404, response = openapi::NotFound),
        (status = 408, response = openapi::TooSlow),
        (status = 503, response = openapi::Unavailable)
    )
)]
pub(in crate::admin) async fn disable(
    State(admin): State<Admin>,
    SubjectPath(subject): SubjectPath,
) -> Result<Json<Ended>, Problem> {
    let ended = accounts(&admin)?.disable(&subject).await?;
    Ok(Json(Ended {
        revoked: ended.len(),
    }))
}
