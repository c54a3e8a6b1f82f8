//! What `deploy` holds, looked at by the programs that it is for. Nothing of it is run here.

use std::process::Command;

use crate::failure::{Doing, Failure};
use crate::process;
use crate::steps::Shop;
use crate::tools::{self, Tool};

/// What the step needs.
pub(crate) const TOOLS: &[Tool] = &[
    tools::YAMLLINT,
    tools::SHELLCHECK,
    tools::PROMTOOL,
    tools::DOCKER_COMPOSE,
    tools::KUBECTL,
    tools::CHECK_JSONSCHEMA,
    tools::KUBERNETES_VALIDATE,
];
const YAML_RULES: &str = "{extends: default, rules: {line-length: {max: 125}, document-start: disable, \
                          braces: {max-spaces-inside: 0}}}";
const COMPOSE: &str = "deploy/compose/compose.yaml";
const ALERTS: &str = "deploy/prometheus/alerts.yaml";
const TESTS_OF_ALERTS: &str = "deploy/prometheus/alerts.test.yaml";
const KUBERNETES: &str = "deploy/kubernetes";

/// The step.
pub(crate) fn check(shop: &Shop<'_>) -> Result<(), Failure> {
    run(
        shop,
        shop.command("yamllint --strict -d")?
            .args([YAML_RULES, "deploy"]),
    )?;
    run(
        shop,
        &mut shop.command("shellcheck deploy/image/assemble.sh")?,
    )?;
    run(shop, shop.command("promtool check rules")?.arg(ALERTS))?;
    run(
        shop,
        shop.command("promtool test rules")?.arg(TESTS_OF_ALERTS),
    )?;
    compose(shop)?;
    kubernetes(shop)
}

/// It is what Compose's specification says, and Compose makes something of it.
fn compose(shop: &Shop<'_>) -> Result<(), Failure> {
    let schema = ["--builtin-schema", "vendor.compose-spec", COMPOSE];
    run(shop, shop.command("check-jsonschema")?.args(schema))?;
    let mut config = shop.command("docker-compose")?;
    config.args(["--file", COMPOSE, "config", "--quiet"]);
    run(shop, config.env("DATABASE_PASSWORD", "open-sesame"))
}

/// What Kustomize makes of it is what Kubernetes takes, to the last field.
fn kubernetes(shop: &Shop<'_>) -> Result<(), Failure> {
    let mut kustomize = shop.command("kubectl kustomize")?;
    let manifests = process::output_of(kustomize.arg(KUBERNETES))?;
    let file = shop.workspace.scratch("deploy")?.join("kubernetes.yaml");
    std::fs::write(&file, manifests).doing(format_args!("writing {}", file.display()))?;
    run(
        shop,
        shop.command("kubernetes-validate --strict")?.arg(file),
    )
}

fn run(shop: &Shop<'_>, command: &mut Command) -> Result<(), Failure> {
    shop.output.run(command)
}
