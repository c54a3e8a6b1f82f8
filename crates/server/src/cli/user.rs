//! `handfast user`: who can log in.

use super::{
    args::UserCommand,
    desk::{Desk, Missing, Request},
    failure::{Failure, Outcome},
    print::{self, FAINT, OK, WARNING},
    prompt,
    table::Table,
};
use crate::{config::Config, time::utc};
use axum::http::Method;
use handfast::Timestamp;
use serde_json::{Value, json};
use std::io::Write;

/// How many accounts are asked for at once.
const PAGE: usize = 1_000;

/// Carries a command out.
pub(super) fn run(
    config: &Config,
    command: UserCommand,
    out: &mut dyn Write,
) -> Result<Outcome, Failure> {
    match command {
        UserCommand::Add {
            username,
            password_stdin,
        } => add(config, &username, password_stdin, out),
        UserCommand::Passwd {
            username,
            password_stdin,
            yes,
        } => {
            let sure = yes || password_stdin;
            change_password(config, &username, password_stdin, sure, out)
        }
        UserCommand::List { json } => list(config, json, out),
        UserCommand::Disable { username, yes } => {
            let desk = Desk::open(config, Missing::Refuse)?;
            desk.ask(Request::new(Method::GET, subject(&username, "")))?;
            let desk = desk.confirmed(config, &ends_sessions(&username), yes)?;
            let path = subject(&username, "/disable");
            let ended = desk.ask(Request::new(Method::POST, path))?;
            done(out, "disabled", &username, Some(&ended))
        }
        UserCommand::Enable { username } => {
            let desk = Desk::open(config, Missing::Refuse)?;
            desk.ask(Request::new(Method::POST, subject(&username, "/enable")))?;
            done(out, "enabled", &username, None)
        }
    }
}

fn add(
    config: &Config,
    username: &str,
    password_stdin: bool,
    out: &mut dyn Write,
) -> Result<Outcome, Failure> {
    let password = prompt::new_password(username, password_stdin)?;
    let desk = Desk::open(config, Missing::Make)?;
    let body = json!({"subject": username, "password": password.expose()});
    let made = desk.ask(Request::new(Method::POST, "/admin/v1/subjects").with(body))?;
    let name = made["subject"].as_str().unwrap_or(username);
    if !desk.is_remote() {
        let data = config.data.display();
        writeln!(
            out,
            "{FAINT}no server runs; the account is in {data}{FAINT:#}"
        )?;
    }
    done(out, "added", name, None)
}

fn change_password(
    config: &Config,
    username: &str,
    password_stdin: bool,
    sure: bool,
    out: &mut dyn Write,
) -> Result<Outcome, Failure> {
    let desk = Desk::open(config, Missing::Refuse)?;
    // To a user that is not there nothing need be typed.
    desk.ask(Request::new(Method::GET, subject(username, "")))?;
    // A server may start meanwhile.
    drop(desk);
    prompt::confirm(&ends_sessions(username), sure)?;
    let password = prompt::new_password(username, password_stdin)?;
    let desk = Desk::open(config, Missing::Refuse)?;
    let body = json!({"password": password.expose()});
    let path = subject(username, "/password");
    let ended = desk.ask(Request::new(Method::PUT, path).with(body))?;
    done(out, "changed", username, Some(&ended))
}

fn list(config: &Config, as_json: bool, out: &mut dyn Write) -> Result<Outcome, Failure> {
    let desk = Desk::open(config, Missing::Refuse)?;
    let mut subjects = Vec::new();
    let mut path = format!("/admin/v1/subjects?limit={PAGE}");
    loop {
        let mut page = desk.ask(Request::new(Method::GET, path))?;
        if let Value::Array(more) = page["subjects"].take() {
            subjects.extend(more);
        }
        let Some(next) = page["next"].as_str() else {
            break;
        };
        path = format!("/admin/v1/subjects?limit={PAGE}&after={}", encoded(next));
    }
    if as_json {
        writeln!(out, "{}", print::json(&subjects))?;
        return Ok(Outcome::Fine);
    }
    if subjects.is_empty() {
        writeln!(out, "{FAINT}there are no accounts{FAINT:#}")?;
        return Ok(Outcome::Fine);
    }
    let mut table = Table::new(["USER", "MADE", "STATE"]);
    for subject in &subjects {
        let made = subject["created_at"].as_u64().unwrap_or_default();
        let is_disabled = subject["disabled"] == true;
        table.add([
            subject["subject"].as_str().unwrap_or_default().to_owned(),
            utc(Timestamp::from_unix(made)),
            if is_disabled { "disabled" } else { "enabled" }.to_owned(),
        ]);
    }
    table.write(out)?;
    Ok(Outcome::Fine)
}

fn done(
    out: &mut dyn Write,
    what: &str,
    username: &str,
    ended: Option<&Value>,
) -> Result<Outcome, Failure> {
    writeln!(out, "{OK}{what}{OK:#} {username}")?;
    if let Some(ended) = ended {
        let ended = ended["revoked"].as_u64().unwrap_or_default();
        let plural = if ended == 1 { "" } else { "s" };
        writeln!(out, "{WARNING}ended{WARNING:#} {ended} session{plural}")?;
    }
    Ok(Outcome::Fine)
}

/// What is asked about before every session of a subject is ended.
pub(super) fn ends_sessions(username: &str) -> String {
    format!("This ends every session of {username}.")
}

/// The path of a subject, and what is behind it.
fn subject(username: &str, rest: &str) -> String {
    format!("/admin/v1/subjects/{}{rest}", encoded(username))
}

/// A text in a path or a query, percent-encoded.
pub(super) fn encoded(text: &str) -> String {
    // As a form has it, but for the space, which a path writes in another way.
    form_urlencoded::byte_serialize(text.as_bytes())
        .collect::<String>()
        .replace('+', "%20")
}
