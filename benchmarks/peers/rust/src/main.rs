//! The Rust crate `fastcgi-client` on one thread, each connection kept.
//!
//!   rust-fastcgi-client plain|buffered      SOCKET, PARAMS (lines of NAME=VALUE) and LENGTH are in the environment
//!
//! Each line on stdin, `CONNECTIONS SECONDS`, is a run in a closed loop, and answered by a line of JSON.

use std::{
    env, io,
    time::{Duration, Instant},
};

use fastcgi_client::{Client, Params, Request, io::empty};
use tokio::{
    io::{AsyncRead, AsyncWrite, BufStream},
    net::UnixStream,
    runtime::Builder,
    task::LocalSet,
};

struct Setup {
    socket: String,
    params: Params<'static>,
    length: usize,
    buffered: bool,
}

fn setup() -> &'static Setup {
    let lines: &'static str = env::var("PARAMS").expect("PARAMS").leak();
    let params = lines
        .lines()
        .filter_map(|line| line.split_once('='))
        .fold(Params::default(), |params, (name, value)| params.custom(name, value));
    Box::leak(Box::new(Setup {
        socket: env::var("SOCKET").expect("SOCKET"),
        params,
        length: env::var("LENGTH").expect("LENGTH").parse().expect("LENGTH"),
        buffered: env::args().nth(1).as_deref() == Some("buffered"),
    }))
}

/// Asks until the deadline; how long each answer took.
async fn ask<S: AsyncRead + AsyncWrite + Unpin>(stream: S, setup: &Setup, deadline: Instant) -> Vec<Duration> {
    let mut client = Client::new_keep_alive_tokio(stream);
    let mut latencies = Vec::new();
    let mut begun = Instant::now();
    while begun < deadline {
        let request = Request::new(setup.params.clone(), empty());
        let response = client.execute(request).await.expect("an answer");
        assert!(response.stdout.is_some_and(|stdout| stdout.len() == setup.length), "a body of another length");
        let now = Instant::now();
        latencies.push(now - begun);
        begun = now;
    }
    latencies
}

async fn lane(setup: &'static Setup, deadline: Instant) -> Vec<Duration> {
    let stream = UnixStream::connect(&setup.socket).await.expect("a connection");
    if setup.buffered {
        ask(BufStream::new(stream), setup, deadline).await
    } else {
        ask(stream, setup, deadline).await
    }
}

async fn measure(setup: &'static Setup, connections: usize, seconds: f64) -> String {
    let begun = Instant::now();
    let deadline = begun + Duration::from_secs_f64(seconds);
    let lanes: Vec<_> = (0..connections).map(|_| tokio::task::spawn_local(lane(setup, deadline))).collect();
    let mut latencies = Vec::new();
    for lane in lanes {
        latencies.extend(lane.await.expect("a lane"));
    }
    let seconds = begun.elapsed().as_secs_f64();
    latencies.sort_unstable();
    let at = |share: f64| {
        let index = (latencies.len() as f64 * share) as usize;
        latencies[index.min(latencies.len() - 1)].as_nanos() as f64 / 1000.0
    };
    format!(
        r#"{{"requests":{},"seconds":{seconds},"p50":{},"p99":{},"p999":{}}}"#,
        latencies.len(),
        at(0.5),
        at(0.99),
        at(0.999)
    )
}

fn main() {
    let setup = setup();
    let runtime = Builder::new_current_thread().enable_all().build().expect("a runtime");
    for line in io::stdin().lines() {
        let line = line.expect("a line");
        let mut words = line.split(' ');
        let connections = words.next().and_then(|word| word.parse().ok()).expect("connections");
        let seconds = words.next().and_then(|word| word.parse().ok()).expect("seconds");
        println!("{}", LocalSet::new().block_on(&runtime, measure(setup, connections, seconds)));
    }
}
