//! What the command line looks like.

use super::audit::When;
use crate::config::{Flags, Remedy as _, parse_duration};
use clap::{Args, Parser, Subcommand};
use std::{path::PathBuf, time::Duration};

const EXAMPLES: &str = "\
Examples:
  handfast                                serve at http://127.0.0.1:9001
  handfast --listen 0.0.0.0:9001          serve at every address
  handfast --config /etc/handfast.toml    serve as a file says
  HANDFAST_TOKEN__LIFETIME=20s handfast   set anything by environment
  handfast doctor                         look for what is wrong here

Every setting is a key in the file and a variable in the environment: `lifetime` in [token] is
HANDFAST_TOKEN__LIFETIME. A flag wins over a variable, a variable over the file, the file over the
default. `handfast config show` lists all settings.";

const USER_EXAMPLES: &str = "\
Examples:
  handfast user add ann                          asks for the password
  pass show ann | handfast user add ann --password-stdin
  handfast user list --json | jq -r '.[].subject'
  handfast user disable ann --yes                in a script

The running server carries it out, at once. Where none runs, the data folder is opened directly.";

const SESSION_EXAMPLES: &str = "\
Examples:
  handfast session list ann
  handfast session revoke bN2i8sVfQ3iPp0mV2yqS7w
  handfast session revoke --user ann --yes       all of them, in a script

The running server carries it out, at once. Where none runs, the data folder is opened directly.";

const AUDIT_EXAMPLES: &str = "\
Examples:
  handfast audit                                 the newest hundred
  handfast audit --user ann --since 2h
  handfast audit --since 2026-02-03 --until 2026-02-04 --limit 1000 --json

Each node has a record of its own, in the file that `audit.path` names.";

const INSPECT_EXAMPLES: &str = "\
Examples:
  handfast token inspect                  paste the token, then press Ctrl-D
  handfast token inspect < token.txt      from a file
  handfast token inspect --json < token.txt | jq .claims.exp";

const COPY_EXAMPLES: &str = "\
Examples:
  handfast ledger copy --to - < url.txt
  handfast ledger copy --to postgres://handfast@db.example.com/handfast?sslmode=verify-full";

/// Session authentication for WebSockets: log in once, and the connection is the session.
#[derive(Debug, Parser)]
#[command(
    name = "handfast",
    version,
    after_help = EXAMPLES,
    max_term_width = 100,
    disable_help_subcommand = true
)]
pub(super) struct Cli {
    #[command(flatten)]
    pub(super) settings: SettingArgs,
    #[command(subcommand)]
    pub(super) command: Option<Command>,
}

/// The settings that have a flag.
#[derive(Debug, Args)]
#[command(next_help_heading = "Settings")]
pub(super) struct SettingArgs {
    /// The configuration file, in TOML. Without it, HANDFAST_CONFIG may name one.
    #[arg(long, global = true, value_name = "FILE")]
    config: Option<PathBuf>,
    /// Where clients connect: an IP address and a port.
    #[arg(long, global = true, value_name = "ADDR")]
    listen: Option<String>,
    /// The folder of everything that handfast keeps.
    #[arg(long, global = true, value_name = "DIR")]
    data: Option<String>,
    /// Where operators connect: an IP address and a port.
    #[arg(long, global = true, value_name = "ADDR")]
    admin: Option<String>,
}

impl SettingArgs {
    /// The same, for the configuration.
    pub(super) fn flags(self) -> Flags {
        Flags {
            config: self.config,
            listen: self.listen,
            data: self.data,
            admin: self.admin,
        }
    }
}

#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// Serve clients. This is what handfast does without a command.
    Serve {
        /// Wait for the ledger where it cannot be reached yet, instead of failing.
        #[arg(long)]
        wait: bool,
    },
    /// Bring the ledger up to date, or move it.
    #[command(subcommand)]
    Ledger(LedgerCommand),
    /// Show or check the configuration.
    #[command(subcommand)]
    Config(ConfigCommand),
    /// List or rotate the keys that sign tokens.
    #[command(subcommand)]
    Keys(KeysCommand),
    /// Add, list, disable and enable those who can log in, and set their passwords.
    #[command(subcommand, after_help = USER_EXAMPLES)]
    User(UserCommand),
    /// List and end sessions.
    #[command(subcommand, after_help = SESSION_EXAMPLES)]
    Session(SessionCommand),
    /// Show what happened: who logged in, came back, was refused and was ended, and what operators did.
    #[command(after_help = AUDIT_EXAMPLES)]
    Audit(AuditArgs),
    /// Look into a token.
    #[command(subcommand)]
    Token(TokenCommand),
    /// Ask the running server how it is.
    ///
    /// For what watches over a container. Exits with 1 if it is not well.
    Healthcheck {
        /// Ask whether it can serve clients now, rather than whether it runs.
        #[arg(long)]
        ready: bool,
    },
    /// Look for what is wrong here: files, ports, limits, clock, exposure.
    ///
    /// Each finding is ok, a warning or a failure, the last two with a remedy. Nothing is changed.
    /// Exits with 1 if there is a failure.
    Doctor {
        /// Print the findings as JSON.
        #[arg(long)]
        json: bool,
    },
}

#[derive(Debug, Subcommand)]
pub(super) enum LedgerCommand {
    /// Make the tables of `ledger.url` where there are none, and bring older ones up to date.
    ///
    /// A server does the same when it starts.
    Migrate,
    /// Copy the embedded ledger and its accounts into an empty PostgreSQL database.
    ///
    /// Everything is copied, or nothing. No server may run on the embedded ledger meanwhile.
    #[command(after_help = COPY_EXAMPLES)]
    Copy {
        /// The database. `-` reads its URL from stdin, which keeps the password out of the shell's
        /// history.
        #[arg(long, value_name = "URL")]
        to: String,
    },
}

#[derive(Debug, Subcommand)]
pub(super) enum KeysCommand {
    /// List the keys, their age and what they are used for.
    List {
        /// Print them as JSON, with times in Unix seconds.
        #[arg(long)]
        json: bool,
    },
    /// Add a key that signs from a little later on.
    ///
    /// Send SIGHUP to every running handfast before it does: a node that does not know the key
    /// refuses its tokens. The keys before it go on verifying until the last token that they can
    /// have signed has expired, so nobody has to log in again.
    ///
    /// It needs the settings that the server has: `token.lifetime` says how long that is, and
    /// `token.algorithm` what the new key is for.
    Rotate {
        /// How much later. By then every node must have the file and have been told.
        #[arg(long, value_name = "DURATION", default_value = "10m", value_parser = duration)]
        activate_after: Duration,
    },
}

/// A duration as the configuration has them.
fn duration(text: &str) -> Result<Duration, String> {
    parse_duration(text).map_err(|wrong| format!("{wrong}; {}", wrong.remedy()))
}

#[derive(Debug, Subcommand)]
pub(super) enum UserCommand {
    /// Make an account, whatever `registration` says of clients.
    Add {
        /// The user name.
        username: String,
        /// Read the password from the first line of stdin.
        #[arg(long)]
        password_stdin: bool,
    },
    /// Set another password, and end every session of the account.
    Passwd {
        /// The user name.
        username: String,
        /// Read the password from the first line of stdin. This is not asked about then.
        #[arg(long)]
        password_stdin: bool,
        /// Do not ask whether it is meant.
        #[arg(long)]
        yes: bool,
    },
    /// List the accounts.
    List {
        /// Print them as JSON, with times in Unix seconds.
        #[arg(long)]
        json: bool,
    },
    /// Forbid an account to log in, and end every session of it.
    Disable {
        /// The user name.
        username: String,
        /// Do not ask whether it is meant.
        #[arg(long)]
        yes: bool,
    },
    /// Allow an account to log in again.
    Enable {
        /// The user name.
        username: String,
    },
}

#[derive(Debug, Subcommand)]
pub(super) enum SessionCommand {
    /// List the live sessions of a user, newest seen first.
    List {
        /// The user name.
        username: String,
        /// Print them as JSON, with times in Unix seconds.
        #[arg(long)]
        json: bool,
    },
    /// End a session, or all of a user, for good. Their connections are closed at once.
    Revoke {
        /// The name of the session, as `handfast session list` shows it.
        #[arg(required_unless_present = "user", conflicts_with = "user")]
        session: Option<String>,
        /// End all sessions of this user.
        #[arg(long, value_name = "USERNAME")]
        user: Option<String>,
        /// Do not ask whether it is meant.
        #[arg(long)]
        yes: bool,
    },
}

#[derive(Debug, Args)]
pub(super) struct AuditArgs {
    /// Of this user only.
    #[arg(long, value_name = "USERNAME")]
    pub(super) user: Option<String>,
    /// Of this session only.
    #[arg(long, value_name = "SESSION")]
    pub(super) session: Option<String>,
    /// From then on: how long ago, or a time in UTC.
    #[arg(long, value_name = "WHEN", value_parser = When::read)]
    pub(super) since: Option<When>,
    /// Until then.
    #[arg(long, value_name = "WHEN", value_parser = When::read)]
    pub(super) until: Option<When>,
    /// How many of the newest at most, up to 1000.
    #[arg(long, value_name = "COUNT", default_value_t = 100, value_parser = clap::value_parser!(u16).range(1..=1_000))]
    pub(super) limit: u16,
    /// Print them as JSON.
    #[arg(long)]
    pub(super) json: bool,
}

#[derive(Debug, Subcommand)]
pub(super) enum TokenCommand {
    /// Print what a token says, and whether one of our keys signed it.
    ///
    /// Exits with 1 if the token would not be accepted. Whether its session goes on is not looked
    /// up.
    #[command(after_help = INSPECT_EXAMPLES)]
    Inspect {
        /// The token; `-` or nothing reads it from stdin, which keeps it out of the shell's history.
        token: Option<String>,
        /// Print it as JSON.
        #[arg(long)]
        json: bool,
    },
}

#[derive(Debug, Subcommand)]
pub(super) enum ConfigCommand {
    /// Print the configuration in force, as TOML.
    ///
    /// Behind each setting stands where its value came from. Secrets are left out: a `…` stands for
    /// the password in a URL. But for those, what is printed can be used as a configuration file.
    Show,
    /// Check whether handfast would start with this configuration.
    ///
    /// Reports everything that is wrong, each with where it stands and what to do. Exits with 2 if
    /// handfast would not start.
    Check,
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory as _;

    #[test]
    fn the_command_line_is_consistent() {
        Cli::command().debug_assert();
    }

    #[test]
    fn a_setting_may_stand_before_or_behind_the_command() {
        for line in [
            ["handfast", "--listen", "127.0.0.1:1", "config", "show"],
            ["handfast", "config", "show", "--listen", "127.0.0.1:1"],
        ] {
            let cli = Cli::try_parse_from(line).expect("both are right");
            assert_eq!(cli.settings.listen.as_deref(), Some("127.0.0.1:1"));
        }
    }

    #[test]
    fn without_a_command_the_settings_are_those_of_serve() {
        let cli = Cli::try_parse_from(["handfast", "--data", "d"]).expect("it is right");
        assert!(cli.command.is_none());
        assert_eq!(cli.settings.data.as_deref(), Some("d"));
    }
}
