//! Pages and files. They hold with and without a built page: without one, a notice takes its place.

use actix_web::test::TestRequest;
use meshcore_web::Config;

use crate::world::{Answer, World};

fn content_type(answer: &Answer) -> &str {
    answer.headers.get("content-type").map_or("", |value| value.to_str().unwrap())
}

fn assert_is_html(answer: &Answer, uri: &str) {
    assert!(content_type(answer).starts_with("text/html"), "{uri}: {}", content_type(answer));
    assert!(answer.text().to_ascii_lowercase().starts_with("<!doctype html>"), "{uri}");
    let policy = answer.headers.get("content-security-policy").expect(uri).to_str().unwrap();
    assert!(policy.starts_with("default-src 'self';"), "{uri}: {policy}");
    assert_eq!(answer.headers.get("cache-control").unwrap(), "no-cache", "{uri}");
}

#[actix_web::test]
async fn pages_are_html_with_a_policy() {
    let world = World::empty();
    for uri in [
        "/",
        "/?from=mail",
        "/packets",
        "/packets/62d2d65f4d029bdc",
        "/channels/%23a.b",
        "/channels/%23a%2Fb",
        "/nodes",
        "/map",
        "/help",
    ] {
        let answer = world.get(uri).await;
        assert_eq!(answer.status, 200, "{uri}");
        assert_is_html(&answer, uri);
    }
}

#[actix_web::test]
async fn a_file_that_is_not_there_is_no_page() {
    let world = World::empty();
    for uri in ["/nope.js", "/assets/nope.css", "/packets/a/b.js", "/favicon.nope"] {
        let answer = world.get(uri).await;
        assert_eq!(answer.status, 404, "{uri}");
        assert!(!content_type(&answer).starts_with("text/html"), "{uri}");
    }
}

#[actix_web::test]
async fn an_unknown_address_shows_the_application_which_says_so() {
    let world = World::empty();
    for uri in ["/nope", "/packets/a/b", "/packetsx"] {
        let answer = world.get(uri).await;
        assert_eq!(answer.status, 404, "{uri}");
        assert_is_html(&answer, uri);
    }
}

#[actix_web::test]
async fn pages_are_only_read() {
    let answer = World::empty().ask(Config::default(), TestRequest::post().uri("/packets")).await;
    assert_eq!(answer.status, 405);
    assert_eq!(answer.headers.get("allow").unwrap(), "GET, HEAD");
}
