//! The plaintext of `ANON_REQ`: a login, or a question of a stranger.
