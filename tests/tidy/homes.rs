//! Where each outside crate may be named.

/// Each outside crate and the only places that may name it.
pub(super) const HOMES: &[(&str, &[&str])] = &[
    ("bevy_ecs", &["systems/", "src/engine.rs"]),
    ("bevy_tasks", &["src/engine.rs"]),
    ("serde_json", &["src/venue/", "src/import/jsonl.rs", "src/import/error.rs", "src/commands"]),
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
    ("indicatif", &["src/progress.rs", "src/commands/table.rs"]),
    ("fern", &["src/logging.rs"]),
    ("xxhash_rust", &["src/digest.rs", "src/symbols.rs", "src/tape/", "src/commands/import.rs"]),
    ("rand_pcg", &["src/synthetic", "src/rest/retry.rs"]),
    ("tokio", &["src/rest/client.rs", "src/rest/worker.rs"]),
    ("hyper", &["src/rest/client.rs"]),
    ("hyper_rustls", &["src/rest/client.rs"]),
    ("hyper_util", &["src/rest/client.rs"]),
    ("http_body_util", &["src/rest/client.rs"]),
    ("rustls", &["src/tls.rs"]),
    ("rustls_native_certs", &["src/tls.rs"]),
];
