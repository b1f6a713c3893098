//! `/api/stats` and `/api/healthz`.

use std::sync::Arc;

use actix_web::test::{TestRequest, call_and_read_body_json, init_service};
use actix_web::web::Data;
use meshcore_store::db::ReadPool;
use meshcore_web::{App, Build, Config, routes};
use serde_json::{Value, json};

use crate::made::{advert, ago, packet, store};
use crate::snapshot;
use crate::world::{NOW, World};

#[actix_web::test]
async fn answers_are_as_recorded() {
    let world = World::recorded();
    let mut stats = world.json("/api/stats").await;
    for text in ["version", "commit", "buildTime"] {
        assert!(stats[text].as_str().is_some_and(|text| !text.is_empty()), "{text}");
        stats[text] = json!(format!("[{text}]"));
    }
    assert!(stats["processRSSMB"].is_f64());
    stats["processRSSMB"] = json!("[megabytes]");
    snapshot("stats", &stats);
    snapshot("healthz", &world.json("/api/healthz").await);
}

#[actix_web::test]
async fn hours_and_days_count_back_from_the_clock() {
    let world = World::empty();
    world.write([
        store(packet(1, "Roof", ago(1_800))),
        store(packet(1, "Hill", ago(1_700))),
        store(packet(2, "Roof", ago(7_200))),
        store(packet(3, "Roof", ago(2 * 86_400))),
        store(advert(4, &"01".repeat(32), "new", ago(6 * 86_400))),
        store(advert(5, &"02".repeat(32), "old", ago(8 * 86_400))),
    ]);
    let stats = world.json("/api/stats").await;
    for (figure, expected) in [
        ("totalPackets", 5),
        ("totalTransmissions", 5),
        ("totalObservations", 6),
        ("packetsLastHour", 2),
        ("packetsLast24h", 3),
        ("totalNodes", 1),
        ("totalNodesAllTime", 2),
        ("totalObservers", 2),
        ("signatureDrops", 0),
    ] {
        assert_eq!(stats[figure], expected, "{figure}");
    }
    assert_eq!(stats["counts"]["repeaters"], 1);
    assert_eq!(stats["engine"], "rust");
}

#[actix_web::test]
async fn every_message_of_a_source_is_in_one_count() {
    let health = World::recorded().json("/api/healthz").await;
    let source = &health["ingest_liveness"]["demo"];
    let count = |name: &str| source[name].as_u64().unwrap();
    assert_eq!(count("received"), count("stored") + count("duplicate"));
    assert_eq!((&source["rejected"], &source["dropped"]), (&json!({}), &json!({})));
}

#[actix_web::test]
async fn a_server_without_ingest_says_nothing_of_sources() {
    let world = World::empty();
    let readers = Arc::new(ReadPool::open(&world.database()).unwrap());
    let app = App::new(readers, Config::default(), Arc::new(|_| None), Arc::new(|| NOW), Build::current());
    let app = Data::new(app);
    let service = init_service(actix_web::App::new().configure(|config| routes(config, app))).await;
    let request = TestRequest::get().uri("/api/healthz").to_request();
    let health: Value = call_and_read_body_json(&service, request).await;
    assert_eq!(health["ready"], true);
    assert!(health.get("ingest_liveness").is_none());
    assert_eq!(health["ingest"], json!({"state": "unknown", "problems": []}));
}

#[actix_web::test]
async fn the_status_of_sources_says_where_every_message_went() {
    let status = World::recorded().json("/api/mqtt/status").await;
    let source = &status["sources"][0];
    assert_eq!(source["name"], "demo");
    assert_eq!((&source["rejected"], &source["dropped"]), (&json!({}), &json!({})));
    let count = |name: &str| source[name].as_u64().unwrap();
    assert!(count("stored") > 20);
    assert_eq!(count("packetsTotal"), count("stored") + count("duplicate") + count("inFlight"));
}
