//! The HTTP server, on loopback.

use std::convert::Infallible;
use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::pin::pin;
use std::sync::atomic::AtomicU64;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto;
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;

use super::answer::Answer;
use super::auth::{Admission, Auth};
use super::connection::{Line, Socket};
use super::fault::Chaos;
use super::received::{Operation, Received};
use super::rule::Script;
use super::service::{State, handle};
use crate::client::Bedrock;
use crate::error::Error;

/// Settings of a simulator.
#[derive(Debug, Clone, Default)]
#[must_use]
pub struct Builder {
    script: Script,
    auth: Auth,
    port: u16,
    chaos: Option<Chaos>,
    refused: Vec<(Operation, Answer)>,
}

impl Builder {
    /// What it answers.
    pub fn script(mut self, script: Script) -> Self {
        self.script = script;
        self
    }

    /// Whom it serves.
    pub fn auth(mut self, auth: Auth) -> Self {
        self.auth = auth;
        self
    }

    /// What goes wrong at random, with answers whose script has no fault.
    pub fn chaos(mut self, chaos: Chaos) -> Self {
        self.chaos = Some(chaos);
        self
    }

    /// The failure that an operation of the control plane ends with.
    pub fn refuse(mut self, operation: Operation, failure: Answer) -> Self {
        self.refused.push((operation, failure));
        self
    }

    /// The port on 127.0.0.1; otherwise one that is free.
    pub fn port(mut self, port: u16) -> Self {
        self.port = port;
        self
    }

    /// Starts it on the current tokio runtime.
    ///
    /// # Errors
    ///
    /// When the port cannot be had.
    pub async fn start(self) -> io::Result<Simulator> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, self.port)).await?;
        let address = listener.local_addr()?;
        let state = Arc::new(State {
            script: self.script,
            auth: Mutex::new(Admission { auth: self.auth, expired: Vec::new() }),
            chaos: self.chaos,
            refused: self.refused,
            received: Mutex::default(),
            answers: AtomicU64::new(0),
        });
        let task = tokio::spawn(serve(listener, Arc::clone(&state)));
        Ok(Simulator { address, state, task })
    }
}

/// A local Bedrock. It stops when it is dropped.
#[derive(Debug)]
pub struct Simulator {
    address: SocketAddr,
    state: Arc<State>,
    task: JoinHandle<()>,
}

impl Simulator {
    /// Starts a simulator with the default answers, for everyone, on a free port.
    ///
    /// # Errors
    ///
    /// When no port can be had.
    pub async fn start() -> io::Result<Self> {
        Builder::default().start().await
    }

    /// A simulator with settings of its own.
    pub fn builder() -> Builder {
        Builder::default()
    }

    /// Its address, such as `http://127.0.0.1:41234`: the endpoint URL for any AWS SDK.
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// A client that talks to it, with credentials that it takes.
    ///
    /// # Errors
    ///
    /// As for [`Builder::build`](crate::Builder::build).
    pub async fn bedrock(&self) -> Result<Bedrock, Error> {
        let builder = Bedrock::builder().region("us-east-1").endpoint_url(self.url());
        #[cfg(feature = "discovery")]
        let builder = builder.control_endpoint_url(self.url());
        let auth = self.state.admission().auth.clone();
        match &auth {
            Auth::Anyone => builder.credentials("SIMULATED", "simulated", None),
            Auth::Signed { access_key_id, secret_access_key } => {
                builder.credentials(access_key_id, secret_access_key, None)
            }
            Auth::ApiKey(key) => builder.api_key(key),
        }
        .build()
        .await
    }

    /// The requests so far, oldest first; at most the last 10,000.
    pub fn received(&self) -> Vec<Received> {
        self.state.lock().iter().cloned().collect()
    }

    /// Serves `auth` from now on; the key pair that was served before is expired.
    pub fn rotate(&self, auth: Auth) {
        let mut admission = self.state.admission();
        let before = std::mem::replace(&mut admission.auth, auth);
        if let Auth::Signed { access_key_id, .. } = before {
            admission.expired.push(access_key_id);
        }
    }

    /// Forgets the requests so far.
    pub fn forget(&self) {
        self.state.lock().clear();
    }

    /// Serves until the process ends.
    pub async fn serve(mut self) {
        // The task ends only when it is aborted, or panics, which is over either way.
        let _ = (&mut self.task).await;
    }
}

impl Drop for Simulator {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn serve(listener: TcpListener, state: Arc<State>) {
    // Connections end with the simulator.
    let mut connections = tokio::task::JoinSet::new();
    loop {
        let Ok((socket, _)) = listener.accept().await else {
            // Out of sockets: wait until some are given back.
            tokio::time::sleep(Duration::from_millis(10)).await;
            continue;
        };
        while connections.try_join_next().is_some() {}
        let _ = socket.set_nodelay(true);
        connections.spawn(connection(socket, Arc::clone(&state)));
    }
}

/// Serves one connection, HTTP/1.1 or HTTP/2 as the client begins it.
async fn connection(socket: TcpStream, state: Arc<State>) {
    let line = Arc::new(Line::default());
    let socket = Socket::new(socket, Arc::clone(&line));
    let service = service_fn(|request| {
        let (state, line) = (Arc::clone(&state), Arc::clone(&line));
        async move { Ok::<_, Infallible>(handle(&state, &line, request).await) }
    });
    let mut server = auto::Builder::new(TokioExecutor::new());
    server.http1().timer(TokioTimer::new());
    let mut serving = pin!(server.serve_connection(TokioIo::new(socket), service));
    // A client that goes away is no matter of the simulator's.
    tokio::select! {
        _ = &mut serving => return,
        () = line.closing() => serving.as_mut().graceful_shutdown(),
    }
    let _ = serving.await;
}
