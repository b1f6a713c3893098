//! Why a message is not stored.

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
        /// From a moving client or a companion bridge: not read by this version.
        NotSupported => "not_supported",
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
