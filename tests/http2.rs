//! Over HTTP/2 many calls share one connection, and what the SDK does with one that fails is not what it
//! does over HTTP/1.1: a connection that never answers again is used for ever.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use aws_smithy_http_client::tls::rustls_provider::CryptoMode;
use aws_smithy_http_client::tls::{Provider, TlsContext, TrustStore};
use bedrock_chat::converse::frame::encode;
use bedrock_chat::openai::ChatRequest;
use bedrock_chat::{Bedrock, Builder, Error, ErrorKind, RetryConfig};
use bytes::Bytes;
use h2::Reason;
use h2::server::SendResponse;
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConfig;
use tokio_rustls::rustls::pki_types::PrivateKeyDer;

/// Longer than anything here may take.
const BOUND: Duration = Duration::from_secs(30);

/// What becomes of one call.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Fate {
    /// The whole answer.
    Answer,
    /// No answer, ever.
    Silence,
    /// The head and the beginning of the answer, and then silence.
    Stall,
    /// A reset of the stream instead of a head.
    Refused(Reason),
    /// A reset of the stream after the beginning of the answer.
    Reset(Reason),
    /// The end of the stream after the beginning of the answer.
    Ended,
    /// The whole answer, and then the end of the connection: GOAWAY.
    Last,
}

/// A server of HTTP/2; the fates of calls are asked for by connection and call, both counted from 0.
struct Server {
    url: String,
    certificate: String,
    connections: Arc<AtomicUsize>,
    /// The reasons for which clients reset streams.
    resets: Arc<Mutex<Vec<Reason>>>,
}

impl Server {
    async fn start(fate: impl Fn(usize, usize) -> Fate + Send + Sync + 'static) -> Self {
        let made = rcgen::generate_simple_self_signed(vec!["127.0.0.1".to_owned()]).unwrap();
        let key = PrivateKeyDer::try_from(made.signing_key.serialize_der()).unwrap();
        let mut config = ServerConfig::builder()
            .with_no_client_auth()
            .with_single_cert(vec![made.cert.der().clone()], key)
            .unwrap();
        config.alpn_protocols = vec![b"h2".to_vec()];
        let acceptor = TlsAcceptor::from(Arc::new(config));
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let server = Server {
            url: format!("https://{}", listener.local_addr().unwrap()),
            certificate: made.cert.pem(),
            connections: Arc::default(),
            resets: Arc::default(),
        };
        let (connections, resets, fate) = (server.connections.clone(), server.resets.clone(), Arc::new(fate));
        tokio::spawn(async move {
            loop {
                let (socket, _) = listener.accept().await.unwrap();
                let number = connections.fetch_add(1, Ordering::SeqCst);
                let (acceptor, resets, fate) = (acceptor.clone(), resets.clone(), fate.clone());
                tokio::spawn(
                    async move { connection(socket, acceptor, resets, |call| fate(number, call)).await },
                );
            }
        });
        server
    }

    /// A client of which all regions and all new clients share one pool of connections: only what is
    /// poisoned is not used again.
    fn bedrock(&self) -> Builder {
        let trusted =
            TrustStore::empty().with_native_roots(false).with_pem_certificate(self.certificate.as_bytes());
        let context = TlsContext::builder().with_trust_store(trusted).build().unwrap();
        let client = aws_smithy_http_client::Builder::new()
            .tls_provider(Provider::Rustls(CryptoMode::AwsLc))
            .tls_context(context)
            .build_https();
        Bedrock::builder()
            .region("us-east-1")
            .endpoint_url(&self.url)
            .credentials("A", "b", None)
            .http_client(client)
            .retry(RetryConfig::standard().with_initial_backoff(Duration::from_millis(1)))
    }

    fn connections(&self) -> usize {
        self.connections.load(Ordering::SeqCst)
    }
}

async fn connection(
    socket: TcpStream,
    acceptor: TlsAcceptor,
    resets: Arc<Mutex<Vec<Reason>>>,
    fate: impl Fn(usize) -> Fate,
) {
    let tls = acceptor.accept(socket).await.unwrap();
    let mut connection = h2::server::handshake(tls).await.unwrap();
    let mut calls = 0;
    while let Some(Ok((_, respond))) = connection.accept().await {
        let fate = fate(calls);
        calls += 1;
        tokio::spawn(answer(respond, fate, resets.clone()));
        if fate == Fate::Last {
            connection.graceful_shutdown();
        }
    }
}

fn event(name: &str, payload: &str) -> Vec<u8> {
    let mut bytes = Vec::new();
    encode(&[(":event-type", name), (":message-type", "event")], payload.as_bytes(), &mut bytes);
    bytes
}

async fn answer(mut respond: SendResponse<Bytes>, fate: Fate, resets: Arc<Mutex<Vec<Reason>>>) {
    match fate {
        Fate::Silence => return std::future::pending().await,
        Fate::Refused(reason) => return respond.send_reset(reason),
        _ => {}
    }
    let head = http::Response::builder().header("content-type", "application/vnd.amazon.eventstream");
    let mut stream = respond.send_response(head.body(()).unwrap(), false).unwrap();
    let mut beginning = event("messageStart", r#"{"role":"assistant"}"#);
    beginning.extend(event("contentBlockDelta", r#"{"contentBlockIndex":0,"delta":{"text":"Par"}}"#));
    stream.send_data(beginning.into(), false).unwrap();
    match fate {
        Fate::Stall => {
            let reason = std::future::poll_fn(|context| stream.poll_reset(context)).await;
            resets.lock().unwrap().extend(reason);
        }
        Fate::Reset(reason) => {
            // What was sent is to arrive before the reset does.
            tokio::time::sleep(Duration::from_millis(50)).await;
            stream.send_reset(reason);
        }
        Fate::Ended => stream.send_data(Bytes::new(), true).unwrap(),
        Fate::Answer | Fate::Last => {
            let mut rest = event("contentBlockDelta", r#"{"contentBlockIndex":0,"delta":{"text":"is."}}"#);
            rest.extend(event("contentBlockStop", r#"{"contentBlockIndex":0}"#));
            rest.extend(event("messageStop", r#"{"stopReason":"end_turn"}"#));
            stream.send_data(rest.into(), true).unwrap();
        }
        Fate::Silence | Fate::Refused(_) => unreachable!("these have no head"),
    }
}

async fn streamed(bedrock: &Bedrock) -> Result<String, Error> {
    let request = ChatRequest::new("us.amazon.nova-lite-v1:0").user("Hi");
    let call = async {
        let stream = bedrock.chat_stream(&request).await?;
        stream.completion().await.map(|completion| completion.text().to_owned())
    };
    tokio::time::timeout(BOUND, call).await.expect("the call hangs")
}

#[tokio::test]
async fn calls_share_a_connection_and_a_closed_one_is_replaced() {
    let server = Server::start(|connection, call| match (connection, call) {
        (0, 2) => Fate::Last,
        _ => Fate::Answer,
    })
    .await;
    let bedrock = server.bedrock().build().await.unwrap();
    for connections in [1, 1, 1, 2, 2] {
        assert_eq!(streamed(&bedrock).await.unwrap(), "Paris.");
        assert_eq!(server.connections(), connections);
    }
}

#[tokio::test]
async fn a_connection_that_never_answers_is_not_used_again() {
    // A firewall forgot the connection after its first call.
    let hole = |connection, call| if connection == 0 && call > 0 { Fate::Silence } else { Fate::Answer };
    let server = Server::start(hole).await;
    let bedrock = server.bedrock().build().await.unwrap();
    assert_eq!(streamed(&bedrock).await.unwrap(), "Paris.");
    let impatient = bedrock.first_event_timeout(Some(Duration::from_millis(150)));
    assert_eq!(streamed(&impatient).await.unwrap_err().kind(), ErrorKind::Timeout);
    assert_eq!(streamed(&impatient).await.unwrap(), "Paris.");
    assert_eq!(server.connections(), 2);
    // And within one call, where an attempt has a limit of its own.
    let server = Server::start(hole).await;
    let bedrock = server.bedrock().attempt_timeout(Duration::from_millis(150)).build().await.unwrap();
    assert_eq!(streamed(&bedrock).await.unwrap(), "Paris.");
    assert_eq!(streamed(&bedrock).await.unwrap(), "Paris.");
    assert_eq!(server.connections(), 2);
}

#[tokio::test]
async fn a_stream_that_stalls_takes_its_connection_with_it() {
    let stall = |connection, _| if connection == 0 { Fate::Stall } else { Fate::Answer };
    let server = Server::start(stall).await;
    let bedrock = server.bedrock().build().await.unwrap();
    let error = streamed(&bedrock.idle_timeout(Some(Duration::from_millis(100)))).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::StreamStalled);
    assert_eq!(error.partial().unwrap().text(), "Par");
    assert_eq!(streamed(&bedrock).await.unwrap(), "Paris.");
    assert_eq!(server.connections(), 2);
}

#[tokio::test]
async fn every_reset_has_a_name_and_what_had_arrived() {
    for (fate, kind) in [
        (Fate::Reset(Reason::INTERNAL_ERROR), ErrorKind::Connection),
        (Fate::Reset(Reason::CANCEL), ErrorKind::Connection),
        // The SDK takes both for the end of an answer.
        (Fate::Reset(Reason::NO_ERROR), ErrorKind::StreamTruncated),
        (Fate::Ended, ErrorKind::StreamTruncated),
    ] {
        let server = Server::start(move |_, _| fate).await;
        let bedrock = server.bedrock().build().await.unwrap();
        let error = streamed(&bedrock).await.unwrap_err();
        assert_eq!(error.kind(), kind, "{fate:?}: {error}");
        assert_eq!(error.partial().unwrap().text(), "Par", "{fate:?}");
    }
}

#[tokio::test]
async fn a_reset_before_the_head_is_repeated_where_nothing_was_begun() {
    for (reason, outcome) in [
        (Reason::REFUSED_STREAM, Ok("Paris.".to_owned())),
        (Reason::INTERNAL_ERROR, Err(ErrorKind::Connection)),
    ] {
        let calls = Arc::new(AtomicUsize::new(0));
        let fate = move |_, _| match calls.fetch_add(1, Ordering::SeqCst) {
            0 => Fate::Refused(reason),
            _ => Fate::Answer,
        };
        let server = Server::start(fate).await;
        let bedrock = server.bedrock().build().await.unwrap();
        assert_eq!(streamed(&bedrock).await.map_err(|error| error.kind()), outcome, "{reason:?}");
        // Whatever became of it, the next call goes through.
        assert_eq!(streamed(&bedrock).await.unwrap(), "Paris.");
    }
}

#[tokio::test]
async fn a_stream_that_is_dropped_is_cancelled_and_the_connection_lives_on() {
    let server = Server::start(|_, call| if call == 0 { Fate::Stall } else { Fate::Answer }).await;
    let bedrock = server.bedrock().build().await.unwrap();
    let request = ChatRequest::new("us.amazon.nova-lite-v1:0").user("Hi");
    let mut stream = bedrock.chat_stream(&request).await.unwrap();
    stream.next().await.unwrap().unwrap();
    drop(stream);
    let cancelled = async {
        while server.resets.lock().unwrap().is_empty() {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    };
    tokio::time::timeout(BOUND, cancelled).await.expect("the server is not told");
    assert_eq!(*server.resets.lock().unwrap(), [Reason::CANCEL]);
    assert_eq!(streamed(&bedrock).await.unwrap(), "Paris.");
    assert_eq!(server.connections(), 1);
}
