//! The plaintext of `RESPONSE`: an answer.
