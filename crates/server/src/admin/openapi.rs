//! The description of this interface, made from the endpoints themselves.

use super::{Admin, audit, introspect, problem::Body, sessions, subjects};
use axum::{
    http::header,
    response::IntoResponse as _,
    routing::{MethodRouter, get},
};
use bytes::Bytes;
use utoipa::{
    Modify, OpenApi, ToResponse,
    openapi::security::{HttpAuthScheme, HttpBuilder, SecurityScheme},
};
use utoipa_axum::{router::OpenApiRouter, routes};

/// Where the document is served.
pub(super) const PATH: &str = "/admin/v1/openapi.json";

#[derive(OpenApi)]
#[openapi(
    info(
        title = "handfast, for operators",
        description = "Look at sessions and accounts, end and change them, ask whether a token is good."
    ),
    components(responses(BadRequest, Unauthorized, NotFound, TooSlow, MediaType, TooLong, Invalid, Unavailable)),
    security(("token" = [])),
    modifiers(&Token),
    tags(
        (name = "sessions", description = "What logins made"),
        (name = "subjects", description = "Who can log in"),
        (name = "tokens", description = "What clients hold"),
        (name = "audit", description = "What happened")
    )
)]
struct Description;

struct Token;

impl Modify for Token {
    fn modify(&self, document: &mut utoipa::openapi::OpenApi) {
        let bearer = HttpBuilder::new()
            .scheme(HttpAuthScheme::Bearer)
            .description(Some(
                "The text in the file `admin-token` in the data folder.",
            ));
        let components = document.components.get_or_insert_default();
        components.add_security_scheme("token", SecurityScheme::Http(bearer.build()));
    }
}

/// Every endpoint, with its place in the document.
pub(super) fn routes() -> OpenApiRouter<Admin> {
    OpenApiRouter::with_openapi(Description::openapi())
        .routes(routes!(sessions::list::list))
        .routes(routes!(sessions::show::show, sessions::revoke::revoke))
        .routes(routes!(subjects::list::list, subjects::create::create))
        .routes(routes!(subjects::show::show))
        .routes(routes!(subjects::password::set))
        .routes(routes!(subjects::disable::disable))
        .routes(routes!(subjects::enable::enable))
        .routes(routes!(subjects::sessions::revoke))
        .routes(routes!(introspect::introspect))
        .routes(routes!(audit::list))
}

/// Serves the document.
pub(super) fn serve(document: &utoipa::openapi::OpenApi) -> MethodRouter<Admin> {
    // It does not change while the process runs, so it is written once.
    let text = serde_json::to_vec(document).unwrap_or_default();
    let text = Bytes::from(text);
    get(move || {
        let headers = [(header::CONTENT_TYPE, "application/json")];
        std::future::ready((headers, text.clone()).into_response())
    })
}

/// The body is not what it says it is.
#[derive(ToResponse)]
#[response(content_type = "application/problem+json")]
pub(super) struct BadRequest(#[expect(dead_code, reason = "read by the derive")] Body);

/// The token is missing or wrong.
#[derive(ToResponse)]
#[response(content_type = "application/problem+json")]
pub(super) struct Unauthorized(#[expect(dead_code, reason = "read by the derive")] Body);

/// There is none.
#[derive(ToResponse)]
#[response(content_type = "application/problem+json")]
pub(super) struct NotFound(#[expect(dead_code, reason = "read by the derive")] Body);

/// There was no answer in time: it may be done, or still be done. Send it again.
#[derive(ToResponse)]
#[response(content_type = "application/problem+json")]
pub(super) struct TooSlow(#[expect(dead_code, reason = "read by the derive")] Body);

/// The body is of another kind.
#[derive(ToResponse)]
#[response(content_type = "application/problem+json")]
pub(super) struct MediaType(#[expect(dead_code, reason = "read by the derive")] Body);

/// The body is too long.
#[derive(ToResponse)]
#[response(content_type = "application/problem+json")]
pub(super) struct TooLong(#[expect(dead_code, reason = "read by the derive")] Body);

/// A field does not fit; `field` names it.
#[derive(ToResponse)]
#[response(content_type = "application/problem+json")]
pub(super) struct Invalid(#[expect(dead_code, reason = "read by the derive")] Body);

/// It cannot be done now.
#[derive(ToResponse)]
#[response(content_type = "application/problem+json")]
pub(super) struct Unavailable(#[expect(dead_code, reason = "read by the derive")] Body);
