//! What an acknowledgement names its message by.
