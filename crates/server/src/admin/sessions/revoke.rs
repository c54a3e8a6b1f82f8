//! `DELETE /admin/v1/sessions/{session}`: the end of one session.

use super::Ended;
use crate::admin::{Admin, Json, Problem, input::SessionPath, openapi};
use axum::extract::State;
use handfast::SessionEnd;

/// End a session for good.
///
/// Its tokens are dead on every node, and its connection is closed with 4403 `admin`. Doing it again changes nothing.
#[utoipa::path(
    delete,
    path = "/admin/v1/sessions/{session}",
    operation_id = "revokeSession",
    tag = "sessions",
    params(("session" = String, Path, description = "Its name", min_length = 22, max_length = 22)),
    responses(
        (status = 200, description = "It is over", body = Ended),
        (status = 401, response = openapi::Unauthorized),
        (status = 404, response = openapi::NotFound),
        (status = 408, response = openapi::TooSlow),
        (status = 503, response = openapi::Unavailable)
    )
)]
pub(in crate::admin) async fn revoke(
    State(admin): State<Admin>,
    SessionPath(session): SessionPath,
) -> Result<Json<Ended>, Problem> {
    match admin.handfast.revoke(session).await? {
        SessionEnd::Revoked => Ok(Json(Ended { revoked: 1 })),
        SessionEnd::WasRevoked => Ok(Json(Ended { revoked: 0 })),
        SessionEnd::Unknown => Err(Problem::UnknownSession),
    }
}
