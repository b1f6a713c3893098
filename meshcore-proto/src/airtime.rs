//! How long a packet occupies the air.
