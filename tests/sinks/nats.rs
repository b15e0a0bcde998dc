//! A real server of NATS, stopped and started. It is the Debian package nats-server, found on the
//! path or where `TAPESCAN_NATS_SERVER` says; `.ci/run` fetches it.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::process::{Child, Command, Stdio};

use serde_json::Value;

use super::*;

/// A server with a store on loopback.
struct Server {
    port: u16,
    store: PathBuf,
    /// Who may do what.
    access: Vec<String>,
    child: Option<Child>,
}

fn program() -> String {
    std::env::var("TAPESCAN_NATS_SERVER").unwrap_or_else(|_| "nats-server".to_owned())
}

/// A message: its subject, its headers and its body.
type Message = (String, String, String);

impl Server {
    /// Started; `None`, said loudly, where there is none on this machine.
    fn start(dir: &Path) -> Option<Self> {
        Self::with(dir, &["--auth", "hush"])
    }

    /// The same as a file of its own configuration says.
    fn configured(dir: &Path, text: &str) -> Option<Self> {
        let file = dir.join("server.conf");
        std::fs::write(&file, text).unwrap();
        Self::with(dir, &["-c", file.to_str().unwrap()])
    }

    fn with(dir: &Path, access: &[&str]) -> Option<Self> {
        if Command::new(program()).arg("--version").output().is_err() {
            eprintln!(
                "SKIPPED: there is no nats-server on the path. Debian has it: apt-get download \
                 nats-server && dpkg -x nats-server*.deb DIR, and then \
                 TAPESCAN_NATS_SERVER=DIR/usr/sbin/nats-server"
            );
            return None;
        }
        // Free a moment ago.
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let access = access.iter().map(|text| (*text).to_owned()).collect();
        let mut server = Self { port, store: dir.join("store"), access, child: None };
        server.run();
        Some(server)
    }

    fn run(&mut self) {
        let mut command = Command::new(program());
        command.args(["-a", "127.0.0.1", "-p", &self.port.to_string()]).args(&self.access);
        command.args(["-js", "-sd"]).arg(&self.store);
        let child = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        self.child = Some(child);
        let watch = Stopwatch::start();
        while TcpStream::connect(("127.0.0.1", self.port)).is_err() {
            assert!(watch.elapsed() < LONG, "the server does not start");
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    fn kill(&mut self) {
        if let Some(mut child) = self.child.take() {
            child.kill().unwrap();
            child.wait().unwrap();
        }
    }

    fn client(&self) -> BufReader<TcpStream> {
        let mut stream = TcpStream::connect(("127.0.0.1", self.port)).unwrap();
        stream.set_read_timeout(Some(LONG)).unwrap();
        let hello = "CONNECT {\"verbose\":false,\"headers\":true,\"auth_token\":\"hush\"}\r\n";
        stream.write_all(hello.as_bytes()).unwrap();
        BufReader::new(stream)
    }

    /// Asks JetStream for something once it is ready, and gives its answer.
    fn ask(&self, what: &str, text: &str) -> Value {
        let watch = Stopwatch::start();
        let mut client = self.client();
        client.get_mut().write_all(b"SUB in.> 1\r\n").unwrap();
        loop {
            let said = format!("PUB $JS.API.{what} in.1 {}\r\n{text}\r\n", text.len());
            client.get_mut().write_all(said.as_bytes()).unwrap();
            let (.., body) = next(&mut client);
            let answer: Value = serde_json::from_str(&body).unwrap_or_default();
            if answer["type"].is_string() && answer["error"].is_null() {
                return answer;
            }
            assert!(watch.elapsed() < LONG, "{answer}");
            std::thread::sleep(Duration::from_millis(50));
        }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.kill();
    }
}

/// The next message that comes to a client.
fn next(client: &mut BufReader<TcpStream>) -> Message {
    loop {
        let mut line = String::new();
        assert!(client.read_line(&mut line).unwrap() > 0 && !line.starts_with("-ERR"), "{line}");
        if line.starts_with("PING") {
            client.get_mut().write_all(b"PONG\r\n").unwrap();
        }
        let words: Vec<&str> = line.split_whitespace().collect();
        let ["MSG" | "HMSG", subject, .., all] = words[..] else { continue };
        let all: usize = all.parse().unwrap();
        let head = if words[0] == "HMSG" { words[words.len() - 2].parse().unwrap() } else { 0 };
        let mut bytes = vec![0; all + 2];
        client.read_exact(&mut bytes).unwrap();
        let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
        return (subject.to_owned(), text(&bytes[..head]), text(&bytes[head..all]));
    }
}

/// A sink of the server, with more keys; the token is in a file.
fn sink(server: &Server, dir: &Path, more: &str) -> String {
    let token = secret(dir, "hush");
    let port = server.port;
    format!(
        "[sinks.nats]\nkind = \"nats\"\nurl = \"nats://127.0.0.1:{port}\"\ntimeout = \"2s\"\n\
         subject = \"alerts.{{rule}}\"\ntoken_file = {token:?}\n{more}"
    )
}

#[test]
fn a_stream_has_every_alert_once_and_in_order_though_the_server_is_killed() {
    let dir = tempfile::tempdir().unwrap();
    let Some(mut server) = Server::start(dir.path()) else { return };
    let text = sink(&server, dir.path(), "acknowledge = \"stream\"\nqueue = 4\n");
    let config = config(dir.path(), &text);
    let (teller, window) = open(&config);
    tell(&teller, 0..10);
    // Nobody keeps them yet, and so none is taken for delivered.
    until(&window, "no stream", |status| {
        status.trouble.as_ref().is_some_and(|why| why.contains("no stream") || why.contains("503"))
    });
    let stream = r#"{"name":"ALERTS","subjects":["alerts.>"],"storage":"file"}"#;
    server.ask("STREAM.CREATE.ALERTS", stream);
    until(&window, "the first", |status| status.delivered == 10);
    for round in 1..4 {
        tell(&teller, 10 * round..10 * round + 5);
        server.kill();
        tell(&teller, 10 * round + 5..10 * round + 10);
        until(&window, "it is known to be down", |status| status.trouble.is_some());
        server.run();
        let all = 10 * (round + 1);
        until(&window, "all of a round", |status| status.delivered == all);
    }
    // The stream drops what it has by its key; so this is no news to it.
    drop(window);
    assert_eq!(teller.finish()[0].queued, 0);
    std::fs::remove_file(dir.path().join("alerts/nats.spool")).unwrap();
    let (teller, window) = open(&config);
    tell(&teller, 35..40);
    until(&window, "told again", |status| status.delivered == 5);
    let info = server.ask("STREAM.INFO.ALERTS", "");
    assert_eq!(info["state"]["messages"], 40, "{info}");
    for n in 0..40 {
        let text = format!("{{\"seq\":{}}}", n + 1);
        let message = server.ask("STREAM.MSG.GET.ALERTS", &text);
        assert_eq!(message["message"]["subject"], "alerts.up");
        let data = message["message"]["data"].as_str().unwrap();
        assert!(data.len() > 100, "{message}");
        // Headers and data are in base64, and the answer's own numbers tell the order.
        assert_eq!(message["message"]["seq"], n + 1);
    }
    drop((teller, window));
}

#[test]
fn who_listens_to_the_subject_hears_each_alert_with_its_key() {
    let dir = tempfile::tempdir().unwrap();
    let Some(server) = Server::start(dir.path()) else { return };
    let mut listener = server.client();
    listener.get_mut().write_all(b"SUB alerts.* 1\r\nPING\r\n").unwrap();
    let (teller, window) = open(&config(dir.path(), &sink(&server, dir.path(), "")));
    // The listener is there once its question was answered.
    let mut line = String::new();
    while !line.starts_with("PONG") {
        line.clear();
        listener.read_line(&mut line).unwrap();
    }
    tell(&teller, 0..5);
    for n in 0..5 {
        let (subject, head, body) = next(&mut listener);
        assert_eq!(subject, "alerts.up");
        let encoded = key(n).replace('币', "%E5%B8%81");
        assert!(head.contains(&format!("Nats-Msg-Id: {encoded}\r\n")), "{head}");
        let body: Value = serde_json::from_str(&body).unwrap();
        assert_eq!(body["key"], key(n));
    }
    until(&window, "acknowledged", |status| status.delivered == 5);
}

#[test]
fn a_wrong_token_is_told_without_it() {
    let dir = tempfile::tempdir().unwrap();
    let Some(server) = Server::start(dir.path()) else { return };
    let text = sink(&server, dir.path(), "");
    secret(dir.path(), "not-this-one");
    let (teller, window) = open(&config(dir.path(), &text));
    tell(&teller, 0..1);
    let status = until(&window, "refused", |it| it.failed == 1 && it.queued == 0);
    let why = status.trouble.unwrap();
    assert!(why.contains("Authorization Violation") && !why.contains("not-this-one"), "{why}");
    assert_eq!(status.delivered, 0);
}

#[test]
fn what_a_server_refuses_for_good_is_put_aside() {
    // One may publish to one subject and listen to none; another one takes short messages alone.
    let user =
        "user: me, password: hush, permissions: { publish: alerts.up, subscribe: { deny: \">\" } }";
    for (text, subjects) in [
        (format!("authorization {{ users: [ {{ {user} }} ] }}"), ["secret.up", "alerts.up"]),
        ("max_payload: 200".to_owned(), ["alerts.up", "none"]),
    ] {
        let dir = tempfile::tempdir().unwrap();
        let Some(server) = Server::configured(dir.path(), &text) else { return };
        let refused = |subject: &str, more: &str| {
            let dir = tempfile::tempdir().unwrap();
            let text = sink(&server, dir.path(), &format!("user = \"me\"\n{more}"));
            let config = config(dir.path(), &text.replace("alerts.{rule}", subject));
            let (teller, window) = open(&config);
            tell(&teller, 0..3);
            let all =
                until(&window, "dealt with", |it| it.failed + it.delivered == 3 && it.queued == 0);
            assert_eq!((all.retried, all.lost), (0, 0), "{all:?}");
            let aside = std::fs::read_to_string(dir.path().join("alerts/nats.refused.jsonl"));
            assert_eq!(aside.unwrap_or_default().lines().count() as u64, all.failed);
            (all.failed, all.trouble.unwrap_or_default())
        };
        let (failed, why) = refused(subjects[0], "");
        let known = ["Permissions Violation for Publish", "the server takes 200 at most"];
        assert!(failed == 3 && known.iter().any(|known| why.contains(known)), "{why}");
        if subjects[1] != "none" {
            assert_eq!(refused(subjects[1], ""), (0, String::new()));
            let (failed, why) = refused(subjects[1], "acknowledge = \"stream\"\n");
            assert!(failed == 3 && why.contains("for Subscription"), "{why}");
        }
    }
}
