//! Where servers are started for a measurement and ended after it.

use crate::{
    cli::Bench,
    error::Error,
    fleet::{Door, Landing},
    meter::Meter,
    scenario::{Pace, Site},
    server::{Cluster, Fanout, Folder, NodeSettings, Server, Settings},
    watch::Watch,
};
use std::path::PathBuf;

/// Starts one measured server, or several nodes, after the other.
pub(super) struct Workbench {
    program: PathBuf,
    data_root: PathBuf,
    watch: Watch,
    pace: Pace,
    /// How many servers there were.
    servers: u32,
}

impl Workbench {
    pub(super) fn new(options: &Bench, watch: Watch, pace: Pace) -> Result<Self, Error> {
        let (program, data_root) = options.measured.places()?;
        Ok(Self {
            program,
            data_root,
            watch,
            pace,
            servers: 0,
        })
    }

    /// Starts a server, measures, ends the server.
    pub(super) fn with_server<T>(
        &mut self,
        settings: impl Into<Settings>,
        measure: impl FnOnce(&Site) -> Result<T, Error>,
    ) -> Result<T, Error> {
        self.watch.say("starting a server");
        let folder = self.folder()?;
        let server = Server::start(&self.program, folder, &settings.into(), &self.watch)?;
        self.with(server, measure)
    }

    /// The same with a server that keeps nothing and checks nothing.
    pub(super) fn with_bare<T>(
        &mut self,
        measure: impl FnOnce(&Site) -> Result<T, Error>,
    ) -> Result<T, Error> {
        self.watch.say("starting a bare server");
        let folder = self.folder()?;
        let server = Server::start_bare(folder, &self.watch)?;
        self.with(server, measure)
    }

    fn with<T>(
        &self,
        mut server: Server,
        measure: impl FnOnce(&Site) -> Result<T, Error>,
    ) -> Result<T, Error> {
        let site = Site {
            operators: server.operators(),
            door: Door::new(&server.target()),
            meter: Meter::new([server.pid()]),
            watch: self.watch.clone(),
            pace: self.pace,
        };
        measure(&site).map_err(|error| server.blame(error))
    }

    /// Starts nodes and what they share, measures, ends them.
    pub(super) fn with_nodes<T>(
        &mut self,
        nodes: u32,
        fanout: Fanout,
        landing: Landing,
        measure: impl FnOnce(&Site, &mut Cluster) -> Result<T, Error>,
    ) -> Result<T, Error> {
        let folders = (0..nodes).map(|_| self.folder());
        let folders = folders.collect::<Result<_, _>>()?;
        let mut cluster = Cluster::start(
            &self.program,
            folders,
            fanout,
            &NodeSettings::default(),
            &self.watch,
        )?;
        let site = Site {
            operators: None,
            door: Door::to_nodes(&cluster.targets(), landing),
            meter: Meter::new(cluster.pids()),
            watch: self.watch.clone(),
            pace: self.pace,
        };
        measure(&site, &mut cluster).map_err(|error| cluster.blame(error))
    }

    fn folder(&mut self) -> Result<Folder, Error> {
        self.servers += 1;
        Folder::create(&self.data_root, self.servers)
    }
}
