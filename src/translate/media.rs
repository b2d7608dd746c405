//! Images, documents, audio and video out of data URLs, base64 and S3 addresses.
//!
//! The base64 of a well-formed data URL is sent as it is, without being decoded and encoded again;
//! only its form is checked, and its first bytes are looked at for the format of an image, since
//! clients often declare the wrong one (`image/jpg`, or png for a jpeg) and the service refuses a
//! mismatch.

use base64_simd::{Out, STANDARD, STANDARD_NO_PAD, URL_SAFE, URL_SAFE_NO_PAD};
use serde::Deserialize;

use super::names::digest;
use super::path::Path;
use crate::converse::{Audio, Document, DocumentSource, Image, Media, S3Location, Video};
use crate::error::Error;
use crate::json::{Json, Str};

/// An `image_url` as the service can take it.
pub(super) enum ImageRef<'a> {
    /// It came along, or lies in S3.
    Image(Image<'a>),
    /// It is elsewhere, at this address.
    Remote(&'a str),
}

/// The image formats that the service takes.
const IMAGES: &str = "is not an image of a format that Bedrock takes: png, jpeg, gif or webp";

/// Reads the URL of an `image_url` part.
pub(super) fn image<'a>(url: &'a str, at: &Path<'_>) -> Result<ImageRef<'a>, Error> {
    let url = url.trim();
    if strip_scheme(url, "data:").is_some() {
        let (mime, bytes) = data_url(url, at)?;
        let format = sniff(&bytes)
            .or_else(|| image_format(&mime.to_ascii_lowercase()))
            .ok_or_else(|| Error::invalid(at.to_string(), IMAGES))?;
        return Ok(ImageRef::Image(Image {
            format: format.into(),
            source: Media::Bytes(bytes),
            ..Image::default()
        }));
    }
    if strip_scheme(url, "s3://").is_some() {
        let format = image_format(&extension(url)).ok_or_else(|| Error::invalid(at.to_string(), IMAGES))?;
        return Ok(ImageRef::Image(Image {
            format: format.into(),
            source: Media::S3Location(s3_location(url.into(), at)?),
            ..Image::default()
        }));
    }
    if ["http://", "https://"].iter().any(|scheme| strip_scheme(url, scheme).is_some()) {
        return Ok(ImageRef::Remote(url));
    }
    Err(Error::invalid(
        at.to_string(),
        "is not an image address: give data:image/png;base64,…, s3://… or https://…",
    ))
}

/// Reads the `video_url` of a part: `{"url": "data:video/mp4;base64,…" | "s3://…"}`.
pub(super) fn video<'a>(video: &'a Json, at: &Path<'_>) -> Result<Video<'a>, Error> {
    #[derive(Deserialize)]
    struct VideoUrl<'a> {
        #[serde(borrow)]
        url: Str<'a>,
    }
    let at_url = at.member("url");
    let form: VideoUrl<'a> = serde_json::from_str(video.get()).map_err(|_| {
        Error::invalid(at_url.to_string(), "is missing: give {\"url\": \"data:video/mp4;base64,…\"}")
    })?;
    let unknown = || {
        Error::invalid(
            at_url.to_string(),
            "is not a video of a format that Bedrock takes: mkv, mov, mp4, webm, flv, mpeg, mpg, wmv or 3gp",
        )
    };
    if strip_scheme(&form.url, "s3://").is_some() {
        let format = video_format(&extension(&form.url)).ok_or_else(unknown)?;
        let location = s3_location(form.url, &at_url)?;
        return Ok(Video { format: format.into(), source: Media::S3Location(location), ..Video::default() });
    }
    let (mime, bytes) = data_url(&form.url, &at_url)?;
    let format = mime.strip_prefix("video/").and_then(video_format).ok_or_else(unknown)?;
    let bytes = Str::from(bytes.into_owned());
    Ok(Video { format: format.into(), source: Media::Bytes(bytes), ..Video::default() })
}

/// An object in S3, by the service's own pattern of an address:
/// `s3://[a-z0-9][\.\-a-z0-9]{1,61}[a-z0-9](/.*)?`, at most 1024 characters.
fn s3_location<'a>(uri: Str<'a>, at: &Path<'_>) -> Result<S3Location<'a>, Error> {
    let rest = strip_scheme(&uri, "s3://").unwrap_or_default();
    let (bucket, key) = rest.split_once('/').unwrap_or((rest, ""));
    let is_name = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit();
    let is_sound = (3..=63).contains(&bucket.len())
        && bucket.bytes().all(|byte| is_name(byte) || matches!(byte, b'.' | b'-'))
        && bucket.bytes().next().is_some_and(is_name)
        && bucket.bytes().last().is_some_and(is_name)
        && !key.contains('\n')
        && uri.chars().count() <= 1024;
    if !is_sound {
        return Err(Error::invalid(
            at.to_string(),
            "is not an address in S3: give s3://bucket/key, with a bucket of 3 to 63 small letters, digits, dots and hyphens",
        ));
    }
    let uri = if uri.starts_with("s3://") { uri } else { format!("s3://{rest}").into() };
    Ok(S3Location { uri, ..S3Location::default() })
}

fn video_format(name: &str) -> Option<&'static str> {
    Some(match name.to_ascii_lowercase().as_str() {
        "mkv" | "x-matroska" => "mkv",
        "mov" | "quicktime" => "mov",
        "mp4" => "mp4",
        "webm" => "webm",
        "flv" | "x-flv" => "flv",
        "mpeg" => "mpeg",
        "mpg" => "mpg",
        "wmv" | "x-ms-wmv" => "wmv",
        "3gp" | "3gpp" | "three_gp" => "three_gp",
        _ => return None,
    })
}

/// Reads the `input_audio` of a part: `{"data": base64, "format": "wav"}`.
pub(super) fn audio<'a>(audio: &'a Json, at: &Path<'_>) -> Result<Audio<'a>, Error> {
    const FORMATS: [&str; 15] = [
        "mp3", "opus", "wav", "aac", "flac", "mp4", "ogg", "mkv", "mka", "x-aac", "m4a", "mpeg", "mpga",
        "pcm", "webm",
    ];
    #[derive(Deserialize)]
    struct InputAudio<'a> {
        #[serde(borrow)]
        data: Str<'a>,
        #[serde(borrow)]
        format: Str<'a>,
    }
    let form: InputAudio<'a> = serde_json::from_str(audio.get())
        .map_err(|_| Error::invalid(at.to_string(), "must be an object with data (base64) and format"))?;
    let format = match &*form.format {
        "pcm16" => "pcm",
        format => FORMATS.iter().find(|known| **known == format).copied().ok_or_else(|| {
            Error::invalid(
                at.member("format").to_string(),
                format!("is {format:?}: Bedrock takes {}", FORMATS.join(", ")),
            )
        })?,
    };
    let bytes = base64(&form.data, &at.member("data"))?.into_owned();
    Ok(Audio { format: format.into(), source: Media::Bytes(bytes.into()), ..Audio::default() })
}

/// Reads the `file` of a part. The document's name is a digest of its content: neutral, as AWS asks
/// for, and the same in every turn. A content that came before gets a number behind.
pub(super) fn document<'a>(
    file: &'a Json,
    at: &Path<'_>,
    names: &mut Vec<String>,
) -> Result<Document<'a>, Error> {
    #[derive(Deserialize)]
    struct File<'a> {
        #[serde(borrow)]
        file_data: Option<Str<'a>>,
        #[serde(borrow)]
        filename: Option<Str<'a>>,
        #[serde(borrow)]
        file_id: Option<Str<'a>>,
    }
    let form: File<'a> = serde_json::from_str(file.get())
        .map_err(|_| Error::invalid(at.to_string(), "must be an object with file_data, as text"))?;
    let at_data = at.member("file_data");
    let Some(data) = form.file_data else {
        return Err(match form.file_id {
            Some(_) => Error::unsupported(
                at.member("file_id").to_string(),
                "names a file at OpenAI, which Bedrock cannot read: send file_data",
            ),
            None => Error::invalid(at_data.to_string(), "is missing: give data:application/pdf;base64,…"),
        });
    };
    let (mime, bytes) = match strip_scheme(&data, "data:") {
        Some(_) => {
            let (mime, bytes) = data_url(&data, &at_data)?;
            (mime.to_ascii_lowercase(), bytes.into_owned())
        }
        None => (String::new(), base64(&data, &at_data)?.into_owned()),
    };
    let format = document_format(&mime, &extension(form.filename.as_deref().unwrap_or_default()))
        .ok_or_else(|| {
            Error::invalid(
                at_data.to_string(),
                "is not a document of a format that Bedrock takes: pdf, csv, doc, docx, xls, xlsx, html, txt, md or other text",
            )
        })?;
    let mut name = format!("document-{:016x}", digest(bytes.as_bytes()));
    let plain = name.clone();
    let mut number = 1;
    while names.contains(&name) {
        number += 1;
        name = format!("{plain}-{number}");
    }
    names.push(name.clone());
    Ok(Document {
        format: Some(format.into()),
        name: name.into(),
        source: DocumentSource::Bytes(bytes.into()),
        ..Document::default()
    })
}

/// The format of a document by its MIME type, else by the end of its name; text of any kind is txt.
fn document_format(mime: &str, extension: &str) -> Option<&'static str> {
    const OFFICE: &str = "application/vnd.openxmlformats-officedocument.";
    Some(match mime {
        "application/pdf" => "pdf",
        "text/csv" => "csv",
        "application/msword" => "doc",
        "application/vnd.ms-excel" => "xls",
        "text/html" => "html",
        "text/markdown" => "md",
        _ if mime.strip_prefix(OFFICE) == Some("wordprocessingml.document") => "docx",
        _ if mime.strip_prefix(OFFICE) == Some("spreadsheetml.sheet") => "xlsx",
        _ => match extension {
            "pdf" => "pdf",
            "csv" => "csv",
            "doc" => "doc",
            "docx" => "docx",
            "xls" => "xls",
            "xlsx" => "xlsx",
            "html" | "htm" => "html",
            "md" | "markdown" => "md",
            "txt" | "text" | "log" | "json" | "jsonl" | "yaml" | "yml" | "toml" | "xml" | "ini" | "tsv"
            | "rst" | "py" | "rs" | "js" | "ts" | "tsx" | "jsx" | "java" | "c" | "h" | "cpp" | "cc"
            | "hpp" | "go" | "rb" | "sh" | "sql" | "css" | "swift" | "kt" | "cs" | "php" | "scala"
            | "lua" | "r" | "pl" => "txt",
            _ if mime.starts_with("text/") => "txt",
            _ if matches!(
                mime,
                "application/json" | "application/xml" | "application/yaml" | "application/x-yaml"
            ) =>
            {
                "txt"
            }
            _ => return None,
        },
    })
}

fn extension(name: &str) -> String {
    name.rsplit_once('.').map(|(_, extension)| extension.to_ascii_lowercase()).unwrap_or_default()
}

fn strip_scheme<'a>(url: &'a str, scheme: &str) -> Option<&'a str> {
    let (head, rest) = url.split_at_checked(scheme.len())?;
    head.eq_ignore_ascii_case(scheme).then_some(rest)
}

/// The MIME type and the base64 of a data URL.
fn data_url<'a>(url: &'a str, at: &Path<'_>) -> Result<(&'a str, Str<'a>), Error> {
    let invalid = |message: &str| Error::invalid(at.to_string(), message);
    let rest = strip_scheme(url.trim(), "data:")
        .ok_or_else(|| invalid("is not a data: URL: give data:…;base64,…"))?;
    let (head, data) =
        rest.split_once(',').ok_or_else(|| invalid("is a data: URL without a comma and data"))?;
    let mut head = head.split(';');
    let mime = head.next().unwrap_or_default().trim();
    if !head.any(|parameter| parameter.trim().eq_ignore_ascii_case("base64")) {
        return Err(invalid("is a data: URL that is not base64: give data:…;base64,…"));
    }
    if data.trim().is_empty() {
        return Err(invalid("is a data: URL without data"));
    }
    Ok((mime, base64(data, at)?))
}

/// The same bytes in standard base64 with padding, borrowed where they are that already.
fn base64<'a>(data: &'a str, at: &Path<'_>) -> Result<Str<'a>, Error> {
    if data.trim().is_empty() {
        return Err(Error::invalid(at.to_string(), "is empty"));
    }
    if STANDARD.check(data.as_bytes()).is_ok() {
        return Ok(data.into());
    }
    let data: Vec<u8> = data.bytes().filter(|byte| !byte.is_ascii_whitespace()).collect();
    [STANDARD, STANDARD_NO_PAD, URL_SAFE, URL_SAFE_NO_PAD]
        .iter()
        .find_map(|alphabet| alphabet.decode_to_vec(&data).ok())
        .map(|bytes| STANDARD.encode_to_string(bytes).into())
        .ok_or_else(|| Error::invalid(at.to_string(), "is not base64"))
}

/// The format of an image, by its first bytes.
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

/// The format of an image, by its MIME type or the end of its name.
fn image_format(name: &str) -> Option<&'static str> {
    match name.strip_prefix("image/").unwrap_or(name) {
        "png" => Some("png"),
        "jpeg" | "jpg" => Some("jpeg"),
        "gif" => Some("gif"),
        "webp" => Some("webp"),
        _ => None,
    }
}
