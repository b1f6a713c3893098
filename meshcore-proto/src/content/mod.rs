//! Contents: what is inside the ciphertext.
//!
//! A plaintext is padded with zeros to whole cipher blocks and says nothing of
//! its length: text ends at the first NUL, data carry their own length.

mod anon;
mod group_data;
mod group_text;
mod lpp;
mod path_return;
mod request;
mod response;
mod text;

pub use group_data::GroupData;
pub use group_text::{GroupText, MAX_TEXT, is_plausible_text};
