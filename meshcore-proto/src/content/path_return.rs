//! The plaintext of `PATH`: the way a packet came.
