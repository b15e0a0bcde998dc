//! Mistakes in the sections of sinks name file, line and key; what is right reads back alike.

use tapescan::config::{Source, To};
use tapescan::sinks::SinkError;

use super::*;

fn told(text: &str) -> String {
    let text = format!("[rules.up]\nwhen = \"close > open\"\n{text}");
    Config::parse("my.toml", &text).err().map_or_else(String::new, |error| error.to_string())
}

#[test]
fn each_mistake_says_where_it_is_and_what_would_be_right() {
    for (text, want) in [
        ("[sinks.a]\npath = \"x\"", "my.toml:3: sinks.a: expected kind = one of terminal, file"),
        ("[sinks.a]\nkind = \"fle\"", "my.toml:4: sinks.a.kind: expected"),
        ("[sinks.a]\nkind = \"file\"", "my.toml:3: sinks.a: expected path = \"alerts.jsonl\""),
        ("[sinks.a]\nkind = \"terminal\"\nurl = \"x\"", "my.toml:5: sinks.a.url: unknown"),
        ("[sinks.a]\nkind = \"webhook\"", "sinks.a: expected the address: url, or url_env"),
        (
            "[sinks.a]\nkind = \"webhook\"\ntemplate = \"slack\"\nurl = \"https://h.example/T/B\"",
            "my.toml:6: sinks.a.url: the address is itself a secret: use url_env or url_file",
        ),
        (
            "[sinks.a]\nkind = \"webhook\"\nurl = \"https://me:pw@h.example/\"",
            "sinks.a.url: what stands before @ or behind ? is a secret",
        ),
        ("[sinks.a]\nkind = \"webhook\"\nurl = \"ftp://h\"", "sinks.a.url: expected an address"),
        (
            "[sinks.a]\nkind = \"webhook\"\nurl = \"http://h\"\nurl_env = \"H\"",
            "sinks.a: expected one of url, url_env and url_file",
        ),
        (
            "[sinks.a]\nkind = \"webhook\"\ntemplate = \"telegram\"",
            "my.toml:3: sinks.a: expected token_env or token_file, and chat",
        ),
        ("[sinks.a]\nkind = \"nats\"", "sinks.a: expected url = \"nats://127.0.0.1:4222\""),
        ("[sinks.a]\nkind = \"nats\"\nurl = \"nats://u:p@h\"", "names and passwords stand in user"),
        (
            "[sinks.a]\nkind = \"nats\"\nurl = \"nats://h\"\nsubject = \"a..b\"",
            "sinks.a.subject: expected a subject such as",
        ),
        (
            "[sinks.a]\nkind = \"terminal\"\nrules = [\"upp\"]",
            "my.toml:5: sinks.a.rules: \"upp\" is not a rule or a table of this file; \
             did you mean \"up\"?",
        ),
        ("[sinks.a]\nkind = \"terminal\"\nqueue = 0", "sinks.a.queue: expected"),
        ("[sinks.a]\nkind = \"terminal\"\nrate = \"often\"", "sinks.a.rate: expected"),
        ("[sinks.a]\nkind = \"terminal\"\ntimeout = \"1h\"", "sinks.a.timeout: expected"),
        ("[sinks.\"a/b\"]\nkind = \"terminal\"", "a sink's name has letters"),
        ("[alerts]\ndir = \"\"", "my.toml:4: alerts.dir: expected a folder"),
    ] {
        let told = told(text);
        assert!(told.contains(want), "{text}\n{told}");
    }
}

#[test]
fn all_mistakes_of_one_section_are_told_at_once() {
    let common = "rules = [\"upp\"]\nqueue = 0\nbudget = 1\nrate = 1\ntimeout = \"1h\"\n";
    let in_common = ["rules", "queue", "budget", "rate", "timeout"];
    for (own, keys) in [
        ("", &[": expected kind"][..]),
        ("kind = \"fle\"\n", &[".kind"]),
        ("kind = \"terminal\"\n", &[]),
        ("kind = \"file\"\nmax_size = 1\nkeep = 0\n", &[": expected path", ".max_size", ".keep"]),
        ("kind = \"file\"\npath = 5\nmax_size = 1\n", &[".path", ".max_size"]),
        ("kind = \"webhook\"\ntemplate = 1\nchat = 1\n", &[".template", ".chat"]),
        ("kind = \"webhook\"\ntoken_env = 1\n", &[": expected the address", ".token_env"]),
        (
            "kind = \"nats\"\nsubject = \"\"\nacknowledge = 1\nuser = 1\n",
            &[": expected url", ".subject", ".acknowledge", ".user"],
        ),
        ("kind = \"nats\"\nurl = 1\nsubject = \"\"\n", &[".url", ".subject"]),
    ] {
        let told = told(&format!("[sinks.a]\n{own}{common}"));
        let keys = keys.iter().map(|key| (*key).to_owned());
        let all: Vec<String> =
            in_common.map(|key| format!(".{key}:")).into_iter().chain(keys).collect();
        assert!(all.iter().all(|key| told.contains(&format!("sinks.a{key}"))), "{own}\n{told}");
        assert_eq!(told.lines().count(), all.len(), "each once\n{own}\n{told}");
    }
}

#[test]
fn two_sinks_cannot_write_to_one_file_however_it_is_called() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("out.jsonl");
    std::fs::create_dir(dir.path().join("in")).unwrap();
    let sinks = |other: &Path| {
        let sink =
            |name: &str, path: &Path| format!("[sinks.{name}]\nkind = \"file\"\npath = {path:?}\n");
        told(&format!("{}{}", sink("a", &file), sink("b", other)))
    };
    let mut others = vec![
        file.clone(),
        dir.path().join("./in/../out.jsonl"),
        dir.path().join("new/../out.jsonl"),
    ];
    #[cfg(unix)]
    {
        std::os::unix::fs::symlink(dir.path(), dir.path().join("in/there")).unwrap();
        others.push(dir.path().join("in/there/out.jsonl"));
        others.push(dir.path().join("in/there/in/../out.jsonl"));
    }
    for other in others {
        let want = "my.toml:8: sinks.b.path: sinks.a has this file: each needs one of its own";
        assert_eq!(sinks(&other).trim(), want, "{}", other.display());
    }
    assert_eq!(sinks(&dir.path().join("in/out.jsonl")), "");
}

#[test]
fn what_is_right_reads_back_to_the_same() {
    let text = "[alerts]\ndir = \"waiting\"\n[rules.up]\nwhen = \"close > open\"\n\
        [sinks.screen]\nkind = \"terminal\"\nqueue = 7\n\
        [sinks.file]\nkind = \"file\"\npath = \"a.jsonl\"\nmax_size = \"1MiB\"\nkeep = 2\n\
        [sinks.chat]\nkind = \"webhook\"\ntemplate = \"telegram\"\nchat = \"7\"\n\
        token_env = \"T\"\nrules = [\"up\"]\nrate = \"20/1m\"\ntimeout = \"3s\"\n\
        [sinks.slack]\nkind = \"webhook\"\ntemplate = \"slack\"\nurl_file = \"hook\"\n\
        [sinks.plain]\nkind = \"webhook\"\nurl = \"http://10.0.0.7/in\"\nbudget = \"1MiB\"\n\
        [sinks.nats]\nkind = \"nats\"\nurl = \"tls://n.example:4443\"\nacknowledge = \"stream\"\n\
        subject = \"a.{rule}.{symbol}\"\nuser = \"me\"\ntoken_file = \"pw\"\n";
    let config = Config::parse("here", text).unwrap();
    let names: Vec<_> = config.sinks.iter().map(|sink| sink.name.as_str()).collect();
    assert_eq!(names, ["chat", "file", "nats", "plain", "screen", "slack"]);
    assert_eq!(Config::parse("", &config.to_toml()).unwrap(), config);
    let on_tape = Config::parse("", &config.for_tapes()).unwrap();
    assert!(on_tape.sinks.is_empty() && on_tape.decides_like(&config));
    let To::Webhook { url, .. } = &config.sinks[0].to else { panic!() };
    assert_eq!(*url, Source::Plain("https://api.telegram.org".to_owned()));
}

#[test]
fn a_secret_that_is_not_there_is_named_and_two_sessions_cannot_have_one_sink() {
    let dir = tempfile::tempdir().unwrap();
    let refused =
        |text: &str| -> SinkError { Sinks::open(&config(dir.path(), text), START).err().unwrap() };
    let text = "[sinks.a]\nkind = \"webhook\"\nurl_env = \"TAPESCAN_TEST_NOT_SET\"\n";
    let told = refused(text).to_string();
    assert_eq!(told, "sinks.a: url_env: TAPESCAN_TEST_NOT_SET is not in the environment");
    let file = dir.path().join("url");
    std::fs::write(&file, "no address").unwrap();
    let text = format!("[sinks.a]\nkind = \"webhook\"\nurl_file = {file:?}\n");
    let told = refused(&text).to_string();
    assert!(told.starts_with("sinks.a: url_file: ") && !told.contains("no address"), "{told}");
    let path = dir.path().join("out.jsonl");
    let text = format!("[sinks.a]\nkind = \"file\"\npath = {path:?}\n");
    let (_teller, _window) = open(&config(dir.path(), &text));
    let told = refused(&text).to_string();
    assert!(told.contains("out.jsonl: ") && told.contains(" has it: end that session"), "{told}");
    // The same folder of what waits, though another file.
    let other = dir.path().join("other.jsonl");
    let told = refused(&format!("[sinks.a]\nkind = \"file\"\npath = {other:?}\n")).to_string();
    assert!(told.contains("a.spool: ") && told.contains(" has it: end that session"), "{told}");
    let told = refused("[sinks.b]\nkind = \"file\"\npath = \"/dev/null\"\n").to_string();
    assert_eq!(told, "sinks.b: /dev/null: it is not a file");
}

#[test]
fn doctor_says_beforehand_what_a_sink_lacks() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("scanner.toml");
    let doctor = |url: &str| {
        let waiting = dir.path().join("alerts");
        let sink = "[sinks.hook]\nkind = \"webhook\"\nurl_env = \"TAPESCAN_TEST_HOOK\"\n";
        std::fs::write(&file, format!("[alerts]\ndir = {waiting:?}\n{sink}")).unwrap();
        let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_tapescan"));
        command.args(["doctor", "--exchange", "sim", "--config"]).arg(&file);
        let output = command.env("TAPESCAN_TEST_HOOK", url).output().unwrap();
        String::from_utf8(output.stdout).unwrap()
    };
    let fine = doctor("https://alerts.example/hush-hush");
    assert!(fine.contains("ok       sinks          hook; what waits is in "), "{fine}");
    let wrong = doctor("ftp://alerts.example/hush-hush");
    assert!(
        wrong.contains("problem  sinks          sinks.hook: url: the address is none"),
        "{wrong}"
    );
    assert!(!fine.contains("hush") && !wrong.contains("hush"));
    assert!(!dir.path().join("alerts").exists(), "it makes nothing");
}

#[test]
fn doctor_says_of_every_file_what_is_wrong_with_it() {
    let dir = tempfile::tempdir().unwrap();
    let at = |name: &str| dir.path().join(name);
    std::fs::write(at("no-folder"), "").unwrap();
    let doctor = |files: &[(&str, PathBuf)]| {
        let sinks: String = files
            .iter()
            .map(|(name, path)| format!("[sinks.{name}]\nkind = \"file\"\npath = {path:?}\n"))
            .collect();
        std::fs::write(at("my.toml"), format!("[alerts]\ndir = {:?}\n{sinks}", at("alerts")))
            .unwrap();
        let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_tapescan"));
        command.args(["doctor", "--exchange", "sim", "--config"]).arg(at("my.toml"));
        let output = command.output().unwrap();
        (output.status.code(), String::from_utf8(output.stdout).unwrap())
    };
    let (code, told) = doctor(&[("a", at("new/a.jsonl"))]);
    assert!(code == Some(0) && told.contains("ok       sinks          a; what waits"), "{told}");
    let text = format!("[sinks.b]\nkind = \"file\"\npath = {:?}\n", at("b.jsonl"));
    let running = open(&config(dir.path(), &text));
    let files = [
        ("b", at("b.jsonl")),
        ("c", "/dev/null".into()),
        ("d", at("no-folder/d.jsonl")),
        ("e", at("e.jsonl")),
    ];
    let (code, told) = doctor(&files);
    assert_eq!(code, Some(1), "{told}");
    let problem = |line: &&str| line.starts_with("problem  sinks ");
    let problems: Vec<&str> = told.lines().filter(problem).collect();
    for (name, why) in [("b", "b.jsonl: "), ("c", "/dev/null: it is not a file"), ("d", "folder")] {
        let of = |line: &&&str| line.contains(&format!("sinks.{name}: "));
        let line = problems.iter().find(of).unwrap_or_else(|| panic!("{name}: {told}"));
        assert!(line.contains(why), "{line}");
    }
    assert!(problems[0].contains("end that session"), "{told}");
    assert!(!told.contains("sinks.e") && !at("e.jsonl").exists(), "{told}");
    drop(running);
}
