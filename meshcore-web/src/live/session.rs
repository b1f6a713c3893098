//! One open page: frames out, pings, and nothing in.

use std::cell::Cell;
use std::rc::Rc;
use std::time::{Duration, Instant};

use actix_web::error::PayloadError;
use actix_web::http::header::{HOST, HeaderMap, ORIGIN};
use actix_web::{FromRequest, HttpRequest, HttpResponse, dev, rt, web};
use actix_ws::{CloseCode, Message, MessageStream, ProtocolError, Session};
use futures_util::StreamExt;
use tokio::sync::broadcast::error::RecvError;
use tokio::time::{MissedTickBehavior, interval, timeout};

use super::frame::LiveFrame;
use super::hub::Listener;
use crate::app::App;

/// Largest message a client may send; it has nothing to say.
const MAX_INBOUND: usize = 512;
const PING_EVERY: Duration = Duration::from_secs(30);
const PONG_WITHIN: Duration = Duration::from_secs(60);
const WRITE_WITHIN: Duration = Duration::from_secs(10);

/// Opens the live feed.
///
/// Pages of another origin are refused unless the configuration lists it; clients without an origin are no pages.
pub(crate) async fn open(
    request: HttpRequest,
    body: web::Payload,
    app: web::Data<App>,
) -> actix_web::Result<HttpResponse> {
    if !is_allowed(request.headers(), &app.config().cors_allowed_origins) {
        return Ok(
            HttpResponse::Forbidden().json(crate::error::Problem { error: "origin not allowed".into() })
        );
    }
    let pending = Rc::new(Cell::new(0));
    let body = bounded(&request, body, Rc::clone(&pending)).await?;
    let (response, session, messages) = actix_ws::handle(&request, body)?;
    let messages = messages.max_frame_size(MAX_INBOUND);
    rt::spawn(run(session, messages, app.hub().listen(), pending));
    Ok(response)
}

async fn run(
    mut session: Session,
    mut messages: MessageStream,
    Listener { mut frames, mut closing }: Listener,
    pending: Rc<Cell<usize>>,
) {
    let mut ping = interval(PING_EVERY);
    ping.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut last_heard = Instant::now();
    let reason = loop {
        tokio::select! {
            _ = closing.changed() => break Some((CloseCode::Away, "server shutting down").into()),
            frame = frames.recv() => {
                let sent = match frame {
                    Ok(frame) => timeout(WRITE_WITHIN, session.text(frame.as_ref())).await,
                    Err(RecvError::Lagged(dropped)) => {
                        let lagged = serde_json::to_string(&LiveFrame::Lagged { dropped }).unwrap_or_default();
                        timeout(WRITE_WITHIN, session.text(lagged)).await
                    }
                    Err(RecvError::Closed) => break None,
                };
                if !matches!(sent, Ok(Ok(()))) {
                    return; // the page is gone, or takes nothing any more
                }
            }
            message = messages.next() => {
                pending.set(0);
                last_heard = Instant::now();
                match message {
                    Some(Ok(Message::Ping(bytes))) if session.pong(&bytes).await.is_ok() => {}
                    Some(Ok(Message::Pong(_) | Message::Text(_) | Message::Binary(_) | Message::Nop)) => {}
                    Some(Err(ProtocolError::Overflow | ProtocolError::Io(_))) => {
                        break Some((CloseCode::Size, "this feed takes no messages").into());
                    }
                    _ => break None,
                }
            }
            _ = ping.tick() => {
                if last_heard.elapsed() > PONG_WITHIN || session.ping(b"").await.is_err() {
                    break None;
                }
            }
        }
    };
    // An error means that the page is gone already.
    let _ = session.close(reason).await;
}

/// The request body, cut off when a client sends more than a message may have without ending one.
///
/// The WebSocket codec checks a frame's size only when the whole frame is there: without this a client could make the
/// server collect a frame of any size.
async fn bounded(
    request: &HttpRequest,
    body: web::Payload,
    pending: Rc<Cell<usize>>,
) -> actix_web::Result<web::Payload> {
    let limited = body.map(move |chunk| {
        let chunk = chunk?;
        pending.set(pending.get() + chunk.len());
        if pending.get() > 4 * MAX_INBOUND { Err(PayloadError::Overflow) } else { Ok(chunk) }
    });
    let mut limited = dev::Payload::Stream { payload: limited.boxed_local() };
    web::Payload::from_request(request, &mut limited).await
}

/// Whether the page that asks, if it is one, is ours or on the list.
pub(crate) fn is_allowed(headers: &HeaderMap, allowed: &[String]) -> bool {
    let text = |name| headers.get(name).and_then(|value| value.to_str().ok());
    let Some(origin) = headers.get(ORIGIN) else { return true };
    let Ok(origin) = origin.to_str() else { return false };
    let host = origin.split_once("://").map(|(_, host)| host);
    let is_ours = host.zip(text(HOST)).is_some_and(|(origin, host)| origin.eq_ignore_ascii_case(host));
    is_ours || allowed.iter().any(|other| other != "*" && other == origin)
}

#[cfg(test)]
mod tests {
    use actix_web::http::header::HeaderValue;
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case(None, true)]
    #[case(Some("http://mesh.example:3000"), true)]
    #[case(Some("http://MESH.example:3000"), true)]
    #[case(Some("https://listed.example"), true)]
    #[case(Some("https://evil.example"), false)]
    #[case(Some("null"), false)]
    fn only_our_own_and_listed_origins_may_listen(
        #[case] origin: Option<&'static str>,
        #[case] allowed: bool,
    ) {
        let mut headers = HeaderMap::new();
        headers.insert(HOST, HeaderValue::from_static("mesh.example:3000"));
        if let Some(origin) = origin {
            headers.insert(ORIGIN, HeaderValue::from_static(origin));
        }
        assert_eq!(is_allowed(&headers, &["*".into(), "https://listed.example".into()]), allowed);
    }
}
