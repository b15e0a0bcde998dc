//! A venue on loopback that answers by a script: bytes, waits, and connections that break.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

/// One thing that a venue does with a connection.
#[derive(Clone, Debug)]
pub(super) enum Act {
    /// Sends bytes as they are.
    Say(Vec<u8>),
    /// Does nothing for so many milliseconds.
    Wait(u64),
    /// Sends the same bytes until the other side has had enough.
    Forever(Vec<u8>),
    /// Closes the connection.
    Close,
}

/// A venue that is there until it is dropped.
pub(super) struct Venue {
    pub(super) base: String,
    requests: Arc<Mutex<Vec<String>>>,
    task: JoinHandle<()>,
}

impl Drop for Venue {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Venue {
    /// Answers each request, given as path and query with its number from 0, by a script.
    pub(super) async fn start(
        script: impl Fn(&str, usize) -> Vec<Act> + Send + Sync + 'static,
    ) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let base = format!("http://{}", listener.local_addr().unwrap());
        let requests = Arc::new(Mutex::new(Vec::new()));
        let (log, script) = (requests.clone(), Arc::new(script));
        let task = tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(serve(stream, log.clone(), script.clone()));
            }
        });
        Self { base, requests, task }
    }

    /// Everything that was asked so far.
    pub(super) fn requests(&self) -> Vec<String> {
        self.requests.lock().unwrap().clone()
    }
}

/// Serves one connection until it breaks.
pub(super) async fn serve<S: AsyncRead + AsyncWrite + Unpin>(
    mut stream: S,
    log: Arc<Mutex<Vec<String>>>,
    script: Arc<impl Fn(&str, usize) -> Vec<Act>>,
) {
    while let Some(path) = request(&mut stream).await {
        let number = {
            let mut log = log.lock().unwrap();
            log.push(path.clone());
            log.len() - 1
        };
        for act in script(&path, number) {
            let sent = match act {
                Act::Say(bytes) => stream.write_all(&bytes).await,
                Act::Wait(ms) => {
                    tokio::time::sleep(Duration::from_millis(ms)).await;
                    Ok(())
                }
                Act::Forever(bytes) => loop {
                    if let Err(error) = stream.write_all(&bytes).await {
                        break Err(error);
                    }
                },
                Act::Close => return,
            };
            if sent.is_err() {
                return;
            }
        }
    }
}

/// The path and query of the next request; `None` when the connection ends.
async fn request(stream: &mut (impl AsyncRead + Unpin)) -> Option<String> {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.push(stream.read_u8().await.ok()?);
    }
    let head = String::from_utf8(head).unwrap();
    assert!(head.contains("user-agent: tapescan/"), "{head}");
    head.split(' ').nth(1).map(str::to_owned)
}

/// A whole answer.
pub(super) fn answer(status: &str, headers: &str, body: &str) -> Vec<Act> {
    let length = body.len();
    let text = format!("HTTP/1.1 {status}\r\n{headers}content-length: {length}\r\n\r\n{body}");
    vec![Act::Say(text.into_bytes())]
}

/// A good answer.
pub(super) fn good(body: &str) -> Vec<Act> {
    answer("200 OK", "x-mbx-used-weight-1m: 20\r\n", body)
}

/// Aggregates with these ids.
pub(super) fn aggregates(ids: std::ops::Range<u64>) -> String {
    let row = |id| {
        format!(
            r#"{{"a":{id},"p":"1","q":"1","f":{id},"l":{id},"T":1723161000000,"m":true,"M":true}}"#
        )
    };
    format!("[{}]", ids.map(row).collect::<Vec<_>>().join(","))
}
