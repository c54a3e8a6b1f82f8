//! `DELETE /admin/v1/subjects/{subject}/sessions`: the end of all sessions of a subject.

use super::must_exist;
use crate::admin::{Admin, Json, Problem, input::SubjectPath, openapi, sessions::Ended};
use axum::extract::State;

/// End all sessions of a subject for good, as one is ended.
#[utoipa::path(
    delete,
    path = "/admin/v1/subjects/{subject}/sessions",
    operation_id = "revokeSessions",
    tag = "subjects",
    params(("subject" = String, Path, description = "A user name")),
    responses(
        (status = 200, description = "They are over", body = Ended),
        (status = 401, response = openapi::Unauthorized),
        (status = 404, response = openapi::NotFound),
        (status = 408, response = openapi::TooSlow),
        (status = 503, response = openapi::Unavailable)
    )
)]
pub(in crate::admin) async fn revoke(
    State(admin): State<Admin>,
    SubjectPath(subject): SubjectPath,
) -> Result<Json<Ended>, Problem> {
    let ended = admin.handfast.revoke_all(&subject).await?;
    if ended.is_empty() {
        must_exist(&admin, &subject).await?;
    }
    Ok(Json(Ended {
        revoked: ended.len(),
    }))
}
