//! The channel keys to try, in a fixed order: `channelKeys`, `hashChannels`, the key file, built in.

use std::collections::BTreeMap;
use std::path::Path;

use meshcore_proto::{ChannelKey, KeyRing};
use tracing::warn;

use crate::config::{Config, read_texts};

/// Well-known public channels whose keys follow from their names.
const WELL_KNOWN: &str = include_str!("../assets/hashtag-names.txt");

/// Collects the keys of a configuration. An entry that is no key is warned about and left out.
pub fn key_ring(config: &Config) -> KeyRing {
    let mut ring = Ring::default();
    for (name, key) in &config.channel_keys {
        ring.push_hex("channelKeys", name, key.reveal());
    }
    for name in config.hash_channels.iter().map(|name| name.trim()).filter(|name| !name.is_empty()) {
        let name = if name.starts_with('#') { name.to_owned() } else { format!("#{name}") };
        if !config.channel_keys.contains_key(&name) {
            ring.push(&name, ChannelKey::hashtag(&name));
        }
    }
    match &config.channel_keys_path {
        Some(path) => {
            for (name, key) in key_file(path) {
                ring.push_hex("key file", &name, &key);
            }
        }
        None => {
            for name in WELL_KNOWN.lines().filter(|line| !line.is_empty()) {
                ring.push(name, ChannelKey::hashtag(name));
            }
        }
    }
    ring.push("Public", ChannelKey::public());
    ring.keys
}

/// Keys so far, each name once: the first, strongest source wins.
#[derive(Default)]
struct Ring {
    keys: KeyRing,
    names: Vec<String>,
}

impl Ring {
    fn push_hex(&mut self, origin: &str, name: &str, key: &str) {
        let key = hex::decode(key.trim()).ok().and_then(|bytes| ChannelKey::from_slice(&bytes).ok());
        match key {
            Some(key) => self.push(name, key),
            None => {
                warn!(channel = %name.escape_debug(), "{origin}: not a channel key, expected 32 or 64 hex digits; left out")
            }
        }
    }

    fn push(&mut self, name: &str, key: ChannelKey) {
        let name = if name.eq_ignore_ascii_case("public") { "Public" } else { name };
        if self.names.iter().any(|known| known == name) {
            return;
        }
        self.names.push(name.to_owned());
        self.keys.push(name, key);
    }
}

fn key_file(path: &Path) -> BTreeMap<String, String> {
    read_texts(path).unwrap_or_else(|error| {
        warn!(%error, "channel keys of this file are not used");
        BTreeMap::new()
    })
}

#[cfg(test)]
mod tests {
    use meshcore_proto::ChannelKeys;

    use super::*;
    use crate::config::{ConfigFile, IngestArgs};

    fn config(json: &str) -> Config {
        let file = ConfigFile::from_text("c.json", json);
        Config::load(&file, &IngestArgs::default()).unwrap().0
    }

    fn names_for(ring: &KeyRing, hash: u8) -> Vec<String> {
        ring.by_hash(hash).map(|key| key.name.clone()).collect()
    }

    #[test]
    fn two_channels_with_one_hash_are_both_tried_public_last() {
        let ring = key_ring(&config("{}"));
        assert_eq!(names_for(&ring, 0x11), ["#bogota", "Public"]);
    }

    #[test]
    fn an_explicit_public_key_replaces_the_built_in_one() {
        let key = "00112233445566778899aabbccddeeff";
        let ring = key_ring(&config(&format!(r#"{{"channelKeys": {{"public": "{key}", "_note": 1}}}}"#)));
        let hash = ChannelKey::from_slice(&hex::decode(key).unwrap()).unwrap().hash();
        assert!(names_for(&ring, hash).contains(&"Public".to_owned()));
        assert!(!names_for(&ring, 0x11).contains(&"Public".to_owned()));
    }

    #[test]
    fn a_bad_key_is_left_out_and_the_others_stay() {
        let ring = key_ring(&config(r#"{"channelKeys": {"x": "zz"}, "hashChannels": ["mine", " "]}"#));
        let mine = ChannelKey::hashtag("#mine").hash();
        assert!(names_for(&ring, mine).contains(&"#mine".to_owned()));
    }
}
