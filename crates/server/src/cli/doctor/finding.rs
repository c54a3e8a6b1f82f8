//! What the doctor says.

use serde::Serialize;

/// One thing that was looked at.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(super) struct Finding {
    /// What was looked at.
    pub(super) check: &'static str,
    /// How it is.
    pub(super) verdict: Verdict,
    /// What was found.
    pub(super) found: String,
    /// What to do, where something should be done.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) remedy: Option<String>,
}

/// How something is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Verdict {
    /// As it should be.
    Ok,
    /// It works, but somebody should look.
    Warn,
    /// It does not work, or is not safe.
    Fail,
}

/// One thing to look at; makes its findings.
#[derive(Debug, Clone, Copy)]
pub(super) struct Check(pub(super) &'static str);

impl Check {
    /// It is as it should be.
    pub(super) fn ok(self, found: impl Into<String>) -> Finding {
        self.finding(Verdict::Ok, found.into(), None)
    }

    /// It works, but somebody should look.
    pub(super) fn warn(self, found: impl Into<String>, remedy: impl Into<String>) -> Finding {
        self.finding(Verdict::Warn, found.into(), Some(remedy.into()))
    }

    /// It does not work, or is not safe.
    pub(super) fn fail(self, found: impl Into<String>, remedy: impl Into<String>) -> Finding {
        self.finding(Verdict::Fail, found.into(), Some(remedy.into()))
    }

    fn finding(self, verdict: Verdict, found: String, remedy: Option<String>) -> Finding {
        Finding {
            check: self.0,
            verdict,
            found,
            remedy,
        }
    }
}
