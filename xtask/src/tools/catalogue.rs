//! Every tool that a step or a command needs.

use super::Tool;

pub(crate) const RUSTFMT: Tool = Tool::Component {
    program: "cargo-fmt",
    component: "rustfmt",
};
pub(crate) const CLIPPY: Tool = Tool::Component {
    program: "cargo-clippy",
    component: "clippy",
};
pub(crate) const NEXTEST: Tool = Tool::Cargo {
    program: "cargo-nextest",
    package: "cargo-nextest",
    version: "0.9.143",
};
pub(crate) const DENY: Tool = Tool::Cargo {
    program: "cargo-deny",
    package: "cargo-deny",
    version: "0.20.2",
};
pub(crate) const MACHETE: Tool = Tool::Cargo {
    program: "cargo-machete",
    package: "cargo-machete",
    version: "0.9.2",
};
/// libFuzzer is in C++.
pub(crate) const CXX: Tool = Tool::Debian {
    program: "c++",
    package: "g++",
};
pub(crate) const FUZZ: Tool = Tool::Cargo {
    program: "cargo-fuzz",
    package: "cargo-fuzz",
    version: "0.13.2",
};
/// It draws flame graphs. The second of its programs comes with the first.
pub(crate) const FLAMEGRAPH: Tool = Tool::Cargo {
    program: "inferno-flamegraph",
    package: "inferno",
    version: "0.12.8",
};
pub(crate) const PERF: Tool = Tool::Debian {
    program: "perf",
    package: "linux-perf",
};
/// jemalloc's build script calls it.
pub(crate) const MAKE: Tool = Tool::Debian {
    program: "make",
    package: "make",
};
/// Chromium without the parts that only a window needs, which were half of what the tests took.
pub(crate) const CHROMIUM: Tool = Tool::Debian {
    program: "chromium-headless-shell",
    package: "chromium-headless-shell",
};
/// The ledger's tests start servers of their own; one that the package started is left alone.
pub(crate) const POSTGRESQL: Tool = Tool::Debian {
    program: "postgres",
    package: "postgresql",
};
pub(crate) const REDIS: Tool = Tool::Debian {
    program: "redis-server",
    package: "redis-server",
};
pub(crate) const NATS: Tool = Tool::Debian {
    program: "nats-server",
    package: "nats-server",
};
/// It makes the network of a network namespace.
pub(crate) const IPROUTE: Tool = Tool::Debian {
    program: "ip",
    package: "iproute2",
};
/// It lies to a node about the time of day.
pub(crate) const FAKETIME: Tool = Tool::Debian {
    program: "faketime",
    package: "faketime",
};
/// The tests start proxies of their own, with the files that are in `deploy`.
pub(crate) const NGINX: Tool = Tool::Debian {
    program: "nginx",
    package: "nginx",
};
pub(crate) const HAPROXY: Tool = Tool::Debian {
    program: "haproxy",
    package: "haproxy",
};
pub(crate) const CADDY: Tool = Tool::Debian {
    program: "caddy",
    package: "caddy",
};
/// The tests make backups with it, as the guide says.
pub(crate) const SQLITE: Tool = Tool::Debian {
    program: "sqlite3",
    package: "sqlite3",
};
pub(crate) const YAMLLINT: Tool = Tool::Debian {
    program: "yamllint",
    package: "yamllint",
};
pub(crate) const SHELLCHECK: Tool = Tool::Debian {
    program: "shellcheck",
    package: "shellcheck",
};
/// It checks and tests the alerts, and what the metrics are called.
pub(crate) const PROMTOOL: Tool = Tool::Debian {
    program: "promtool",
    package: "prometheus",
};
pub(crate) const DOCKER_COMPOSE: Tool = Tool::Debian {
    program: "docker-compose",
    package: "docker-compose",
};
pub(crate) const KUBECTL: Tool = Tool::Debian {
    program: "kubectl",
    package: "kubernetes-client",
};
/// It asks operators' questions of every kind and holds the answers against their description.
pub(crate) const SCHEMATHESIS: Tool = Tool::Python {
    program: "schemathesis",
    version: "4.32.5",
};
/// It knows Compose's specification.
pub(crate) const CHECK_JSONSCHEMA: Tool = Tool::Python {
    program: "check-jsonschema",
    version: "0.39.0",
};
/// It knows Kubernetes' own.
pub(crate) const KUBERNETES_VALIDATE: Tool = Tool::Python {
    program: "kubernetes-validate",
    version: "1.37.0",
};
/// It looks at the unit file.
pub(crate) const SYSTEMD: Tool = Tool::Debian {
    program: "systemd-analyze",
    package: "systemd",
};
/// It builds images without a service.
pub(crate) const BUILDAH: Tool = Tool::Debian {
    program: "buildah",
    package: "buildah",
};
/// It runs them, by runc, without a service.
pub(crate) const PODMAN: Tool = Tool::Debian {
    program: "podman",
    package: "podman",
};
pub(crate) const RUNC: Tool = Tool::Debian {
    program: "runc",
    package: "runc",
};
pub(crate) const STRIP: Tool = Tool::Debian {
    program: "strip",
    package: "binutils",
};
/// What the tests of several nodes need.
pub(crate) const CLUSTER: &[Tool] = &[MAKE, POSTGRESQL, REDIS, FAKETIME];
pub(crate) const E2E_PACKAGES: Tool = Tool::Npm {
    name: "e2e-packages",
    folder: "e2e",
};
pub(crate) const SDK_PACKAGES: Tool = Tool::Npm {
    name: "sdk-packages",
    folder: "sdk/typescript",
};
