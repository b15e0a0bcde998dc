//! A webhook's other end: takes what comes, and answers as it is told to.

use std::collections::VecDeque;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::Duration;

use serde_json::Value;
use tapescan::clock::Stopwatch;

/// What becomes of one request.
#[derive(Clone, Copy, Debug)]
pub(super) enum Answer {
    Fine,
    /// A status, with lines of a header.
    Status(u16, &'static str),
    /// The connection is closed before the request was taken.
    Dropped,
    /// It was taken, and then the connection is closed.
    TakenAndDropped,
    /// It was taken, and the answer comes so much later.
    Slow(Duration),
}

/// A request.
#[derive(Clone, Debug)]
pub(super) struct Taken {
    pub(super) path: String,
    pub(super) key: String,
    pub(super) authorization: String,
    pub(super) body: Value,
    pub(super) at: Duration,
}

/// A server on loopback.
pub(super) struct Hook {
    pub(super) addr: SocketAddr,
    shared: Arc<Shared>,
    thread: Option<JoinHandle<()>>,
}

struct Shared {
    answers: Mutex<VecDeque<Answer>>,
    taken: Mutex<Vec<Taken>>,
    ends: AtomicBool,
    watch: Stopwatch,
}

impl Hook {
    /// A server that answers so, and well after that.
    pub(super) fn start(answers: &[Answer]) -> Self {
        let shared = Shared {
            answers: Mutex::new(answers.iter().copied().collect()),
            taken: Mutex::default(),
            ends: AtomicBool::new(false),
            watch: Stopwatch::start(),
        };
        Self::at("127.0.0.1:0".parse().unwrap(), Arc::new(shared))
    }

    fn at(addr: SocketAddr, shared: Arc<Shared>) -> Self {
        let listener = TcpListener::bind(addr).unwrap();
        let addr = listener.local_addr().unwrap();
        let own = shared.clone();
        let thread = std::thread::spawn(move || {
            for stream in listener.incoming() {
                if own.ends.load(Ordering::Relaxed) {
                    return;
                }
                let _ = serve(&own, stream.unwrap());
            }
        });
        Self { addr, shared, thread: Some(thread) }
    }

    /// Nobody listens there any more.
    pub(super) fn stop(&mut self) {
        self.shared.ends.store(true, Ordering::Relaxed);
        drop(TcpStream::connect(self.addr));
        if let Some(thread) = self.thread.take() {
            thread.join().unwrap();
        }
    }

    /// The same server again, with what it took.
    pub(super) fn restart(&mut self) {
        self.shared.ends.store(false, Ordering::Relaxed);
        *self = Self::at(self.addr, self.shared.clone());
    }

    /// All that was taken, repetitions among it.
    pub(super) fn taken(&self) -> Vec<Taken> {
        self.shared.taken.lock().unwrap().clone()
    }

    /// Keys in the order in which they came, each once.
    pub(super) fn keys(&self) -> Vec<String> {
        let mut keys: Vec<String> = Vec::new();
        let mut known = std::collections::HashSet::new();
        for taken in self.taken() {
            if known.insert(taken.key.clone()) {
                keys.push(taken.key);
            }
        }
        keys
    }
}

impl Drop for Hook {
    fn drop(&mut self) {
        if self.thread.is_some() {
            self.stop();
        }
    }
}

fn serve(shared: &Shared, stream: TcpStream) -> std::io::Result<()> {
    stream.set_read_timeout(Some(Duration::from_secs(20)))?;
    let (mut reader, mut stream) = (BufReader::new(stream.try_clone()?), stream);
    let (mut length, mut key, mut authorization) = (0, String::new(), String::new());
    let mut first = String::new();
    reader.read_line(&mut first)?;
    let path = first.split(' ').nth(1).unwrap_or_default().to_owned();
    loop {
        let mut line = String::new();
        if reader.read_line(&mut line)? == 0 {
            return Ok(());
        }
        let Some((name, value)) = line.trim_end().split_once(": ") else {
            if line.trim_end().is_empty() {
                break;
            }
            continue;
        };
        match name.to_ascii_lowercase().as_str() {
            "content-length" => length = value.parse().unwrap(),
            "idempotency-key" => key = value.to_owned(),
            "authorization" => authorization = value.to_owned(),
            _ => {}
        }
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body)?;
    let answer = shared.answers.lock().unwrap().pop_front().unwrap_or(Answer::Fine);
    if !matches!(answer, Answer::Dropped | Answer::Status(..)) {
        let (body, at) = (serde_json::from_slice(&body).unwrap(), shared.watch.elapsed());
        shared.taken.lock().unwrap().push(Taken { path, key, authorization, body, at });
    }
    let (status, lines) = match answer {
        Answer::Dropped | Answer::TakenAndDropped => return Ok(()),
        Answer::Status(status, lines) => (status, lines),
        Answer::Slow(time) => {
            std::thread::sleep(time);
            (200, "")
        }
        Answer::Fine => (204, ""),
    };
    let head = format!("HTTP/1.1 {status} So\r\n{lines}content-length: 0\r\nconnection: close\r\n");
    stream.write_all(format!("{head}\r\n").as_bytes())
}
