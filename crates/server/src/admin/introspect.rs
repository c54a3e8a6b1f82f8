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

/// What the token is, as far as it is active. Of one that is not, nothing is said.
#[derive(Serialize, ToSchema)]
pub(super) struct IntrospectionAnswer {
    /// Whether the session can be gone on with by this token.
    active: bool,
    #[serde(flatten)]
    claims: Option<Claims>,
}

/// What an active token says.
#[derive(Serialize, ToSchema)]
pub(super) struct Claims {
    /// Whose session it is.
    sub: String,
    /// The same, as RFC 7662 calls the name of a person.
    username: String,
    /// The session.
    #[schema(example = "bN2i8sVfQ3iPp0mV2yqS7w")]
    sid: String,
    /// The number of the token in its session.
    #[serde(rename = "gen")]
    generation: u64,
    /// Who issued it.
    iss: String,
    /// Whom it is for.
    aud: String,
    /// When it was issued, in Unix seconds.
    iat: u64,
    /// From when on it is refused, in Unix seconds.
    exp: u64,
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
    Ok(Json(IntrospectionAnswer {
        active: found.is_some(),
        claims: found.map(|found| Claims::of(&admin, found)),
    }))
}

impl Claims {
    fn of(admin: &Admin, found: Introspection) -> Self {
        let tokens = admin.handfast.tokens();
        let subject = String::from(found.subject);
        Self {
            username: subject.clone(),
            sub: subject,
            sid: found.session.to_text(),
            generation: found.generation.number(),
            iss: tokens.issuer().to_owned(),
            aud: tokens.audience().to_owned(),
            iat: found.issued_at.as_unix(),
            exp: found.expires_at.as_unix(),
            cnf: found.key.map(|Thumbprint(bytes)| Confirmation {
                jkt: URL_SAFE_NO_PAD.encode(bytes),
            }),
        }
    }
}
