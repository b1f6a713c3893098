//! MQTT over WebSocket: the way of a client through the web server to the embedded broker.
//!
//! Here only the HTTP of it is done. The frames pass through a pipe of fixed size to the broker, which bounds them
//! before it collects them; neither side reads more than the other one takes.

use actix_web::guard::GuardContext;
use actix_web::http::header::{HeaderMap, SEC_WEBSOCKET_ACCEPT, SEC_WEBSOCKET_KEY, SEC_WEBSOCKET_PROTOCOL};
use actix_web::web::{Bytes, BytesMut};
use actix_web::{HttpRequest, HttpResponse, rt, web};
use futures_util::{Stream, StreamExt, stream};
use meshcore_ingest::broker::{Door, Entrance, Visitor};
use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream, ReadHalf, WriteHalf};
use tokio::sync::oneshot;

use crate::app::App;
use crate::error::Problem;
use crate::live::session::is_allowed;

/// The sub-protocol of MQTT, all versions.
const MQTT: &str = "mqtt";

/// Bytes handed to the client at a time.
const CHUNK: usize = 4096;

/// Whether a WebSocket is to carry MQTT.
pub(crate) fn is_asked_for(context: &GuardContext<'_>) -> bool {
    let offered = context.head().headers().get_all(SEC_WEBSOCKET_PROTOCOL);
    let mut names = offered.filter_map(|value| value.to_str().ok()).flat_map(|list| list.split(','));
    names.any(|name| name.trim() == MQTT)
}

/// Lets a client through to the broker.
pub(crate) async fn open(request: HttpRequest, body: web::Payload, app: web::Data<App>) -> HttpResponse {
    let refuse = |mut answer: actix_web::HttpResponseBuilder, why: &str| {
        answer.json(Problem { error: why.to_owned() })
    };
    let (Some(door), Some(address)) = (app.door(), request.peer_addr()) else {
        return refuse(HttpResponse::ServiceUnavailable(), "the broker is not open");
    };
    let Some(key) = key(request.headers()) else {
        return refuse(HttpResponse::BadRequest(), "Sec-WebSocket-Key is missing");
    };
    // Browsers let any page open a socket to any address, also to this machine.
    let of_foreign_page = !is_allowed(request.headers(), &app.config().cors_allowed_origins);
    let visitor = Visitor { address, entrance: Entrance::Web { of_foreign_page } };
    let (ours, brokers) = Door::pipe();
    if !door.enter(brokers, visitor) {
        return refuse(HttpResponse::ServiceUnavailable(), "the broker has no place");
    }
    let (from_broker, to_broker) = tokio::io::split(ours);
    let (ended, end) = oneshot::channel();
    rt::spawn(carry(body, to_broker, end));
    HttpResponse::SwitchingProtocols()
        .upgrade("websocket")
        .insert_header((SEC_WEBSOCKET_ACCEPT, Door::accept_key(key)))
        .insert_header((SEC_WEBSOCKET_PROTOCOL, MQTT))
        .streaming(chunks(from_broker, ended))
}

fn key(headers: &HeaderMap) -> Option<&[u8]> {
    headers.get(SEC_WEBSOCKET_KEY).map(|key| key.as_bytes())
}

/// Carries what the client sends until it ends, or the broker does.
async fn carry(mut body: web::Payload, mut to_broker: WriteHalf<DuplexStream>, end: oneshot::Receiver<()>) {
    let carried = async {
        while let Some(Ok(bytes)) = body.next().await {
            if to_broker.write_all(&bytes).await.is_err() {
                return;
            }
        }
    };
    tokio::select! {
        () = carried => {}
        _ = end => {}
    }
    // An error means that the broker's end is gone already.
    let _ = to_broker.shutdown().await;
}

/// What the broker says; `ended` is dropped with it, which ends the other direction.
fn chunks(
    from_broker: ReadHalf<DuplexStream>,
    ended: oneshot::Sender<()>,
) -> impl Stream<Item = std::io::Result<Bytes>> {
    stream::unfold((from_broker, ended), |(mut from_broker, ended)| async {
        let mut chunk = BytesMut::with_capacity(CHUNK);
        match from_broker.read_buf(&mut chunk).await {
            Ok(0) => None,
            Ok(_) => Some((Ok(chunk.freeze()), (from_broker, ended))),
            Err(error) => Some((Err(error), (from_broker, ended))),
        }
    })
}
