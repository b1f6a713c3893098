//! `/api/config/client`.

use actix_web::test::TestRequest;
use serde_json::{Value, json};

use crate::snapshot;
use crate::world::{World, config};

async fn ask(keys: Value) -> Value {
    World::empty().ask(config(keys), TestRequest::get().uri("/api/config/client")).await.json()
}

#[actix_web::test]
async fn answers_are_as_recorded() {
    snapshot("config_client", &ask(json!({})).await);
    let configured = ask(json!({
        "roles": {"repeater": {"label": "Relay"}},
        "snrThresholds": {"good": 5.5},
        "distThresholds": {"far": 50},
        "limits": {"packets": 100},
        "externalUrls": {"wiki": "https://wiki.example"},
        "maxHopDist": 1.8,
        "perfSlowMs": 100,
        "wsReconnectMs": 3000,
        "cacheInvalidateMs": 5000,
        "healthThresholds": {"infraDegradedHours": 2, "observerOnlineMinutes": 0.5, "nodeSilentHours": -1},
        "liveMap": {"propagationBufferMs": 1000, "maxNodes": 1},
        "timestamps": {"defaultMode": "absolute", "timezone": "utc", "formatPreset": "nonsense",
                       "customFormat": "HH:mm", "allowCustomFormat": true},
        "customizer": {"disabledTabs": ["theme"]},
    }));
    snapshot("config_client_configured", &configured.await);
}

#[actix_web::test]
async fn the_map_always_has_tiles() {
    assert_eq!(ask(json!({})).await["map"], json!({"tiles": {}}));
    assert_eq!(
        ask(json!({"map": {"attribution": "x"}})).await["map"],
        json!({"attribution": "x", "tiles": {}})
    );
    let tiles = json!({"tiles": {"light": "https://tiles.example/{z}"}});
    assert_eq!(ask(json!({"map": tiles})).await["map"], tiles);
}
