//! Images out of data URLs.
//!
//! The base64 of a well-formed data URL is sent as it is, without being decoded and encoded again;
//! only its form is checked, and its first bytes are looked at for the format, since clients often
//! declare the wrong one (`image/jpg`, or png for a jpeg) and the service refuses a mismatch.

use base64_simd::{Out, STANDARD, STANDARD_NO_PAD, URL_SAFE, URL_SAFE_NO_PAD};

use super::path::Path;
use crate::converse;
use crate::error::Error;
use crate::json::Str;

/// An `image_url` as the service can take it.
pub(super) enum ImageRef<'a> {
    /// The bytes came along.
    Inline(converse::Image<'a>),
    /// It is elsewhere, at this address.
    Remote(&'a str),
}

/// Reads the URL of an `image_url` part.
pub(super) fn image<'a>(url: &'a str, at: &Path<'_>) -> Result<ImageRef<'a>, Error> {
    let url = url.trim();
    if let Some(rest) = strip_scheme(url, "data:") {
        return inline(rest, at).map(ImageRef::Inline);
    }
    if ["http://", "https://"].iter().any(|scheme| strip_scheme(url, scheme).is_some()) {
        return Ok(ImageRef::Remote(url));
    }
    Err(Error::invalid(at.to_string(), "is not an image address: give data:image/png;base64,… or https://…"))
}

fn strip_scheme<'a>(url: &'a str, scheme: &str) -> Option<&'a str> {
    let (head, rest) = url.split_at_checked(scheme.len())?;
    head.eq_ignore_ascii_case(scheme).then_some(rest)
}

fn inline<'a>(rest: &'a str, at: &Path<'_>) -> Result<converse::Image<'a>, Error> {
    let invalid = |message: &str| Error::invalid(at.to_string(), message);
    let (head, data) =
        rest.split_once(',').ok_or_else(|| invalid("is a data: URL without a comma and data"))?;
    let mut head = head.split(';');
    let mime = head.next().unwrap_or_default().trim();
    if !head.any(|parameter| parameter.trim().eq_ignore_ascii_case("base64")) {
        return Err(invalid("is a data: URL that is not base64: give data:image/png;base64,…"));
    }
    if data.trim().is_empty() {
        return Err(invalid("is a data: URL without data"));
    }
    let bytes = canonical(data).ok_or_else(|| invalid("is not base64"))?;
    let format = sniff(&bytes)
        .or_else(|| declared(mime))
        .ok_or_else(|| invalid("is not an image of a format that Bedrock takes: png, jpeg, gif or webp"))?;
    Ok(converse::Image {
        format: format.into(),
        source: converse::Media::Bytes(bytes),
        ..converse::Image::default()
    })
}

/// The same bytes in standard base64 with padding, borrowed where they are that already.
fn canonical(data: &str) -> Option<Str<'_>> {
    if STANDARD.check(data.as_bytes()).is_ok() {
        return Some(data.into());
    }
    let data: Vec<u8> = data.bytes().filter(|byte| !byte.is_ascii_whitespace()).collect();
    let bytes = [STANDARD, STANDARD_NO_PAD, URL_SAFE, URL_SAFE_NO_PAD]
        .iter()
        .find_map(|alphabet| alphabet.decode_to_vec(&data).ok())?;
    Some(STANDARD.encode_to_string(bytes).into())
}

/// The format, by the first bytes.
fn sniff(base64: &str) -> Option<&'static str> {
    let head = base64.as_bytes();
    let head = &head[..head.len().min(24)];
    let mut buffer = [0; 18];
    let bytes = STANDARD.decode(head, Out::from_slice(&mut buffer)).ok()?;
    match bytes {
        [0x89, b'P', b'N', b'G', ..] => Some("png"),
        [0xff, 0xd8, 0xff, ..] => Some("jpeg"),
        [b'G', b'I', b'F', b'8', ..] => Some("gif"),
        [b'R', b'I', b'F', b'F', _, _, _, _, b'W', b'E', b'B', b'P', ..] => Some("webp"),
        _ => None,
    }
}

/// The format, by the MIME type.
fn declared(mime: &str) -> Option<&'static str> {
    match mime.to_ascii_lowercase().as_str() {
        "image/png" => Some("png"),
        "image/jpeg" | "image/jpg" => Some("jpeg"),
        "image/gif" => Some("gif"),
        "image/webp" => Some("webp"),
        _ => None,
    }
}
