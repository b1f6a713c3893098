//! Why a message is not stored, and what is odd about one that is.

/// Defines an enum of reasons with the name each has in figures.
macro_rules! reasons {
    ($(#[$meta:meta])* $name:ident { $($(#[$doc:meta])* $variant:ident => $text:literal,)* }) => {
        $(#[$meta])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        pub enum $name { $($(#[$doc])* $variant,)* }

        impl $name {
            /// All reasons, in the order of their numbers.
            pub const ALL: &[Self] = &[$(Self::$variant,)*];

            /// The name in figures and logs.
            pub const fn name(self) -> &'static str {
                match self { $(Self::$variant => $text,)* }
            }
        }
    };
}
pub(crate) use reasons;

reasons! {
    /// Why a message is wrong.
    Reject {
        /// The payload is no JSON object.
        NotJson => "not_json",
        /// The payload has more than 64 KiB.
        Oversize => "oversize",
        /// The JSON nests too deep.
        TooDeep => "too_deep",
        /// The topic is none of those observers publish to.
        UnknownTopic => "unknown_topic",
        /// The topic names no valid observer.
        BadObserver => "bad_observer",
        /// Neither a frame nor a status.
        NoFrame => "no_frame",
        /// The frame has more than 512 hex digits.
        RawTooLong => "raw_too_long",
        /// The frame is not hexadecimal, or has an odd number of digits.
        BadHex => "bad_hex",
        /// The frame ends too early.
        Truncated => "truncated",
        /// The frame's path uses a reserved hash size.
        ReservedHashSize => "reserved_hash_size",
        /// The frame's path is longer than 64 bytes.
        PathTooLong => "path_too_long",
        /// The frame's payload is longer than 184 bytes.
        PayloadTooLong => "payload_too_long",
        /// Any other fault of a frame.
        BadFrame => "bad_frame",
        /// An advert with an impossible key or position.
        BadAdvert => "bad_advert",
        /// An advert whose signature is not its node's.
        BadSignature => "bad_signature",
        /// The report of a transmission with the frame of an older reception.
        StaleTx => "tx_stale_raw",
        /// Judging it failed: a fault of this program.
        Fault => "fault",
        /// A text message of a companion without a text.
        NoText => "no_text",
        /// A text message of a companion in a channel that cannot be.
        BadChannel => "bad_channel",
        /// A moving client does not say where it is.
        NoPosition => "no_position",
    }
}

reasons! {
    /// Why a good message is not kept.
    Discard {
        /// Its observer is on the blacklist.
        Blacklist => "blacklist",
        /// Its region is not on the whitelist.
        Whitelist => "whitelist",
        /// Its region is not in the source's filter.
        Iata => "iata",
        /// Its node is outside the configured area.
        Geo => "geo",
        /// Of no use to an analyzer: reports about programs, remote control.
        IgnoredTopic => "ignored_topic",
        /// From a moving client, and coverage is not enabled.
        CoverageOff => "coverage_off",
        /// A moving client sent this instead of hearing it.
        NotReceived => "not_rx",
        /// What a moving client heard does not tell from whom.
        NobodyHeard => "nobody_heard",
        /// A text to a companion alone, and storing those is not enabled.
        Direct => "direct_text",
        /// Too many messages waited, and it was the oldest.
        BufferFull => "buffer_full",
        /// Too many messages waited, and another one had told of its packet.
        BufferFullRepeat => "buffer_full_repeat",
        /// The program ended before it could be stored.
        Stopped => "stopped",
        /// The database refused it.
        WriteFailed => "write_failed",
    }
}

reasons! {
    /// What is odd about a message that is kept all the same: counted beside the buckets.
    Notice {
        /// It names another observer than its topic.
        OtherOrigin => "origin_id_mismatch",
        /// It knows its packet by another hash.
        OtherHash => "hash_mismatch",
        /// Its frame is of a later version, which nodes would drop.
        LaterVersion => "payload_version",
        /// Its clock runs in another time zone.
        NaiveClock => "naive_clock",
        /// Its node is outside the configured area, and marked as such.
        Foreign => "foreign_advert",
    }
}

impl Reject {
    /// Whether the frame could not be decoded: the others are about the message around it.
    pub const fn is_decode_error(self) -> bool {
        matches!(
            self,
            Self::BadHex
                | Self::Truncated
                | Self::ReservedHashSize
                | Self::PathTooLong
                | Self::PayloadTooLong
                | Self::BadFrame
                | Self::BadAdvert
        )
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn no_two_reasons_have_the_same_name() {
        let names: Vec<&str> = (Reject::ALL.iter().map(|reason| reason.name()))
            .chain(Discard::ALL.iter().map(|reason| reason.name()))
            .chain(Notice::ALL.iter().map(|notice| notice.name()))
            .collect();
        assert_eq!(names.iter().collect::<BTreeSet<_>>().len(), names.len(), "{names:?}");
    }

    #[test]
    fn what_is_wrong_with_a_frame_is_told_from_what_is_wrong_around_it() {
        assert!(Reject::Truncated.is_decode_error());
        assert!(!Reject::NotJson.is_decode_error() && !Reject::StaleTx.is_decode_error());
    }
}
