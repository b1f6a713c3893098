//! What a packet, or one of its observations, can be asked for.

/// A field of the language. What can be asked of it depends on its kind.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Field {
    /// Payload type.
    Type,
    /// Route type.
    Route,
    /// Whether the route carries transport codes.
    Transport,
    /// A number.
    Number(NumberField),
    /// A text.
    Text(TextField),
    /// Something that holds or does not.
    Flag(Flag),
    /// Nodes in some part of the packet.
    Node(NodePart),
    /// A list of the user's, of which a node has part in the packet.
    Own(Own),
    /// When it was heard.
    Time,
    /// Heard at or after a time, or less than a duration ago.
    Since,
    /// Heard at or before a time, or more than a duration ago.
    Until,
    /// Seconds since it was heard.
    Age,
    /// Any of the texts that words are searched in.
    Words,
}

/// A field that is a number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum NumberField {
    /// Bytes of the frame.
    Size,
    /// Bytes of the payload: what follows header, transport codes and path.
    PayloadBytes,
    /// Signal to noise, dB.
    Snr,
    /// Received strength, dBm.
    Rssi,
    /// Number of hops.
    Hops,
    /// Number of observations.
    Observations,
    /// Bytes per hop.
    HashSize,
    /// Bytes of the path.
    PathLen,
    /// Time on air, ms.
    Airtime,
    /// From the sender to the observer, km.
    Distance,
    /// From the first observation to this one, ms.
    Delay,
    /// The sender's position, degrees north.
    Lat,
    /// The sender's position, degrees east.
    Lon,
}

/// A field that is a text.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum TextField {
    /// Content hash, 16 hex digits.
    Hash,
    /// The frame as hex.
    Raw,
    /// The payload as hex: what follows header, transport codes and path.
    PayloadHex,
    /// Name of the observer.
    Observer,
    /// Id of the observer.
    ObserverId,
    /// Region code of the observer.
    Region,
    /// Hops as hex, joined by ` → `.
    Path,
    /// Keys of the nodes that the hops were, as far as known.
    RoutedThrough,
    /// First transport code, four upper-case hex digits.
    Code1,
    /// Second transport code, likewise.
    Code2,
    /// Name of the channel, or `enc_XX`.
    Channel,
    /// What was said.
    Text,
    /// Role of the sender, one of [`ROLES`].
    Role,
    /// Name of the region whose scope the packet has; empty when it has one that is unknown.
    Scope,
    /// Area in which the sender is.
    Area,
    /// What is odd about the frame, in words.
    Anomaly,
    /// Name of the sender.
    Name,
}

/// Roles a node can have.
pub const ROLES: [&str; 5] = ["companion", "repeater", "room", "sensor", "none"];

/// Something that holds, does not hold, or is not known.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Flag {
    /// The payload is encrypted, and no key of ours opens it.
    Encrypted,
    /// The signature of an advert is valid.
    Signature,
    /// The packet is the first ever heard of its sender.
    NewNode,
}

/// Where in a packet a node can be.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum NodePart {
    /// Sender.
    From,
    /// Recipient.
    To,
    /// One of the hops.
    Via,
    /// The hop next to the sender.
    FirstHop,
    /// The hop next to the observer.
    LastHop,
    /// Sender, recipient or hop.
    Any,
}

/// A list the user keeps.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Own {
    /// Nodes that are the user's own.
    Mine,
    /// Nodes the user has marked.
    Favourites,
}

impl Field {
    /// Whether each observation has its own.
    pub const fn is_of_observation(self) -> bool {
        match self {
            Self::Number(number) => matches!(
                number,
                NumberField::Snr
                    | NumberField::Rssi
                    | NumberField::Hops
                    | NumberField::HashSize
                    | NumberField::PathLen
                    | NumberField::Distance
                    | NumberField::Delay
            ),
            Self::Text(text) => matches!(
                text,
                TextField::Observer
                    | TextField::ObserverId
                    | TextField::Region
                    | TextField::Path
                    | TextField::RoutedThrough
            ),
            Self::Node(part) => matches!(part, NodePart::Via | NodePart::FirstHop | NodePart::LastHop),
            Self::Time | Self::Since | Self::Until | Self::Age => true,
            Self::Type | Self::Route | Self::Transport | Self::Flag(_) | Self::Own(_) | Self::Words => false,
        }
    }
}
