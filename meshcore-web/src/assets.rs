//! The web page: embedded, compressed once, cached for ever where the name says so.

use std::collections::HashMap;
use std::io::Write;
use std::sync::LazyLock;

use actix_web::http::header::{
    ACCEPT_ENCODING, CACHE_CONTROL, CONTENT_ENCODING, CONTENT_SECURITY_POLICY, ETAG, HeaderMap,
    IF_NONE_MATCH, REFERRER_POLICY, VARY, X_CONTENT_TYPE_OPTIONS,
};
use actix_web::http::{Method, StatusCode, Uri};
use actix_web::web::Bytes;
use actix_web::{HttpRequest, HttpResponse};
use rust_embed::{EmbeddedFile, RustEmbed};

/// `public/dist`; in debug builds read from the disk at each request.
#[derive(RustEmbed)]
#[folder = "../public/dist"]
#[allow_missing = true]
struct Dist;

/// Pages of the application: these paths and everything one level below them show the shell.
const PAGES: &[&str] =
    &["map", "packets", "channels", "nodes", "observers", "topology", "insight", "tools", "system", "help"];

/// Scripts, styles, pictures and connections of our own origin only.
const POLICY: &str =
    "default-src 'self'; img-src 'self' data:; object-src 'none'; base-uri 'self'; form-action 'self'";

/// Debug builds read the disk: what was compressed at start may be old.
const IS_COMPRESSED: bool = !cfg!(debug_assertions);

const NOT_BUILT: &str = "<!doctype html><title>CoreScope</title><p>The web page is not part of this build: run \
                         <code>make front</code> and build again. The API works.</p>";

/// Answers a request that no other route took: a file, a page of the application, or nothing.
pub(crate) async fn serve(request: HttpRequest) -> HttpResponse {
    if !matches!(*request.method(), Method::GET | Method::HEAD) {
        return HttpResponse::MethodNotAllowed().insert_header(("Allow", "GET, HEAD")).finish();
    }
    let path = request.path().trim_start_matches('/');
    if !path.is_empty()
        && let Some(file) = Dist::get(path)
    {
        return file_response(&request, path, &file, StatusCode::OK);
    }
    let status = if is_page(request.uri()) {
        StatusCode::OK
    } else if path.rsplit('/').next().is_some_and(|name| name.contains('.')) {
        return HttpResponse::NotFound().finish();
    } else {
        StatusCode::NOT_FOUND
    };
    match Dist::get("index.html") {
        Some(shell) => file_response(&request, "index.html", &shell, status),
        None => HttpResponse::build(status)
            .insert_header((CONTENT_SECURITY_POLICY, POLICY))
            .insert_header((CACHE_CONTROL, "no-cache"))
            .content_type("text/html; charset=utf-8")
            .body(NOT_BUILT),
    }
}

/// Whether the application has a page at this address: `/`, a page, or one segment of any characters below it.
fn is_page(uri: &Uri) -> bool {
    let path = uri.path().trim_matches('/');
    let (page, below) = path.split_once('/').unwrap_or((path, ""));
    path.is_empty() || (PAGES.contains(&page) && !below.contains('/'))
}

fn file_response(request: &HttpRequest, path: &str, file: &EmbeddedFile, status: StatusCode) -> HttpResponse {
    let etag = format!("\"{}\"", hex::encode(&file.metadata.sha256_hash()[..16]));
    let mut response = HttpResponse::build(status);
    response
        .insert_header((ETAG, etag.clone()))
        .insert_header((VARY, "Accept-Encoding"))
        .insert_header((X_CONTENT_TYPE_OPTIONS, "nosniff"))
        .insert_header((REFERRER_POLICY, "same-origin"));
    // Names below assets/ carry a hash of their content.
    if path.starts_with("assets/") {
        response.insert_header((CACHE_CONTROL, "public, max-age=31536000, immutable"));
    } else {
        response.insert_header((CACHE_CONTROL, "no-cache"));
    }
    let mime = mime_guess::from_path(path).first_or_octet_stream();
    if mime.type_() == "text" || mime.subtype() == "javascript" || mime.subtype() == "json" {
        response.content_type(format!("{mime}; charset=utf-8"));
    } else {
        response.content_type(mime.as_ref());
    }
    if mime.subtype() == "html" {
        response.insert_header((CONTENT_SECURITY_POLICY, POLICY));
    }
    let known = request.headers().get(IF_NONE_MATCH).and_then(|value| value.to_str().ok());
    if status == StatusCode::OK && known.is_some_and(|known| known.split(',').any(|tag| tag.trim() == etag)) {
        return response.status(StatusCode::NOT_MODIFIED).finish();
    }
    let (encoding, bytes) = encoded(path, file, request.headers());
    if let Some(encoding) = encoding {
        response.insert_header((CONTENT_ENCODING, encoding));
    }
    response.body(bytes)
}

/// The bytes in the best encoding the client takes.
fn encoded(path: &str, file: &EmbeddedFile, headers: &HeaderMap) -> (Option<&'static str>, Bytes) {
    let accepted = headers.get(ACCEPT_ENCODING).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let takes = |encoding| {
        accepted.split(',').any(|part| part.split(';').next().unwrap_or_default().trim() == encoding)
    };
    if IS_COMPRESSED && let Some(compressed) = COMPRESSED.get(path) {
        if takes("br") {
            return (Some("br"), compressed.brotli.clone());
        }
        if takes("gzip") {
            return (Some("gzip"), compressed.gzip.clone());
        }
    }
    (None, Bytes::copy_from_slice(&file.data))
}

/// A file in two encodings.
struct Compressed {
    brotli: Bytes,
    gzip: Bytes,
}

static COMPRESSED: LazyLock<HashMap<String, Compressed>> = LazyLock::new(|| {
    let is_text = |path: &str| {
        [".html", ".js", ".css", ".svg", ".json", ".webmanifest"].iter().any(|end| path.ends_with(end))
    };
    let compress = |path: String| {
        let data = Dist::get(&path)?.data;
        let compressed = Compressed { brotli: brotli(&data).ok()?.into(), gzip: gzip(&data).ok()?.into() };
        Some((path, compressed))
    };
    Dist::iter().map(|path| path.into_owned()).filter(|path| is_text(path)).filter_map(compress).collect()
});

/// Compresses all files now instead of at the first request.
pub(crate) fn prepare() {
    if IS_COMPRESSED {
        LazyLock::force(&COMPRESSED);
    }
}

/// Log2 of the bytes looked back: our files are hardly larger, and a window of 4 MB takes 27 MB of memory.
const BROTLI_WINDOW: u32 = 17;

fn brotli(data: &[u8]) -> std::io::Result<Vec<u8>> {
    let mut out = Vec::new();
    let mut writer = brotli::CompressorWriter::new(&mut out, 4096, 9, BROTLI_WINDOW);
    writer.write_all(data)?;
    writer.flush()?;
    drop(writer);
    Ok(out)
}

fn gzip(data: &[u8]) -> std::io::Result<Vec<u8>> {
    let mut writer = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
    writer.write_all(data)?;
    writer.finish()
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case("/", true)]
    #[case("/packets", true)]
    #[case("/packets/62d2d65f4d029bdc", true)]
    #[case("/channels/%23a.b", true)]
    #[case("/channels/%23a%2Fb", true)]
    #[case("/packets/a/b", false)]
    #[case("/nope", false)]
    #[case("/packetsx", false)]
    fn pages_are_known_by_their_first_segment(#[case] path: &str, #[case] page: bool) {
        assert_eq!(is_page(&path.parse().unwrap()), page);
    }
}
