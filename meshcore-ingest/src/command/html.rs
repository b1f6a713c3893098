//! Channel messages as one page that asks nobody for anything: style and script are inside, and no other may run.

use std::io::{self, Write};

use super::export::{Message, clean};

const STYLE: &str = include_str!("../../assets/messages.css");
const SCRIPT: &str = include_str!("../../assets/messages.js");

/// What a browser computes of them (`openssl dgst -sha256 -binary FILE | base64`).
const STYLE_SHA256: &str = "vnibKxI3G/jwjVs6xEKgfk+1Txq4ORS0ipgc0UJdlhM=";
const SCRIPT_SHA256: &str = "THm+sjC1ezktzq69jimn3OOFcyON9WkxTnI2Eb1Ge4I=";

pub(super) fn begin(out: &mut impl Write) -> io::Result<()> {
    write!(
        out,
        r#"<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'sha256-{STYLE_SHA256}'; script-src 'sha256-{SCRIPT_SHA256}'; base-uri 'none'; form-action 'none'">
<meta name="viewport" content="width=device-width">
<title>Channel messages</title>
<style>{STYLE}</style>
</head>
<body>
<header>
<h1>Channel messages</h1>
<input id="search" type="search" placeholder="Search" aria-label="Search">
<select id="channel" aria-label="Channel"><option value="">All channels</option></select>
<output id="count"></output>
</header>
<ol id="messages">
"#
    )
}

pub(super) fn message(out: &mut impl Write, message: &Message<'_>) -> io::Result<()> {
    let time = escaped(message.time.as_deref().unwrap_or_default());
    let (channel, sender) = (escaped(message.channel), escaped(message.sender.unwrap_or_default()));
    let snr = message.snr.map(|snr| format!(" · {snr:.1} dB")).unwrap_or_default();
    writeln!(
        out,
        r#"<li data-channel="{channel}"><time>{time}</time> <b>{channel}</b> <i dir="auto">{sender}</i> <p dir="auto">{text}</p> <small title="{path}">{hash} · {observers} observers · {hops} hops{snr}</small></li>"#,
        text = escaped(message.text),
        path = escaped(&message.path.join(" ")),
        hash = escaped(message.hash),
        observers = message.observers,
        hops = message.hops,
    )
}

pub(super) fn end(out: &mut impl Write) -> io::Result<()> {
    write!(out, "</ol>\n<script>{SCRIPT}</script>\n</body>\n</html>\n")
}

/// A text that is no markup, in content and in quoted attributes.
fn escaped(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for c in clean(text).chars() {
        match c {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\'' => escaped.push_str("&#39;"),
            c => escaped.push(c),
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use meshcore_proto::ChannelKey;
    use sha2::{Digest, Sha256};

    use super::*;

    #[test]
    fn the_page_allows_its_own_style_and_script() {
        for (text, hash) in [(STYLE, STYLE_SHA256), (SCRIPT, SCRIPT_SHA256)] {
            // Base64 of 32 bytes is what a long channel key is written as.
            let stated = ChannelKey::from_base64(hash).map(|key| key.secret().to_vec());
            assert_eq!(stated, Ok(Sha256::digest(text.as_bytes()).to_vec()), "see how it is computed");
        }
    }

    #[test]
    fn a_text_is_no_markup() {
        assert_eq!(escaped("<a b=\"c\" d='e'>&\u{202e}"), "&lt;a b=&quot;c&quot; d=&#39;e&#39;&gt;&amp;");
    }
}
