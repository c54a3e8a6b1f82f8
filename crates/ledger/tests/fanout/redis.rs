use handfast_ledger::{
    conformance::{FanoutFixture, service::RedisServer},
    fanout::{Channel, Redis},
};

struct Server(RedisServer);

impl FanoutFixture for Server {
    type Medium = Redis;

    fn start() -> Self {
        Self(RedisServer::start())
    }

    fn medium(&self, channel: &str) -> Redis {
        Redis::new(
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
