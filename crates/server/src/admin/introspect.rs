//! `POST /admin/v1/introspect`: whether a token is good (RFC 7662).

use super::{Admin, Json, Pairs, Problem, openapi};
use axum::extract::State;
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use handfast::Introspection;
use handfast_core::session::Thumbprint;
use serde::Serialize;
use utoipa::ToSchema;

/// Where it is asked.
pub(super) const PATH: &str = "/admin/v1/introspect";

/// What is asked.
#[derive(ToSchema)]
#[expect(dead_code, reason = "it describes a form, which is read name by name")]
pub(super) struct IntrospectionRequest {
    /// The token, as a client holds it.
    token: String,
    /// Taken and not looked at: there is one kind of token.
    token_type_hint: Option<String>,
}

/// What the token is. Of one that is not active, nothing else is said.
#[derive(Default, Serialize, ToSchema)]
pub(super) struct IntrospectionAnswer {
    /// Whether the session can be gone on with by this token.
    active: bool,
    /// Whose session it is.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    sub: Option<String>,
    /// The same, as RFC 7662 calls the name of a person.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    username: Option<String>,
    /// The session.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, example = "bN2i8sVfQ3iPp0mV2yqS7w")]
    sid: Option<String>,
    /// The number of the token in its session.
    #[serde(rename = "gen", skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    generation: Option<u64>,
    /// Who issued it.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    iss: Option<String>,
    /// Whom it is for.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    aud: Option<String>,
    /// When it was issued, in Unix seconds.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    iat: Option<u64>,
    /// From when on it is refused, in Unix seconds.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    exp: Option<u64>,
    /// The key without whose proof it is refused, where the session is bound to one (RFC 7800).
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    cnf: Option<Confirmation>,
}

/// How the holder proves to be the holder.
#[derive(Serialize, ToSchema)]
pub(super) struct Confirmation {
    /// The thumbprint of the public key (RFC 7638, RFC 9449 section 6.1).
    jkt: String,
}

/// Ask whether a token is good.
///
/// Active is the token that a client is to hold: of a live session, its newest, or the one before it while a pushed one
/// is on its way. A token that was exchanged is not. Asking changes nothing.
#[utoipa::path(
    post,
    path = "/admin/v1/introspect",
    operation_id = "introspect",
    tag = "tokens",
    request_body(content = IntrospectionRequest, content_type = "application/x-www-form-urlencoded"),
    responses(
        (status = 200, description = "What the token is", body = IntrospectionAnswer),
        (status = 401, response = openapi::Unauthorized),
        (status = 408, response = openapi::TooSlow),
        (status = 413, response = openapi::TooLong),
        (status = 415, response = openapi::MediaType),
        (status = 422, response = openapi::Invalid),
        (status = 503, response = openapi::Unavailable)
    )
)]
pub(super) async fn introspect(
    State(admin): State<Admin>,
    form: Pairs,
) -> Result<Json<IntrospectionAnswer>, Problem> {
    let token = form.need("token")?;
    let found = admin.handfast.introspect(token).await?;
    Ok(Json(
        found.map_or_else(IntrospectionAnswer::default, |found| {
            IntrospectionAnswer::of(&admin, found)
        }),
    ))
}

impl IntrospectionAnswer {
    fn of(admin: &Admin, found: Introspection) -> Self {
        let tokens = admin.handfast.tokens();
        let subject = String::from(found.subject);
        Self {
            active: true,
            username: Some(subject.clone()),
            sub: Some(subject),
            sid: Some(found.session.to_text()),
            generation: Some(found.generation.number()),
            iss: Some(tokens.issuer().to_owned()),
            aud: Some(tokens.audience().to_owned()),
            iat: Some(found.issued_at.as_unix()),
            exp: Some(found.expires_at.as_unix()),
            cnf: found.key.map(|Thumbprint(bytes)| Confirmation {
                jkt: URL_SAFE_NO_PAD.encode(bytes),
            }),
        }
    }
}
