//! The REST worker against a venue on loopback: faults of the network, of HTTP and of bodies.

mod venue;

use std::future::pending;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use systems::trade::SymbolId;
use tapescan::clock;
use tapescan::rest::arrival::{Arrival, End, News};
use tapescan::rest::budget::Priority;
use tapescan::rest::client::{Client, Timeouts};
use tapescan::rest::desk::Snapshot;
use tapescan::rest::plan::{Job, Reason, Wanted};
use tapescan::rest::retry::Failure;
use tapescan::rest::worker::{Report, Settings, Stopped, Worker};
use tapescan::tape::entry::Body;
use tapescan::venue::{Channel, Venue as Exchange};
use tokio::sync::{mpsc, oneshot, watch};
use tokio::task::JoinHandle;

use venue::{Act, Venue, aggregates, answer, good};

/// A worker at work, and the ends of its channels.
struct Running {
    jobs: mpsc::Sender<Job>,
    arrivals: mpsc::Receiver<Arrival>,
    snapshots: watch::Receiver<Snapshot>,
    stop: oneshot::Sender<()>,
    task: JoinHandle<Report>,
}

fn timeouts() -> Timeouts {
    let [connect, headers, total] = [200, 300, 600].map(Duration::from_millis);
    Timeouts { connect, headers, total }
}

fn start(base: &str, room: usize) -> Running {
    let mut settings = Settings::new(Exchange::BinanceSpot, 7);
    settings.base = Some(base.to_owned());
    settings.timeouts = timeouts();
    settings.retry_base_ns = 5_000_000;
    let worker = Worker::new(&settings, clock::steady(1.0)).unwrap();
    let snapshots = worker.snapshots();
    let (jobs, job_receiver) = mpsc::channel(64);
    let (arrival_sender, arrivals) = mpsc::channel(room);
    let (stop, stopped) = oneshot::channel();
    let run = worker.run(job_receiver, arrival_sender, async move {
        if stopped.await.is_err() {
            pending::<()>().await;
        }
    });
    Running { jobs, arrivals, snapshots, stop, task: tokio::spawn(run) }
}

fn ids(symbol: u16, from_id: u64, to_id: u64) -> Job {
    let (symbol, name) = (SymbolId(symbol), format!("S{symbol}").into());
    let channel = Channel::AggregateTrades;
    let wanted = Wanted::Ids { symbol, name, channel, from_id, to_id };
    Job { priority: Priority::Backfill, wanted }
}

/// Everything that arrives until one job ended, and how it did.
async fn until_end(running: &mut Running) -> (Vec<Arrival>, End) {
    let mut arrived = Vec::new();
    loop {
        let arrival = tokio::time::timeout(Duration::from_secs(20), running.arrivals.recv());
        let arrival = arrival.await.expect("it ends").expect("the worker works");
        match arrival.news {
            News::Ended { end, .. } => return (arrived, end),
            _ => arrived.push(arrival),
        }
    }
}

#[tokio::test]
async fn answers_are_handed_on_as_received_and_fit_the_tape() {
    let body = aggregates(5..8);
    let venue = Venue::start({
        let body = body.clone();
        move |_, _| good(&body)
    })
    .await;
    let mut running = start(&venue.base, 8);
    let mut job = ids(1, 5, 7);
    let Wanted::Ids { name, .. } = &mut job.wanted else { panic!() };
    *name = "币USDT".into();
    let before = clock::now();
    running.jobs.send(job).await.unwrap();
    let (arrived, end) = until_end(&mut running).await;
    assert_eq!(end, End::Complete { missing: 0 });
    let [arrival] = &arrived[..] else { panic!("{arrived:?}") };
    let News::Answer { sent, .. } = arrival.news else { panic!("{arrival:?}") };
    assert!(before <= sent && sent < arrival.received && arrival.received <= clock::now());
    let entry = arrival.entry().unwrap();
    let request = "/api/v3/aggTrades?symbol=币USDT&fromId=5&limit=3";
    assert_eq!(entry.body, Body::Answer { request, text: body.as_bytes() });
    assert_eq!(venue.requests(), [request.replace('币', "%E5%B8%81")]);
    let snapshot = running.snapshots.borrow().clone();
    assert_eq!((snapshot.sent, snapshot.failed, snapshot.used), (1, 0, 20));
}

#[tokio::test]
async fn whatever_fails_once_is_tried_again_and_leaves_nothing_behind() {
    let whole = aggregates(1..4);
    let say = |text: &str| Act::Say(text.as_bytes().to_vec());
    let slow = [say("HTTP/1.1 200 OK\r\ncontent-length: 500\r\n\r\n")]
        .into_iter()
        .chain((0..40).flat_map(|_| [say("["), Act::Wait(50)]));
    let chunk = format!("10000\r\n{}\r\n", " ".repeat(0x10000));
    let half = format!("HTTP/1.1 200 OK\r\ncontent-length: {}\r\n\r\n", whole.len());
    let faults: Vec<(&str, Vec<Act>)> = vec![
        ("a server error", answer("500 Oops", "", "")),
        ("a page of a proxy", answer("502 Bad Gateway", "content-type: text/html\r\n", "<html>")),
        ("closed at once", vec![Act::Close]),
        ("no answer", vec![Act::Wait(2_000), Act::Close]),
        ("a byte now and then", slow.collect()),
        ("cut short", vec![say(&half), say(&whole[..whole.len() - 1]), Act::Close]),
        (
            "a chunk cut short",
            vec![say("HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n9\r\n[1"), Act::Close],
        ),
        (
            "endless",
            vec![
                say("HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n"),
                Act::Forever(chunk.into_bytes()),
            ],
        ),
        ("no HTTP", vec![say("hello\r\n\r\n"), Act::Close]),
        ("not JSON", good("<html></html>")),
        ("another shape", good(r#"{"a":1}"#)),
        ("rows of another table", good(r#"[[1,2,3]]"#)),
        (
            "packed although nobody asked",
            answer("200 OK", "content-encoding: gzip\r\n", "\x1f\x08"),
        ),
    ];
    for (what, fault) in faults {
        let whole = whole.clone();
        let venue =
            Venue::start(move |_, n| if n == 0 { fault.clone() } else { good(&whole) }).await;
        let mut running = start(&venue.base, 8);
        running.jobs.send(ids(1, 1, 3)).await.unwrap();
        let (arrived, end) = until_end(&mut running).await;
        assert_eq!(end, End::Complete { missing: 0 }, "{what}");
        assert_eq!((arrived.len(), venue.requests().len()), (1, 2), "{what}");
        let snapshot = running.snapshots.borrow().clone();
        assert_eq!((snapshot.failed, snapshot.given_up), (1, 0), "{what}");
    }
}

#[tokio::test]
async fn nothing_is_sent_during_a_pause() {
    let venue = Venue::start(|_, n| match n {
        0 => answer("429 Too Many", "retry-after: 1\r\n", r#"{"code":-1003,"msg":"x"}"#),
        _ => good(&aggregates(1..4)),
    })
    .await;
    let mut running = start(&venue.base, 8);
    running.jobs.send(ids(1, 1, 3)).await.unwrap();
    while running.snapshots.borrow_and_update().closed.is_none() {
        running.snapshots.changed().await.unwrap();
    }
    let closed = Instant::now();
    running.jobs.send(ids(2, 1, 3)).await.unwrap();
    assert!(!running.snapshots.borrow().closed.unwrap().banned);
    until_end(&mut running).await;
    assert!(closed.elapsed() > Duration::from_millis(900), "{:?}", closed.elapsed());
    until_end(&mut running).await;
    assert_eq!(venue.requests().len(), 3);
}

#[tokio::test]
async fn a_ban_stops_everything_and_what_was_not_done_is_reported() {
    let venue = Venue::start(|_, _| answer("418 Teapot", "retry-after: 300\r\n", "")).await;
    let mut running = start(&venue.base, 8);
    running.jobs.send(ids(1, 1, 3)).await.unwrap();
    while running.snapshots.borrow_and_update().closed.is_none() {
        running.snapshots.changed().await.unwrap();
    }
    for symbol in 2..9 {
        running.jobs.send(ids(symbol, 1, 3)).await.unwrap();
    }
    let all_wait = running.snapshots.wait_for(|snapshot| snapshot.waiting[1] == 8);
    let snapshot = all_wait.await.unwrap().clone();
    assert!(snapshot.closed.unwrap().banned);
    assert_eq!((snapshot.waiting, snapshot.in_flight), ([0, 8, 0, 0, 0, 0], 0));
    assert!(snapshot.eta_ns > 299_000_000_000, "{snapshot:?}");
    running.stop.send(()).unwrap();
    let report = running.task.await.unwrap();
    assert_eq!((report.stopped, report.not_done.len()), (Stopped::Asked, 8));
    assert_eq!(venue.requests().len(), 1);
}

#[tokio::test]
async fn redirects_are_not_followed() {
    let other = Venue::start(|_, _| good("[]")).await;
    let location = format!("location: {}/elsewhere\r\n", other.base);
    let venue = Venue::start(move |_, _| answer("302 Found", &location, "")).await;
    let mut running = start(&venue.base, 8);
    running.jobs.send(ids(1, 1, 3)).await.unwrap();
    let (_, end) = until_end(&mut running).await;
    let End::GivenUp(Reason::Failed(Failure::Refused { status: 302, .. })) = end else {
        panic!("{end:?}")
    };
    assert_eq!((venue.requests().len(), other.requests().len()), (1, 0));
}

#[tokio::test]
async fn jobs_under_way_are_reported_when_their_senders_are_gone() {
    let venue = Venue::start(|_, _| vec![Act::Wait(60_000)]).await;
    let running = start(&venue.base, 8);
    for symbol in 0..9 {
        running.jobs.send(ids(symbol, 1, 3)).await.unwrap();
    }
    let mut snapshots = running.snapshots.clone();
    snapshots.wait_for(|snapshot| snapshot.in_flight > 0).await.unwrap();
    drop(running.jobs);
    let report = running.task.await.unwrap();
    assert_eq!((report.stopped, report.not_done.len()), (Stopped::NoJobs, 9));
}

#[tokio::test]
async fn a_taker_that_is_behind_holds_requests_back() {
    let venue = Venue::start(|_, _| good(&aggregates(1..4))).await;
    let mut running = start(&venue.base, 1);
    for symbol in 0..30 {
        running.jobs.send(ids(symbol, 1, 3)).await.unwrap();
    }
    let more = running.snapshots.wait_for(|snapshot| snapshot.sent > 8);
    assert!(tokio::time::timeout(Duration::from_millis(200), more).await.is_err());
    for _ in 0..30 {
        let (arrived, end) = until_end(&mut running).await;
        assert_eq!((arrived.len(), end), (1, End::Complete { missing: 0 }));
    }
    assert_eq!(venue.requests().len(), 30);
    drop(running.arrivals);
    assert_eq!(running.task.await.unwrap().stopped, Stopped::NoTaker);
}

#[tokio::test]
async fn a_venue_that_is_not_there_is_a_passing_failure() {
    let base = Venue::start(|_, _| vec![]).await.base.clone();
    let client = Client::new(&base, "x", None, timeouts()).unwrap();
    let failure = client.get("/api/v3/ping", 9).await.unwrap_err();
    assert!(matches!(failure, Failure::Network(_)), "{failure}");
    assert!(failure.is_congestion());
}

/// Serves TLS with the certificate of `localhost`; gives the address.
async fn secure_venue(certified: &rcgen::CertifiedKey<rcgen::KeyPair>) -> String {
    use tokio_rustls::rustls::pki_types::PrivateKeyDer;
    use tokio_rustls::rustls::{ServerConfig, crypto::ring};
    let key = PrivateKeyDer::try_from(certified.signing_key.serialize_der()).unwrap();
    let config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![certified.cert.der().clone()], key)
        .unwrap();
    let acceptor = tokio_rustls::TlsAcceptor::from(Arc::new(config));
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    tokio::spawn(async move {
        let script = Arc::new(|_: &str, _: usize| good("{}"));
        while let Ok((stream, _)) = listener.accept().await {
            let (acceptor, script) = (acceptor.clone(), script.clone());
            tokio::spawn(async move {
                if let Ok(stream) = acceptor.accept(stream).await {
                    venue::serve(stream, Arc::default(), script).await;
                }
            });
        }
    });
    format!("https://localhost:{port}")
}

#[tokio::test]
async fn only_certificates_that_are_trusted_for_that_name_are_taken() {
    let folder = tempfile::tempdir().unwrap();
    let certified = rcgen::generate_simple_self_signed(vec!["localhost".to_owned()]).unwrap();
    let other = rcgen::generate_simple_self_signed(vec!["localhost".to_owned()]).unwrap();
    let file = |name: &str, pem: String| {
        let path = folder.path().join(name);
        std::fs::write(&path, pem).unwrap();
        path
    };
    let (own, stranger) = (file("own", certified.cert.pem()), file("other", other.cert.pem()));
    let base = secure_venue(&certified).await;
    let get = async |base: &str, extra_ca: &Path| {
        let client = Client::new(base, "x", Some(extra_ca), Timeouts::default()).unwrap();
        client.get("/api/v3/ping", 9).await
    };
    assert_eq!(get(&base, &own).await.unwrap().status, 200);
    let refused = get(&base, &stranger).await.unwrap_err().to_string();
    assert!(refused.contains("certificate"), "{refused}");
    let by_number = base.replace("localhost", "127.0.0.1");
    let refused = get(&by_number, &own).await.unwrap_err().to_string();
    assert!(refused.contains("certificate"), "{refused}");
}
