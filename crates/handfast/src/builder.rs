//! Setting a node up.

use crate::{
    Handfast,
    address::Addresses,
    alarm::{self, Alarms},
    audit::{Audit, Auditor},
    changes::Changes,
    clock::SystemClock,
    cookie::UsedTickets,
    counts::Tally,
    credentials::{AccountCredentials, Credentials, PasswordSettings},
    follow::{self, Committed},
    hub::Hub,
    keys::{Algorithm, KeyFile, KeyFileError, LiveKeys},
    limiter::Limiter,
    node::Node,
    proof::Nonces,
    random,
    ready::Readiness,
    session::Application,
    settings::{LiveSettings, Settings},
    token::TokenIssuer,
    upkeep,
};
use handfast_core::time::Clock;
use handfast_ledger::{
    self as ledger, Backend, Cursor, Ledger, LedgerError, Observer, OpenError, Sqlite,
    accounts::{Accounts, SqliteAccounts},
    fanout::Fanout,
};
#[cfg(feature = "postgres")]
use handfast_ledger::{Postgres, PostgresUrl, accounts::PostgresAccounts};
use std::{
    fmt,
    fs::DirBuilder,
    io,
    os::unix::fs::DirBuilderExt as _,
    path::{Path, PathBuf},
    sync::Arc,
};

/// The embedded ledger's file in the data folder.
pub const LEDGER_FILE: &str = "ledger.db";
/// The accounts' file in the data folder.
pub const ACCOUNTS_FILE: &str = "accounts.db";
/// The keys' file in the data folder.
pub const KEYS_FILE: &str = "keys.jwks";

/// What stands in tokens as their issuer and audience, unless it is set.
const NAME: &str = "handfast";

/// Why a node cannot start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The data folder cannot be made or used.
    #[error("the data folder {} cannot be used", path.display())]
    Folder {
        /// The folder.
        path: PathBuf,
        /// What failed.
        #[source]
        source: io::Error,
    },
    /// A database cannot be used.
    #[error(transparent)]
    Database(#[from] OpenError),
    /// The keys cannot be used.
    #[error(transparent)]
    Keys(#[from] KeyFileError),
    /// The ledger does not answer.
    #[error("the ledger does not answer")]
    Ledger(#[from] LedgerError),
    /// The threads that hash passwords cannot be started.
    #[error("the threads that hash passwords cannot be started")]
    Threads(#[source] io::Error),
}

/// A node that is being set up.
pub struct Builder {
    ledger: Box<dyn StartLedger>,
    fanout: Option<Fanout>,
    credentials: Source<Arc<dyn Accounts>, Arc<dyn Credentials>>,
    keys: Source<KeyFile, Arc<LiveKeys>>,
    settings: Settings,
    passwords: PasswordSettings,
    algorithm: Algorithm,
    names: (Box<str>, Box<str>),
    application: Application,
    auditor: Option<Arc<dyn Auditor>>,
    clock: Option<Arc<dyn Clock>>,
}

/// What a part is made from, or the part itself.
enum Source<F, P> {
    From(F),
    Is(P),
}

/// A backend, whatever its type, that becomes a ledger when the node starts.
trait StartLedger: Send {
    fn start(
        self: Box<Self>,
        settings: ledger::Settings,
        clock: Arc<dyn Clock>,
        observer: Arc<dyn Observer>,
    ) -> Result<Ledger, LedgerError>;
}

impl<B: Backend> StartLedger for B {
    fn start(
        self: Box<Self>,
        settings: ledger::Settings,
        clock: Arc<dyn Clock>,
        observer: Arc<dyn Observer>,
    ) -> Result<Ledger, LedgerError> {
        Ledger::start(*self, settings, clock, observer)
    }
}

impl Builder {
    /// A node on parts of your own choice.
    pub fn new(
        ledger: impl Backend,
        credentials: Arc<dyn Credentials>,
        keys: Arc<LiveKeys>,
    ) -> Self {
        Self {
            ledger: Box::new(ledger),
            fanout: None,
            credentials: Source::Is(credentials),
            keys: Source::Is(keys),
            settings: Settings::default(),
            passwords: PasswordSettings::default(),
            algorithm: Algorithm::Hs256,
            names: (NAME.into(), NAME.into()),
            application: Application::None,
            auditor: None,
            clock: None,
        }
    }

    /// A node on the embedded ledger in the folder `data`, which is made if it is not there, for its owner only.
    pub(crate) fn open(data: &Path) -> Result<Self, StartError> {
        make_folder(data)?;
        // The ledger first: whoever has it has the folder.
        let ledger = Sqlite::open(&data.join(LEDGER_FILE))?;
        let accounts = SqliteAccounts::open(&data.join(ACCOUNTS_FILE))?;
        Ok(Self::with_accounts(data, ledger, accounts))
    }

    /// A node on a PostgreSQL database, with its keys in the folder `data`.
    #[cfg(feature = "postgres")]
    pub(crate) fn open_postgres(data: &Path, url: &PostgresUrl) -> Result<Self, StartError> {
        make_folder(data)?;
        let accounts = PostgresAccounts::open(url).map_err(OpenError::from)?;
        let ledger = Postgres::open(url).map_err(OpenError::from)?;
        Ok(Self::with_accounts(data, ledger, accounts))
    }

    fn with_accounts(data: &Path, ledger: impl Backend, accounts: impl Accounts) -> Self {
        Self {
            ledger: Box::new(ledger),
            fanout: None,
            credentials: Source::From(Arc::new(accounts)),
            keys: Source::From(KeyFile::new(data.join(KEYS_FILE))),
            settings: Settings::default(),
            passwords: PasswordSettings::default(),
            algorithm: Algorithm::Hs256,
            names: (NAME.into(), NAME.into()),
            application: Application::None,
            auditor: None,
            clock: None,
        }
    }

    /// Has the node tell others at once what changes, and hear of them. Without it they find out on their timers, at
    /// most one heartbeat later.
    #[must_use]
    pub fn fanout(mut self, fanout: Fanout) -> Self {
        self.fanout = Some(fanout);
        self
    }

    /// Sets what an operator may set.
    #[must_use]
    pub fn settings(mut self, settings: Settings) -> Self {
        self.settings = settings;
        self
    }

    /// Sets how the built-in accounts are made and their passwords hashed.
    #[must_use]
    pub fn passwords(mut self, passwords: PasswordSettings) -> Self {
        self.passwords = passwords;
        self
    }

    /// Has logins verified in another way than by the built-in accounts.
    #[must_use]
    pub fn credentials(mut self, credentials: Arc<dyn Credentials>) -> Self {
        self.credentials = Source::Is(credentials);
        self
    }

    /// Sets the `iss` and `aud` of tokens, and the algorithm of a key that has to be made.
    #[must_use]
    pub fn tokens(mut self, issuer: &str, audience: &str, algorithm: Algorithm) -> Self {
        self.names = (issuer.into(), audience.into());
        self.algorithm = algorithm;
        self
    }

    /// Says what becomes of the frames of authenticated connections that are not the protocol's.
    #[must_use]
    pub fn application(mut self, application: Application) -> Self {
        self.application = application;
        self
    }

    /// Has `auditor` keep the record of who logged in, came back, was refused and was ended.
    #[must_use]
    pub fn auditor(mut self, auditor: Arc<dyn Auditor>) -> Self {
        self.auditor = Some(auditor);
        self
    }

    /// Goes by another clock than the system's, such as one that a test moves. Whatever waits still wakes by the
    /// system's; what is due is decided by this one.
    #[must_use]
    pub fn clock(mut self, clock: Arc<dyn Clock>) -> Self {
        self.clock = Some(clock);
        self
    }

    /// The file that the keys come from, if they come from one.
    #[must_use]
    pub fn key_file(&self) -> Option<KeyFile> {
        match &self.keys {
            Source::From(file) => Some(file.clone()),
            Source::Is(_) => None,
        }
    }

    /// Starts the node, within a tokio runtime.
    ///
    /// # Errors
    /// [`StartError`], which says what cannot be used.
    pub fn start(self) -> Result<Handfast, StartError> {
        let clock = self.clock.unwrap_or_else(|| Arc::new(SystemClock::start()));
        let keys = match self.keys {
            Source::Is(keys) => keys,
            Source::From(file) => Arc::new(LiveKeys::new(
                file.load_or_create(self.algorithm, clock.now().unix)?,
            )),
        };
        let (credentials, accounts): (Arc<dyn Credentials>, _) = match self.credentials {
            Source::Is(credentials) => (credentials, None),
            Source::From(accounts) => {
                let made = AccountCredentials::start(accounts, self.passwords, Arc::clone(&clock));
                let made = Arc::new(made.map_err(StartError::Threads)?);
                (Arc::clone(&made) as _, Some(made))
            }
        };
        let hub = Arc::new(Hub::new());
        let audit = Arc::new(Audit::new(self.auditor, Arc::clone(&clock)));
        let policy = ledger::Settings {
            policy: self.settings.tokens,
        };
        let (others, inbox) = self
            .fanout
            .map(|fanout| fanout.join(hub.node(), random::below))
            .unzip();
        let others = others.map(Arc::new);
        let observer = Committed {
            hub: Arc::clone(&hub),
            others: others.clone(),
            audit: Arc::clone(&audit),
        };
        let ledger = self
            .ledger
            .start(policy, Arc::clone(&clock), Arc::new(observer))?;
        // Asked before any connection can ask for anything.
        let beginning = ledger.changes_since(Cursor::END);
        let (issuer, audience) = self.names;
        let node = Arc::new(Node {
            clock,
            hub,
            alarms: Arc::new(Alarms::new()),
            ledger,
            fanout: others,
            tokens: Arc::new(TokenIssuer::new(keys, &issuer, &audience)),
            nonces: Nonces::new(),
            tally: Tally::new(),
            audit,
            credentials,
            accounts,
            application: self.application,
            addresses: Arc::new(Addresses::new()),
            logins_by_account: Limiter::new(),
            logins_by_address: Limiter::new(),
            presentations: Limiter::new(),
            exchanges: Limiter::new(),
            used_tickets: UsedTickets::new(),
            readiness: Readiness::default(),
            changes: Changes::default(),
            settings: LiveSettings::new(self.settings),
        });
        let followed = Arc::downgrade(&node);
        drop(tokio::spawn(follow::follow(followed, beginning, inbox)));
        drop(tokio::spawn(upkeep::sweep(Arc::downgrade(&node))));
        drop(tokio::spawn(alarm::ring(Arc::downgrade(&node))));
        Ok(Handfast { node })
    }
}

/// Makes the data folder, for its owner only, where there is none.
fn make_folder(data: &Path) -> Result<(), StartError> {
    if data.exists() {
        return Ok(());
    }
    let made = DirBuilder::new().recursive(true).mode(0o700).create(data);
    made.map_err(|source| StartError::Folder {
        path: data.to_path_buf(),
        source,
    })
}

impl fmt::Debug for Builder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Builder")
            .field("settings", &self.settings)
            .finish_non_exhaustive()
    }
}
