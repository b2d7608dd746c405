//! Fetching what a request names by address. Nothing is fetched unless the caller gives a hook: what a
//! prompt names may be an address inside the caller's own network.

use std::borrow::Cow;
use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

use bytes::Bytes;

use crate::error::{Error, ErrorKind};
use crate::json::Json;
use crate::openai::{ChatRequest, Content, Part};

/// What was fetched.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Fetched {
    /// The bytes.
    pub bytes: Bytes,
    /// What they are, such as `image/png`; for images their own first bytes count more.
    pub content_type: Option<String>,
}

/// A future of [`FetchMedia::fetch`].
pub type Fetching<'f> =
    Pin<Box<dyn Future<Output = Result<Fetched, Box<dyn std::error::Error + Send + Sync>>> + Send + 'f>>;

/// Fetches images and videos that requests name by address.
///
/// An address in a prompt may be anyone's, and may point into your own network: allow only the hosts
/// that you mean, and follow no redirects to others.
///
/// ```
/// use bedrock_chat::{Bedrock, FetchMedia, Fetched, Fetching};
///
/// #[derive(Debug)]
/// struct FromDisk;
///
/// impl FetchMedia for FromDisk {
///     fn fetch<'f>(&'f self, url: &'f str, limit: usize) -> Fetching<'f> {
///         Box::pin(async move {
///             let name = url.strip_prefix("https://pictures.example/").ok_or("another host")?;
///             let bytes = std::fs::read(format!("pictures/{}", name.replace('/', "_")))?;
///             Ok(Fetched { bytes: bytes.into(), content_type: None })
///         })
///     }
/// }
///
/// let builder = Bedrock::builder().fetch_media(FromDisk, 3_750_000);
/// ```
pub trait FetchMedia: fmt::Debug + Send + Sync {
    /// Fetches `url`, which begins with http:// or https://. What has more than `limit` bytes is
    /// refused afterwards, and need not be read to its end.
    fn fetch<'f>(&'f self, url: &'f str, limit: usize) -> Fetching<'f>;
}

/// The hook, and the most bytes that it may fetch.
#[derive(Debug, Clone)]
pub(super) struct Media {
    hook: Arc<dyn FetchMedia>,
    limit: usize,
}

impl Media {
    pub(super) fn new(hook: impl FetchMedia + 'static, limit: usize) -> Self {
        Media { hook: Arc::new(hook), limit }
    }

    /// The request with what it names by address in it, as data: URLs. An address is fetched once,
    /// however often it is named.
    pub(super) async fn fetched<'r>(&self, request: &'r ChatRequest) -> Result<Cow<'r, ChatRequest>, Error> {
        if !request
            .messages
            .iter()
            .filter_map(|message| message.content.as_ref())
            .flat_map(parts)
            .any(is_remote)
        {
            return Ok(Cow::Borrowed(request));
        }
        let mut request = request.clone();
        let mut known: Vec<(String, String)> = Vec::new();
        for (index, message) in request.messages.iter_mut().enumerate() {
            let Some(Content::Parts(parts)) = &mut message.content else {
                continue;
            };
            for (part_index, part) in parts.iter_mut().enumerate() {
                let Some((member, url)) = address(part) else {
                    continue;
                };
                let data = match known.iter().find(|(fetched, _)| *fetched == url) {
                    Some((_, data)) => data.clone(),
                    None => {
                        let field = format!("messages[{index}].content[{part_index}].{member}.url");
                        let data = self.data_url(&url, &field, member).await?;
                        known.push((url, data.clone()));
                        data
                    }
                };
                put(part, data);
            }
        }
        Ok(Cow::Owned(request))
    }

    async fn data_url(&self, url: &str, field: &str, member: &str) -> Result<String, Error> {
        let failed = |message: String| Error::new(ErrorKind::Connection, message).with_field(field);
        let Fetched { bytes, content_type } = self.hook.fetch(url, self.limit).await.map_err(|error| {
            failed(format!("could not be fetched: {error}"))
                .with_advice("try again, or send the data itself")
                .with_source(error)
        })?;
        if bytes.is_empty() {
            return Err(failed("was fetched, and is empty".to_owned()));
        }
        if bytes.len() > self.limit {
            return Err(Error::invalid(
                field,
                format!("has {} bytes: at most {} are fetched", bytes.len(), self.limit),
            ));
        }
        let fallback = if member == "video_url" { "video/mp4" } else { "image/png" };
        let content_type =
            content_type.as_deref().map(|kind| kind.split(';').next().unwrap_or_default().trim());
        let content_type = content_type.filter(|kind| !kind.is_empty()).unwrap_or(fallback);
        let mut data = format!("data:{content_type};base64,");
        base64_simd::STANDARD.encode_append(&bytes, &mut data);
        Ok(data)
    }
}

fn parts(content: &Content) -> &[Part] {
    match content {
        Content::Text(_) => &[],
        Content::Parts(parts) => parts,
    }
}

fn is_remote(part: &Part) -> bool {
    address(part).is_some()
}

/// The address of an image or a video that is elsewhere, and the member that names it.
fn address(part: &Part) -> Option<(&'static str, String)> {
    #[derive(serde::Deserialize)]
    struct VideoUrl {
        url: String,
    }
    let is_http = |url: &String| {
        let url = url.trim_start().get(..8).unwrap_or_default().to_ascii_lowercase();
        url.starts_with("http://") || url.starts_with("https://")
    };
    let image = part.image_url.as_ref().map(|image| image.url.clone()).filter(is_http);
    if let Some(url) = image {
        return Some(("image_url", url));
    }
    let video = part.video_url.as_ref().and_then(|video| video.read::<VideoUrl>().ok());
    video.map(|video| video.url).filter(is_http).map(|url| ("video_url", url))
}

fn put(part: &mut Part, data: String) {
    match &mut part.image_url {
        Some(image) => image.url = data,
        None => part.video_url = Some(Json::from(serde_json::json!({"url": data}))),
    }
}
