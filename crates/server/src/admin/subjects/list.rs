//! `GET /admin/v1/subjects`: who has an account.

use super::{SubjectBody, accounts};
use crate::admin::{Admin, Json, Pairs, Problem, openapi};
use axum::{extract::State, http::Uri};
use serde::Serialize;
use utoipa::ToSchema;

/// The most subjects in one answer.
const SUBJECTS: usize = 1_000;

/// Some of the subjects.
#[derive(Serialize, ToSchema)]
pub(in crate::admin) struct Subjects {
    /// In the order of the bytes of their names.
    subjects: Vec<SubjectBody>,
    /// Where there are more: what to give as `after` next.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    next: Option<String>,
}

/// List who has an account, page by page.
#[utoipa::path(
    get,
    path = "/admin/v1/subjects",
    operation_id = "listSubjects",
    tag = "subjects",
    params(
        ("after" = Option<String>, Query, description = "Begin behind this name"),
        ("limit" = Option<usize>, Query, description = "How many at most; 100 where it is not said", minimum = 1, maximum = 1000)
    ),
    responses(
        (status = 200, description = "A page", body = Subjects),
        (status = 401, response = openapi::Unauthorized),
        (status = 408, response = openapi::TooSlow),
        (status = 422, response = openapi::Invalid),
        (status = 503, response = openapi::Unavailable)
    )
)]
pub(in crate::admin) async fn list(
    State(admin): State<Admin>,
    uri: Uri,
) -> Result<Json<Subjects>, Problem> {
    let query = Pairs::of_query(uri.query())?.only(&["after", "limit"])?;
    let limit = query.count("limit", 100, SUBJECTS)?;
    // One more than asked for tells whether there are more.
    let found = accounts(&admin)?
        .list(query.get("after"), limit + 1)
        .await?;
    let is_more = found.len() > limit;
    let mut subjects: Vec<_> = found.into_iter().map(SubjectBody::from).collect();
    subjects.truncate(limit);
    let last = subjects.last().filter(|_| is_more);
    Ok(Json(Subjects {
        next: last.map(|last| last.subject.clone()),
        subjects,
    }))
}
