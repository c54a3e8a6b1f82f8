//! `POST /admin/v1/subjects`: a new account.

use super::{SubjectBody, accounts};
use crate::admin::{Admin, Problem, input::Fields, json, openapi, operated::About};
use axum::{extract::State, http::StatusCode, response::Response};
use utoipa::ToSchema;

/// Who is to have an account.
#[derive(ToSchema)]
#[expect(
    dead_code,
    reason = "it describes a body, which is read field by field"
)]
pub(in crate::admin) struct NewSubject {
    /// The user name, in any spelling.
    #[schema(min_length = 1, example = "ann")]
    subject: String,
    /// The password.
    #[schema(min_length = 1, example = "correct horse battery staple")]
    password: String,
}

/// Make an account, whatever `registration` says of clients.
#[utoipa::path(
    post,
    path = "/admin/v1/subjects",
    operation_id = "createSubject",
    tag = "subjects",
    request_body = NewSubject,
    responses(
        (status = 201, description = "It is made", body = SubjectBody),
        (status = 400, response = openapi::BadRequest),
        (status = 401, response = openapi::Unauthorized),
        (status = 408, response = openapi::TooSlow),
        (status = 409, description = "The subject has an account", body = crate::admin::problem::Body,
            content_type = "application/problem+json"),
        (status = 413, response = openapi::TooLong),
        (status = 415, response = openapi::MediaType),
        (status = 422, response = openapi::Invalid),
        (status = 503, response = openapi::Unavailable)
    )
)]
pub(in crate::admin) async fn create(
    State(admin): State<Admin>,
    mut fields: Fields,
) -> Result<Response, Problem> {
    let username = fields.text("subject")?;
    let password = fields.secret("password")?;
    let made = accounts(&admin)?.create(&username, &password).await?;
    let about = About(made.subject.clone());
    let body = SubjectBody::from(made);
    let mut response = json(StatusCode::CREATED, "application/json", &body);
    response.extensions_mut().insert(about);
    Ok(response)
}
