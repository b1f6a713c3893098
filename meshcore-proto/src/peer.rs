//! Secrets two nodes share.
