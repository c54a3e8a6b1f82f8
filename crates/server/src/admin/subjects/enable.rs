//! `POST /admin/v1/subjects/{subject}/enable`: an account that may log in again.

use super::accounts;
use crate::admin::{Admin, Problem, input::SubjectPath, openapi};
use axum::{extract::State, http::StatusCode};

/// Allow a subject to log in again. Its ended sessions stay ended.
#[utoipa::path(
    post,
    path = "/admin/v1/subjects/{subject}/enable",
    operation_id = "enableSubject",
    tag = "subjects",
    params(("subject" = String, Path, description = "A user name")),
    responses(
        (status = 204, description = "It is enabled"),
        (status = 401, response = openapi::Unauthorized),
        (status = 404, response = openapi::NotFound),
        (status = 408, response = openapi::TooSlow),
        (status = 503, response = openapi::Unavailable)
    )
)]
pub(in crate::admin) async fn enable(
    State(admin): State<Admin>,
    SubjectPath(subject): SubjectPath,
) -> Result<StatusCode, Problem> {
    accounts(&admin)?.enable(&subject).await?;
    Ok(StatusCode::NO_CONTENT)
}
