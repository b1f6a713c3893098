//! Texts that a companion has read and its bridge passes on: there is no frame to decode, only what was said.

use meshcore_proto::content::split_sender;
use serde::Serialize;

/// A text as JSON readers see it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "type")]
pub enum CompanionMessage {
    /// Said in a channel.
    #[serde(rename = "CHAN")]
    Channel {
        /// `ch` and the place of the channel in the companion's list: its name is not known here.
        channel: String,
        /// What was said.
        #[serde(flatten)]
        said: Said,
    },
    /// Said to the companion alone.
    #[serde(rename = "DM")]
    Direct {
        /// What was said.
        #[serde(flatten)]
        said: Said,
    },
}

/// What was said.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Said {
    /// `sender: message`, or the whole text when it names no sender.
    pub text: String,
    /// As the text claims: nothing proves it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sender: Option<String>,
    /// The sender's clock, Unix seconds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sender_timestamp: Option<u32>,
}

impl Said {
    /// Takes the sender from the text.
    pub fn new(text: String, sender_timestamp: Option<u32>) -> Self {
        let sender = split_sender(&text).0.map(str::to_owned);
        Self { text, sender, sender_timestamp }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_text_of_a_companion_looks_like_one_that_was_decrypted() {
        let said = Said::new("Ann: hi".into(), Some(7));
        let channel = CompanionMessage::Channel { channel: "ch2".into(), said };
        let expected = json!({"type": "CHAN", "channel": "ch2", "text": "Ann: hi", "sender": "Ann", "sender_timestamp": 7});
        assert_eq!(serde_json::to_value(channel).unwrap(), expected);
        let direct = CompanionMessage::Direct { said: Said::new("hi".into(), None) };
        assert_eq!(serde_json::to_value(direct).unwrap(), json!({"type": "DM", "text": "hi"}));
    }
}
