use handfast_ledger::{
    conformance::{FanoutFixture, service::NatsServer},
    fanout::{Channel, Nats},
};

struct Server(NatsServer);

impl FanoutFixture for Server {
    type Medium = Nats;

    fn start() -> Self {
        Self(NatsServer::start())
    }

    fn medium(&self, channel: &str) -> Nats {
        Nats::new(
            self.0.url().parse().unwrap(),
            Channel::parse(channel).unwrap(),
        )
    }

    fn stop(&self) {
        self.0.stop();
    }

    fn start_again(&self) {
        self.0.start_again();
    }

    fn shout(&self, channel: &str, text: &str) {
        self.0.publish(channel, text);
    }
}

handfast_ledger::fanout_conformance!(Server);
