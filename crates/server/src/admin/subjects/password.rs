//! `PUT /admin/v1/subjects/{subject}/password`: another password.

use super::accounts;
use crate::admin::{
    Admin, Json, Problem,
    input::{Fields, SubjectPath},
    openapi,
    sessions::Ended,
};
use axum::extract::State;
use utoipa::ToSchema;

/// The password to be.
#[derive(ToSchema)]
#[expect(
    dead_code,
    reason = "it describes a body, which is read field by field"
)]
pub(in crate::admin) struct NewPassword {
    /// The password.
    #[schema(min_length = 1, example = "correct horse battery staple")]
    password: String,
}

/// Give an account another password, and end all its sessions.
///
/// Whoever knew the old one may be logged in by it, so every connection is closed with 4403 `password_changed`.
#[utoipa::path(
    put,
    path = "/admin/v1/subjects/{subject}/password",
    operation_id = "setPassword",
    tag = "subjects",
    params(("subject" = String, Path, description = "A user name")),
    request_body = NewPassword,
    responses(
        (status = 200, description = "It has the password", body = Ended),
        (status = 400, response = openapi::BadRequest),
        (status = 401, response = openapi::Unauthorized),
        (status = 404, response = openapi::NotFound),
        (status = 408, response = openapi::TooSlow),
        (status = 413, response = openapi::TooLong),
        (status = 415, response = openapi::MediaType),
        (status = 422, response = openapi::Invalid),
        (status = 503, response = openapi::Unavailable)
    )
)]
pub(in crate::admin) async fn set(
    State(admin): State<Admin>,
    SubjectPath(subject): SubjectPath,
    mut fields: Fields,
) -> Result<Json<Ended>, Problem> {
    let password = fields.secret("password")?;
    let accounts = accounts(&admin)?;
    let ended = accounts.set_password(&subject, &password).await?;
    Ok(Json(Ended {
        revoked: ended.len(),
    }))
}
