//! The thread that sends spans.

use super::{
    collector::{Collector, SendError},
    intake::Ended,
};
use opentelemetry_proto::{
    tonic::collector::trace::v1::ExportTraceServiceRequest,
    transform::{
        common::tonic::ResourceAttributesWithSchema,
        trace::tonic::group_spans_by_resource_and_scope,
    },
};
use opentelemetry_sdk::trace::SpanData;
use prost::Message as _;
use std::{mem, time::Duration};
use tokio::sync::watch;

/// How many spans are sent at once, at most.
const BATCH: usize = 512;
/// How long the first of a batch waits for others.
const GATHERING: Duration = Duration::from_secs(1);
/// How often a batch is sent that the collector does not take, with a pause after each that is twice as long as the last.
const TRIES: u32 = 4;
/// The first pause.
const PAUSE: Duration = Duration::from_secs(1);

/// All that the thread owns.
pub(super) struct Exporter {
    collector: Collector,
    resource: ResourceAttributesWithSchema,
    ended: Ended,
    closing: watch::Receiver<bool>,
    /// Whether it was said that spans get lost or stay, so that it is said once.
    told: bool,
    /// How many had been lost when a batch was sent last.
    lost_before: u64,
}

/// Why spans are not where they should be.
enum Trouble<'a> {
    Failed(&'a SendError),
    TooMany,
}

impl Exporter {
    pub(super) fn new(
        collector: Collector,
        resource: ResourceAttributesWithSchema,
        ended: Ended,
        closing: watch::Receiver<bool>,
    ) -> Self {
        Self {
            collector,
            resource,
            ended,
            closing,
            told: false,
            lost_before: 0,
        }
    }

    /// Sends batch after batch, until the process is about to end and nothing is left.
    pub(super) async fn run(mut self) {
        let mut batch = Vec::new();
        loop {
            self.gather(&mut batch).await;
            if batch.is_empty() {
                return;
            }
            self.deliver(mem::take(&mut batch)).await;
        }
    }

    /// Waits for something, and then a little for more. When the process is about to end, only takes what is there.
    async fn gather(&mut self, batch: &mut Vec<SpanData>) {
        let Self { ended, closing, .. } = self;
        let queue = &mut ended.queue;
        tokio::select! {
            biased;
            _ = closing.wait_for(|it| *it) => {}
            _ = queue.recv_many(batch, BATCH) => {}
        }
        let closed = closing.wait_for(|it| *it);
        let enough = async {
            while batch.len() < BATCH {
                let room = BATCH - batch.len();
                if queue.recv_many(batch, room).await == 0 {
                    return;
                }
            }
        };
        tokio::select! {
            biased;
            _ = closed => {}
            () = enough => {}
            () = tokio::time::sleep(GATHERING) => {}
        }
        while batch.len() < BATCH
            && let Ok(span) = ended.queue.try_recv()
        {
            batch.push(span);
        }
    }

    /// Sends a batch until the collector has it, or says that it does not want it, or it was tried often enough.
    async fn deliver(&mut self, batch: Vec<SpanData>) {
        let count = batch.len() as u64;
        let resource_spans = group_spans_by_resource_and_scope(batch, &self.resource);
        let body = ExportTraceServiceRequest { resource_spans }.encode_to_vec();
        let body = bytes::Bytes::from(body);
        let mut pause = PAUSE;
        for tried in 1..=TRIES {
            let failure = match self.collector.send(body.clone()).await {
                Ok(rejected) => {
                    let rejected = rejected.min(count);
                    self.ended.spans.note_sent(count - rejected);
                    self.ended.spans.note_lost(rejected);
                    return self.tell_of_loss();
                }
                Err(failure) => failure,
            };
            self.tell(Some(Trouble::Failed(&failure)));
            if tried == TRIES || !failure.may_pass() || *self.closing.borrow() {
                break;
            }
            let wait = failure.retry_after().unwrap_or(pause);
            // A process that is about to end tries once more, at once.
            let closed = self.closing.wait_for(|it| *it);
            drop(tokio::time::timeout(wait, closed).await);
            pause *= 2;
        }
        self.ended.spans.note_lost(count);
        self.lost_before = self.ended.spans.lost();
    }

    /// The collector answers. It may be too slow all the same.
    fn tell_of_loss(&mut self) {
        let lost = self.ended.spans.lost();
        let is_losing = mem::replace(&mut self.lost_before, lost) < lost;
        self.tell(is_losing.then_some(Trouble::TooMany));
    }

    /// Says once that something is wrong, and once that it no longer is.
    fn tell(&mut self, trouble: Option<Trouble<'_>>) {
        let told = mem::replace(&mut self.told, trouble.is_some());
        let (collector, lost) = (&self.collector, self.ended.spans.lost());
        match trouble {
            Some(_) if told => {}
            Some(Trouble::Failed(error)) => {
                tracing::warn!(%collector, %error, "traces do not reach the collector; what it does not take is lost");
            }
            Some(Trouble::TooMany) => {
                tracing::warn!(%collector, lost, "there are more traces than the collector takes; some are lost");
            }
            None if told => tracing::info!(%collector, lost, "traces reach the collector again"),
            None => {}
        }
    }
}
