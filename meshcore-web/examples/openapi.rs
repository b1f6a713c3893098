//! Prints the OpenAPI document, from which the page's types are made:
//!
//! ```text
//! cargo run -p meshcore-web --example openapi > public/openapi.json
//! ```

use meshcore_web::api::Document;
use utoipa::OpenApi;

#[expect(clippy::print_stdout, reason = "printing is what it is for")]
fn main() -> serde_json::Result<()> {
    println!("{}", Document::openapi().to_pretty_json()?);
    Ok(())
}
