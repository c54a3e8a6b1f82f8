use handfast_ledger::{conformance::FanoutFixture, fanout::InProcess};

/// A process with its media, by the names of their channels.
struct Process([(&'static str, InProcess); 2]);

impl FanoutFixture for Process {
    type Medium = InProcess;

    fn start() -> Self {
        Self(["cluster", "other-cluster"].map(|channel| (channel, InProcess::new())))
    }

    fn medium(&self, channel: &str) -> InProcess {
        let mut media = self.0.iter();
        let found = media.find(|(name, _)| *name == channel);
        found.unwrap().1.clone()
    }

    fn stop(&self) {
        self.0.iter().for_each(|(_, medium)| medium.cut());
    }

    fn start_again(&self) {
        self.0.iter().for_each(|(_, medium)| medium.restore());
    }

    fn shout(&self, channel: &str, text: &str) {
        self.medium(channel).send(text.into());
    }
}

handfast_ledger::fanout_conformance!(Process);
