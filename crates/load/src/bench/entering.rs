//! Resumes, refreshes and logins a second, against how many clients there are at once.

use super::{at_sizes, sizes::Plan, workbench::Workbench};
use crate::{
    error::Error,
    fleet::Ending,
    report::{
        Chapter, Measurement,
        plot::{Axis, Plot, Point, Scale, Series},
    },
    scenario::{Site, login, refresh, resume},
    server::Hashing,
};

/// Clients that log in at once while Argon2 costs next to nothing.
const LOGIN_CLIENTS: usize = 32;

const BARE: &str = "nothing kept";
const ABOUT_BARE: &str = "Where nothing is kept, the server is another one, as one writes it in an afternoon with \
                          tungstenite and serde_json: it stores nothing and checks nothing, so that it shows what the \
                          machine can do.";

const CLIENTS: Axis = Axis::new("clients at once", Scale::RatioOfSizes);

/// What a server does that keeps nothing, which is what the machine can: figures of two machines, or of two days, are
/// compared by it.
fn bare(
    bench: &mut Workbench,
    plan: &Plan,
    throughput: fn(&Site, usize) -> Result<Vec<Measurement>, Error>,
) -> Result<(Vec<Measurement>, Vec<Point>), Error> {
    let (mut rows, points) = bench
        .with_bare(|site| at_sizes(&plan.clients, |clients| throughput(site, clients as usize)))?;
    for row in &mut rows {
        row.name = format!("{}, {BARE}", row.name);
        row.aim = None;
    }
    Ok((rows, points))
}

/// Both ways to leave, since servers and kernels do different work for them.
pub(super) fn resume(bench: &mut Workbench, plan: &Plan) -> Result<Chapter, Error> {
    let mut rows = Vec::new();
    let mut series = Vec::new();
    bench.with_server(Hashing::TurnedDown, |site| {
        for ending in [Ending::Reset, Ending::Fin] {
            let door = site.door.clone().ending(ending);
            let site = Site {
                door,
                ..site.clone()
            };
            let (told, points) = at_sizes(&plan.clients, |clients| {
                resume::throughput(&site, clients as usize)
            })?;
            rows.extend(told);
            let name = format!("{} at the end", site.door.describe_ending());
            series.push(Series::of_sizes(name, points));
        }
        Ok(())
    })?;
    let (bare, points) = bare(bench, plan, resume::throughput)?;
    rows.extend(bare);
    series.push(Series::of_sizes(BARE, points));
    Ok(Chapter {
        title: "Clients that come back",
        about: format!(
            "Connect, upgrade, present the stored token, get the next, leave; every client again as soon as it has left. \
             It leaves with a TCP reset or with a FIN. {ABOUT_BARE}"
        ),
        rows,
        plots: vec![Plot {
            name: "resume",
            title: "Resumes a second",
            x: CLIENTS,
            y: Axis::new("resumes a second", Scale::FromZero),
            series,
        }],
    })
}

/// Tokens that are replaced on live connections.
pub(super) fn refresh(bench: &mut Workbench, plan: &Plan) -> Result<Chapter, Error> {
    let (mut rows, points) = bench.with_server(Hashing::TurnedDown, |site| {
        at_sizes(&plan.clients, |clients| {
            refresh::throughput(site, clients as usize)
        })
    })?;
    let mut series = vec![Series::of_sizes("handfast", points)];
    let (bare, points) = bare(bench, plan, refresh::throughput)?;
    rows.extend(bare);
    series.push(Series::of_sizes(BARE, points));
    Ok(Chapter {
        title: "Tokens that are replaced on live connections",
        about: format!(
            "Present the token on the live connection, get the next; every client again as soon as it has its answer. \
             {ABOUT_BARE}"
        ),
        rows,
        plots: vec![Plot {
            name: "refresh",
            title: "Live refreshes a second",
            x: CLIENTS,
            y: Axis::new("refreshes a second", Scale::FromZero),
            series,
        }],
    })
}

/// With what a password costs by default, and with next to nothing, which shows the rest.
pub(super) fn login(bench: &mut Workbench, plan: &Plan) -> Result<Chapter, Error> {
    let mut rows = bench.with_server(Hashing::TurnedDown, |site| {
        login::throughput(site, LOGIN_CLIENTS, ", Argon2 turned down")
    })?;
    let mut curves = ["registration", "login"].map(|name| (name, Vec::new()));
    bench.with_server(Hashing::Default, |site| {
        for &clients in &plan.login_clients {
            let pair = login::throughput(site, clients as usize, ", Argon2 by default")?;
            for ((_, points), row) in curves.iter_mut().zip(&pair) {
                points.push(Point::of(clients, row));
            }
            rows.extend(pair);
        }
        Ok(())
    })?;
    Ok(Chapter {
        title: "Logins",
        about: "Connect, upgrade, register or log in, leave. The plot is of what a password costs by default: 19 MiB of \
                Argon2id, by half of the processors at a time; the first rows of the table are without that."
            .to_owned(),
        rows,
        plots: vec![Plot {
            name: "login",
            title: "Logins a second, with Argon2 as it is by default",
            x: CLIENTS,
            y: Axis::new("a second", Scale::FromZero),
            series: curves
                .map(|(name, points)| Series::of_sizes(name, points))
                .into(),
        }],
    })
}
