//! `GET /admin/v1/subjects/{subject}`: one account.

use super::{SubjectBody, accounts};
use crate::admin::{Admin, Json, Problem, input::SubjectPath, openapi};
use axum::extract::State;

/// Look at the account of a subject.
#[utoipa::path(
    get,
    path = "/admin/v1/subjects/{subject}",
    operation_id = "showSubject",
    tag = "subjects",
    params(("subject" = String, Path, description = "A user name")),
    responses(
        (status = 200, description = "The account", body = SubjectBody),
        (status = 401, response = openapi::Unauthorized),
        (status = 404, response = openapi::NotFound),
        (status = 408, response = openapi::TooSlow),
        (status = 503, response = openapi::Unavailable)
    )
)]
pub(in crate::admin) async fn show(
    State(admin): State<Admin>,
    SubjectPath(subject): SubjectPath,
) -> Result<Json<SubjectBody>, Problem> {
    let found = accounts(&admin)?.find(&subject).await?;
    let found = found.ok_or(Problem::UnknownSubject)?;
    Ok(Json(found.into()))
}
