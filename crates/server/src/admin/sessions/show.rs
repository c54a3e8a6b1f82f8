//! `GET /admin/v1/sessions/{session}`: one session.

use super::SessionBody;
use crate::admin::{Admin, Json, Problem, input::SessionPath, openapi};
use axum::extract::State;

/// Look at one session, whether it is live or has ended.
#[utoipa::path(
    get,
    path = "/admin/v1/sessions/{session}",
    operation_id = "showSession",
    tag = "sessions",
    params(("session" = String, Path, description = "Its name", min_length = 22, max_length = 22)),
    responses(
        (status = 200, description = "The session", body = SessionBody),
        (status = 401, response = openapi::Unauthorized),
        (status = 404, response = openapi::NotFound),
        (status = 408, response = openapi::TooSlow),
        (status = 503, response = openapi::Unavailable)
    )
)]
pub(in crate::admin) async fn show(
    State(admin): State<Admin>,
    SessionPath(session): SessionPath,
) -> Result<Json<SessionBody>, Problem> {
    let status = admin.handfast.session(session).await?;
    let status = status.ok_or(Problem::UnknownSession)?;
    Ok(Json(status.into()))
}
