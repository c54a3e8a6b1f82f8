use handfast_ledger::{
    conformance::{
        FanoutFixture,
        service::{DatabaseUrl, PostgresServer, Shutdown},
    },
    fanout::{Channel, Postgres},
};

struct Server {
    server: PostgresServer,
    database: DatabaseUrl,
}

impl FanoutFixture for Server {
    type Medium = Postgres;

    fn start() -> Self {
        let server = PostgresServer::start();
        let database = server.database();
        Self { server, database }
    }

    fn medium(&self, channel: &str) -> Postgres {
        let url = self.database.expose().parse().unwrap();
        Postgres::new(&url, Channel::parse(channel).unwrap()).unwrap()
    }

    fn stop(&self) {
        self.server.stop(Shutdown::Immediate);
    }

    fn start_again(&self) {
        self.server.start_again();
    }

    fn shout(&self, channel: &str, text: &str) {
        let notify = format!("SELECT pg_notify('{channel}', '{text}')");
        self.database.query(&notify);
    }
}

handfast_ledger::fanout_conformance!(Server);
