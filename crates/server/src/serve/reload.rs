//! SIGHUP: what can be taken anew is, all of it or nothing.

use super::{
    Watching,
    files::{self, FileError},
    library,
};
use crate::{
    audit::AuditStream,
    config::{self, Drain, Loaded, Problems, Reloaded, Remedy as _},
};
use handfast::{Handfast, LiveServing, Serving, clock::SystemClock, keys::KeyRing};
use handfast_core::time::Clock as _;
use std::sync::Arc;

/// What is in force, and the places where it can be exchanged.
#[derive(Debug)]
pub(super) struct Reloader {
    pub(super) running: Loaded,
    pub(super) handfast: Handfast,
    pub(super) serving: LiveServing,
    pub(super) watching: Arc<Watching>,
    pub(super) audit: Option<AuditStream>,
}

/// All that is to be in force next, loaded and known to be usable.
struct Next {
    configuration: Reloaded,
    serving: Serving,
    keys: KeyRing,
}

/// Why nothing is taken anew.
enum Refused {
    Configuration(Problems),
    File(FileError),
}

impl Reloader {
    /// Takes everything anew. If anything of it is wrong, that is said, and all stays as it is.
    pub(super) fn reload(&mut self) {
        // Whoever renamed the file means this also where the configuration has become wrong.
        if let Some(audit) = &self.audit {
            audit.reopen();
        }
        match self.load() {
            Ok(next) => self.take(next),
            Err(refused) => {
                refused.tell();
                tracing::error!("nothing was reloaded; what is in force stays");
            }
        }
    }

    /// How to stop, as it is in force.
    pub(super) fn drain(&self) -> Drain {
        self.running.config.drain.clone()
    }

    fn load(&self) -> Result<Next, Refused> {
        let configuration = config::reload(&self.running).map_err(Refused::Configuration)?;
        let config = &configuration.loaded.config;
        Ok(Next {
            serving: files::serving(config).map_err(Refused::File)?,
            keys: files::keys(config).map_err(Refused::File)?,
            configuration,
        })
    }

    /// None of this can fail.
    fn take(&mut self, next: Next) {
        let Reloaded {
            loaded,
            changed,
            kept,
        } = next.configuration;
        let now = SystemClock::start().now().unix;
        let (signing, keys) = (
            next.keys.signing(now).id().to_owned(),
            next.keys.keys().len(),
        );
        let tls = next.serving.tls.is_some();
        self.handfast.tokens().keys().replace(next.keys);
        self.handfast
            .change_settings(library::settings(&loaded.config));
        self.serving.replace(next.serving);
        self.watching.log.set(&loaded.config.log.level);
        if let Some(traces) = &self.watching.traces {
            traces.set_ratio(loaded.config.otlp.sample_ratio);
        }
        let changed = changed.join(", ");
        tracing::info!(changed, signing, keys, tls, "reloaded");
        for setting in kept {
            let (wanted, running) = (&setting.wanted, &setting.running);
            tracing::warn!(set = %wanted.source, wanted = %wanted.value, %running, "`{}` takes a restart to change", wanted.key);
        }
        for warning in &loaded.warnings {
            if !self.running.warnings.contains(warning) {
                tracing::warn!(set = %warning.source, remedy = warning.what.remedy(), "{warning}");
            }
        }
        self.running = loaded;
    }
}

impl Refused {
    fn tell(&self) {
        match self {
            Self::Configuration(Problems(problems)) => {
                for problem in problems {
                    tracing::error!(set = %problem.source, remedy = problem.what.remedy(), "{problem}");
                }
            }
            Self::File(error) => {
                let cause = std::error::Error::source(error).map(ToString::to_string);
                tracing::error!(cause, "{error}");
            }
        }
    }
}
