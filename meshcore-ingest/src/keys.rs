//! Keys of channels and regions.
//!
//! Channel keys are tried in a fixed order: `channelKeys`, `hashChannels`, the key file, the well-known hashtag
//! channels, the public channel.

use std::collections::BTreeMap;
use std::path::Path;

use meshcore_proto::{ChannelKey, KeyRing, RegionKey, Regions};
use tracing::warn;

use crate::config::{Config, read_texts};
use crate::log_text::LogText;

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
    for (name, key) in config.channel_keys_path.iter().flat_map(|path| key_file(path)) {
        ring.push_hex("key file", &name, &key);
    }
    for name in WELL_KNOWN.lines().filter(|line| !line.is_empty()) {
        ring.push(name, ChannelKey::hashtag(name));
    }
    ring.push("Public", ChannelKey::public());
    ring.keys
}

/// Collects the region keys of a configuration, in its order. A name whose key does not follow from it is warned about
/// and left out.
pub fn regions(config: &Config) -> Regions {
    let mut regions = Regions::new();
    for name in config.hash_regions.iter().map(|name| name.trim()).filter(|name| !name.is_empty()) {
        let Some(key) = RegionKey::public(name) else {
            warn!(region = %LogText::new(name), "hashRegions: the key of this region does not follow from its name; left out");
            continue;
        };
        let name = if name.starts_with('#') { name.to_owned() } else { format!("#{name}") };
        if regions.iter().all(|known| known.name != name) {
            regions.push(name, key);
        }
    }
    regions
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
                warn!(channel = %LogText::new(name), "{origin}: not a channel key, expected 32 or 64 hex digits; left out")
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
    use std::fs;

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
    fn the_well_known_channels_are_tried_after_those_of_a_key_file() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("keys.json");
        fs::write(&file, r##"{"#bogota": "00112233445566778899aabbccddeeff", "Ours": "8b3387e9c5cdea6ac9e5edbaa115cd72"}"##).unwrap();
        let ring = key_ring(&Config { channel_keys_path: Some(file), ..Config::default() });
        assert_eq!(names_for(&ring, 0x11), ["Ours", "Public"], "the file says that #bogota has another key");
        let test = ChannelKey::hashtag("#test").hash();
        assert!(names_for(&ring, test).contains(&"#test".to_owned()));
    }

    #[test]
    fn regions_keep_their_order_and_private_ones_are_left_out() {
        let regions = regions(&config(r##"{"hashRegions": ["b", " #a ", "$secret", "#b", "", "#"]}"##));
        let names: Vec<&str> = regions.iter().map(|region| region.name.as_str()).collect();
        assert_eq!(names, ["#b", "#a"]);
    }

    #[test]
    fn a_bad_key_is_left_out_and_the_others_stay() {
        let ring = key_ring(&config(r#"{"channelKeys": {"x": "zz"}, "hashChannels": ["mine", " "]}"#));
        let mine = ChannelKey::hashtag("#mine").hash();
        assert!(names_for(&ring, mine).contains(&"#mine".to_owned()));
    }
}
