//! What holds for every route: methods, errors, headers, the form of times.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::Duration;

use actix_web::http::Method;
use actix_web::test::TestRequest;
use actix_web::{rt, web};
use meshcore_web::{Config, Server};
use serde_json::{Value, json};

use crate::world::World;

/// One address per route, each with an answer in every recorded world.
pub(crate) const ROUTES: &[&str] = &[
    "/api/packets",
    "/api/packets/1",
    "/api/nodes",
    "/api/observers",
    "/api/stats",
    "/api/healthz",
    "/api/mqtt/status",
    "/api/config/client",
];

#[actix_web::test]
async fn other_methods_are_refused_by_name() {
    let world = World::recorded();
    for uri in ROUTES {
        for method in [Method::POST, Method::PUT, Method::PATCH, Method::DELETE, Method::OPTIONS] {
            let request = TestRequest::with_uri(uri).method(method.clone());
            let answer = world.ask(Config::default(), request).await;
            assert_eq!(answer.status, 405, "{method} {uri}");
            assert_eq!(answer.headers.get("allow").unwrap(), "GET, HEAD", "{method} {uri}");
            assert_eq!(answer.json(), json!({"error": "method not allowed"}), "{method} {uri}");
        }
    }
}

#[actix_web::test]
async fn unknown_addresses_below_api_are_never_a_page() {
    let world = World::recorded();
    let strangers = [
        "/api",
        "/api/",
        "/api?x=1",
        "/api/nope",
        "/api/nope.js",
        "/api/packets/",
        "/api/Packets",
        "/api/packets/1/2",
        "/api/config",
    ];
    for uri in strangers {
        for accept in ["*/*", "text/html,application/xhtml+xml"] {
            for method in [Method::GET, Method::POST] {
                let request = TestRequest::with_uri(uri).method(method).insert_header(("Accept", accept));
                let answer = world.ask(Config::default(), request).await;
                assert_eq!(answer.status, 404, "{uri}");
                assert_eq!(answer.json(), json!({"error": "Not found"}), "{uri}");
            }
        }
    }
    assert_ne!(world.get("/apix").await.headers.get("content-type").unwrap(), "application/json");
}

#[actix_web::test]
async fn a_parameter_given_twice_is_refused() {
    let world = World::recorded();
    for uri in [
        "/api/packets?limit=1&limit=2",
        "/api/packets?groupByHash=true&groupByHash=false",
        "/api/packets/1?by=obs&by=obs",
        "/api/nodes?search=a&search=b",
    ] {
        let answer = world.get(uri).await;
        assert_eq!(answer.status, 400, "{uri}");
        let error = answer.json()["error"].as_str().unwrap().to_owned();
        assert!(error.contains("duplicate field"), "{uri}: {error}");
    }
}

#[actix_web::test]
async fn no_answer_of_the_api_is_stored_by_caches() {
    let world = World::recorded();
    for uri in ROUTES.iter().chain(&["/api/packets/0", "/api/packets?type=x", "/api/nope"]) {
        let answer = world.get(uri).await;
        assert_eq!(answer.headers.get("cache-control").unwrap(), "no-store", "{uri}");
    }
}

#[actix_web::test]
async fn parameters_nobody_knows_change_nothing() {
    let world = World::recorded();
    let plain = world.json("/api/packets?limit=3").await;
    assert_eq!(world.json("/api/packets?limit=3&_=1777637400&sort=up").await, plain);
}

#[actix_web::test]
async fn times_have_milliseconds_and_end_in_z() {
    let world = World::recorded();
    let mut seen = 0;
    for uri in ROUTES.iter().chain(&["/api/packets?groupByHash=true", "/api/packets?expand=observations"]) {
        check_times(&world.json(uri).await, &mut seen);
    }
    assert!(seen > 100, "{seen} times");
    let mut follower = 0;
    for mut frame in crate::live::frames(&World::empty(), |world| world.write(world.recording())) {
        frame["data"]["decoded"] = Value::Null; // tells times of the sender, as the sender's clock has them
        check_times(&frame, &mut follower);
    }
    assert!(follower > 100, "{follower} times");
}

/// Every text that begins like a date is `YYYY-MM-DDTHH:MM:SS.sssZ`; the build time is no moment of the mesh.
fn check_times(answer: &Value, seen: &mut usize) {
    match answer {
        Value::Object(fields) => {
            for (_, value) in fields.iter().filter(|(key, _)| *key != "buildTime") {
                check_times(value, seen);
            }
        }
        Value::Array(items) => items.iter().for_each(|item| check_times(item, seen)),
        Value::String(text) if text.starts_with("20") && text.get(4..5) == Some("-") => {
            *seen += 1;
            let shape: String = text.chars().map(|c| if c.is_ascii_digit() { '0' } else { c }).collect();
            assert_eq!(shape, "0000-00-00T00:00:00.000Z", "{text}");
        }
        _ => {}
    }
}

/// The test service hands on the body of an answer to HEAD, a real connection does not: hence a server.
#[actix_web::test]
async fn head_answers_as_get_without_a_body() {
    let world = World::recorded();
    let server = Server::bind("127.0.0.1".parse().unwrap(), 0).unwrap();
    let address = server.url().strip_prefix("http://").unwrap().to_owned();
    let (running, handle) = server.start(world.app(Config::default())).unwrap();
    let running = rt::spawn(running);
    for uri in
        ["/api/packets", "/api/packets/1", "/api/nodes", "/api/config/client", "/api/nope", "/", "/nope.js"]
    {
        let (head, get) = (ask(&address, "HEAD", uri).await, ask(&address, "GET", uri).await);
        assert_eq!(head.0, get.0, "{uri}");
        assert_eq!(head.1, "", "{uri}");
        let length = get.0.iter().find_map(|line| line.strip_prefix("content-length: "));
        assert_eq!(length.expect("a length"), get.1.len().to_string(), "{uri}");
    }
    handle.stop(false).await;
    running.await.unwrap().unwrap();
}

/// Status line and headers, sorted and without the date; and the body.
async fn ask(address: &str, method: &str, uri: &str) -> (Vec<String>, String) {
    let request = format!("{method} {uri} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n");
    let address = address.to_owned();
    let answer = web::block(move || {
        let mut stream = TcpStream::connect(address)?;
        stream.set_read_timeout(Some(Duration::from_secs(30)))?;
        stream.write_all(request.as_bytes())?;
        let mut answer = String::new();
        stream.read_to_string(&mut answer).map(|_| answer)
    });
    let answer = answer.await.unwrap().unwrap();
    let (head, body) = answer.split_once("\r\n\r\n").unwrap();
    let mut lines: Vec<_> =
        head.lines().filter(|line| !line.starts_with("date: ")).map(str::to_owned).collect();
    lines.sort_unstable();
    (lines, body.to_owned())
}
