//! The plaintext of `REQ`: a question to a node.
