//! The plaintext of `TXT_MSG`: from one node to another.
