//! `handfast session`: what logins made.

use super::{
    args::SessionCommand,
    desk::{Desk, Missing, Request},
    failure::{Failure, Outcome},
    print::{self, FAINT, OK},
    table::Table,
    user::{encoded, ends_sessions},
};
use crate::{config::Config, time::relative};
use axum::http::Method;
use handfast::Timestamp;
use serde_json::Value;
use std::io::Write;

/// Carries a command out.
pub(super) fn run(
    config: &Config,
    command: SessionCommand,
    now: Timestamp,
    out: &mut dyn Write,
) -> Result<Outcome, Failure> {
    let desk = Desk::open(config, Missing::Refuse)?;
    match command {
        SessionCommand::List { username, json } => {
            let path = format!("/admin/v1/sessions?subject={}", encoded(&username));
            let answer = desk.ask(Request::new(Method::GET, path))?;
            if json {
                writeln!(out, "{}", print::json(&answer["sessions"]))?;
            } else {
                list(&answer, now, out)?;
            }
            Ok(Outcome::Fine)
        }
        SessionCommand::Revoke { session, user, yes } => {
            let (path, what) = match (session, user) {
                (Some(session), _) => {
                    let path = format!("/admin/v1/sessions/{}", encoded(&session));
                    let found = desk.ask(Request::new(Method::GET, path.clone()))?;
                    let subject = found["subject"].as_str().unwrap_or_default();
                    (path, format!("This ends a session of {subject}."))
                }
                (None, user) => {
                    let user = user.unwrap_or_default();
                    let path = format!("/admin/v1/subjects/{}", encoded(&user));
                    desk.ask(Request::new(Method::GET, path.clone()))?;
                    (format!("{path}/sessions"), ends_sessions(&user))
                }
            };
            let desk = desk.confirmed(config, &what, yes)?;
            let ended = desk.ask(Request::new(Method::DELETE, path))?;
            match ended["revoked"].as_u64().unwrap_or_default() {
                0 => writeln!(out, "{FAINT}nothing was left to end{FAINT:#}")?,
                1 => writeln!(out, "{OK}ended{OK:#} 1 session")?,
                ended => writeln!(out, "{OK}ended{OK:#} {ended} sessions")?,
            }
            Ok(Outcome::Fine)
        }
    }
}

fn list(answer: &Value, now: Timestamp, out: &mut dyn Write) -> Result<(), Failure> {
    let sessions = answer["sessions"].as_array().map_or(&[][..], Vec::as_slice);
    if sessions.is_empty() {
        writeln!(out, "{FAINT}there are no live sessions{FAINT:#}")?;
        return Ok(());
    }
    let mut table = Table::new(["SESSION", "SEEN", "MADE", "ADDRESS", "KEY", "AGENT"]);
    for session in sessions {
        let text = |name: &str| session[name].as_str().unwrap_or_default().to_owned();
        let ago = |name: &str| {
            let time = session[name].as_u64().unwrap_or_default();
            relative(Timestamp::from_unix(time), now)
        };
        let is_online = session["online"] == true;
        let is_bound = session["key_bound"] == true;
        table.add([
            text("session"),
            if is_online {
                "online".to_owned()
            } else {
                ago("last_seen_at")
            },
            ago("created_at"),
            text("address"),
            if is_bound { "bound" } else { "-" }.to_owned(),
            text("agent"),
        ]);
    }
    table.write(out)?;
    if answer["complete"] == false {
        writeln!(out, "{FAINT}there are more{FAINT:#}")?;
    }
    Ok(())
}
