//! Where each outside crate may be named.

/// Each outside crate and the only places that may name it.
pub(super) const HOMES: &[(&str, &[&str])] = &[
    ("bevy_ecs", &["systems/", "src/engine.rs", "src/probe.rs"]),
    ("bevy_tasks", &["src/engine.rs"]),
    (
        "serde_json",
        &["src/venue/", "src/import/jsonl.rs", "src/import/error.rs", "src/commands", "src/sim/"],
    ),
    ("clap", &["src/cli", "src/main.rs", "src/commands"]),
    ("toml", &["src/config"]),
    ("strsim", &["src/config"]),
    ("zstd", &["src/tape/"]),
    ("crc32c", &["src/tape/"]),
    ("flate2", &["src/import/"]),
    ("zip", &["src/import/"]),
    // Only tests read CSV with it.
    ("csv", &[]),
    ("humantime", &["src/logging.rs", "src/commands/mod.rs"]),
    ("memchr", &["src/tape/"]),
    ("rand_core", &[]),
    (
        "indicatif",
        &["src/terminal.rs", "src/progress.rs", "src/live/panel", "src/commands/table.rs"],
    ),
    ("console", &["src/terminal.rs", "src/live/panel", "src/commands/doctor.rs"]),
    ("rustix", &["src/commands/doctor/machine.rs", "src/profile/loopback.rs"]),
    ("fern", &["src/logging.rs"]),
    ("xxhash_rust", &["src/digest.rs", "src/tape/", "src/commands/import.rs"]),
    ("rand_pcg", &["src/synthetic", "src/rest/retry.rs", "src/link/"]),
    (
        "tokio",
        &[
            "src/rest/client.rs",
            "src/rest/worker.rs",
            "src/sim/",
            "src/live/",
            "src/profile/loopback.rs",
        ],
    ),
    ("tokio_rustls", &["src/sim/", "src/live/socket.rs"]),
    ("tokio_tungstenite", &["src/sim/", "src/live/socket.rs", "src/profile/loopback.rs"]),
    ("futures_util", &["src/sim/connection.rs", "src/live/socket.rs", "src/profile/loopback.rs"]),
    ("hdrhistogram", &["src/live/status.rs", "src/latency/"]),
    ("hyper", &["src/rest/client.rs", "src/sim/server.rs"]),
    ("hyper_rustls", &["src/rest/client.rs"]),
    ("hyper_util", &["src/rest/client.rs", "src/sim/server.rs"]),
    ("http_body_util", &["src/rest/client.rs", "src/sim/server.rs"]),
    ("rustls", &["src/tls.rs", "src/sim/socket.rs"]),
    ("rustls_native_certs", &["src/tls.rs"]),
    ("rcgen", &["src/sim/socket.rs"]),
    ("winnow", &["src/rules/lex.rs", "src/rules/parse.rs"]),
];
