//! Frames of AWS's event-stream encoding: `application/vnd.amazon.eventstream`.
//!
//! A frame is a prelude (total length, length of the headers, checksum of these eight bytes),
//! headers, a payload and a checksum of all that. The decoder takes bytes in any pieces and gives
//! whole frames, borrowed from its one buffer. It stops at the first frame that is wrong, and stays
//! stopped: after a wrong checksum no later byte can be trusted, and to go on would leave a hole in
//! the answer that nobody sees.
//!
//! Source: "Event stream encoding" in AWS's Transcribe guide and the Smithy specification.

use std::fmt;

use crc32fast::Hasher;

/// Bytes of the prelude: two lengths and their checksum.
const PRELUDE: usize = 12;
/// Bytes of a frame without headers and payload.
const OVERHEAD: usize = PRELUDE + 4;
/// The largest frame that is accepted unless another size is set: the encoding's own limits of
/// 16 MiB of payload and 128 KiB of headers.
pub const MAX_FRAME: usize = 16 * 1024 * 1024 + 128 * 1024 + OVERHEAD;
/// Decoded bytes that the buffer may carry in front before they are dropped.
const SLACK: usize = 64 * 1024;

/// Why bytes are not a frame. The stream they came from is worthless from here on; what was decoded
/// before is not.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum FrameError {
    /// The frame claims to be shorter than its own fixed parts.
    TooShort {
        /// The length it claims, in bytes.
        length: usize,
    },
    /// The frame claims to be longer than the limit. Bytes that are no event stream, such as JSON or
    /// HTML, end here.
    TooLarge {
        /// The length it claims, in bytes.
        length: usize,
        /// The limit, in bytes.
        limit: usize,
    },
    /// The checksum of the lengths is wrong.
    PreludeChecksum,
    /// The checksum of the frame is wrong.
    MessageChecksum,
    /// The headers are not of the encoding's form.
    Headers,
}

impl fmt::Display for FrameError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            FrameError::TooShort { length } => {
                write!(f, "a frame claims a length of {length} bytes, below the minimum of {OVERHEAD}")
            }
            FrameError::TooLarge { length, limit } => {
                write!(f, "a frame claims a length of {length} bytes, above the limit of {limit}")
            }
            FrameError::PreludeChecksum => f.write_str("the checksum of a frame's lengths is wrong"),
            FrameError::MessageChecksum => f.write_str("the checksum of a frame is wrong"),
            FrameError::Headers => f.write_str("the headers of a frame cannot be read"),
        }
    }
}

impl std::error::Error for FrameError {}

/// Turns bytes, in any pieces, into frames.
///
/// ```
/// use bedrock_chat::converse::frame::{FrameDecoder, encode};
///
/// let mut bytes = Vec::new();
/// encode(&[(":event-type", "messageStart")], br#"{"role":"assistant"}"#, &mut bytes);
///
/// let mut decoder = FrameDecoder::new();
/// decoder.push(&bytes[..20]);
/// assert!(decoder.next_frame()?.is_none());
/// decoder.push(&bytes[20..]);
/// let frame = decoder.next_frame()?.expect("one frame");
/// assert_eq!(frame.header(":event-type"), Some("messageStart"));
/// assert_eq!(frame.payload(), br#"{"role":"assistant"}"#);
/// # Ok::<(), bedrock_chat::converse::frame::FrameError>(())
/// ```
pub struct FrameDecoder {
    buffer: Vec<u8>,
    start: usize,
    limit: usize,
    failed: Option<FrameError>,
}

impl fmt::Debug for FrameDecoder {
    /// Without the bytes.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FrameDecoder")
            .field("pending", &self.pending())
            .field("limit", &self.limit)
            .field("failed", &self.failed)
            .finish_non_exhaustive()
    }
}

impl FrameDecoder {
    /// A decoder that accepts frames of up to [`MAX_FRAME`] bytes.
    pub fn new() -> Self {
        FrameDecoder::with_limit(MAX_FRAME)
    }

    /// A decoder that accepts frames of up to `limit` bytes.
    pub fn with_limit(limit: usize) -> Self {
        FrameDecoder { buffer: Vec::new(), start: 0, limit, failed: None }
    }

    /// Takes the next bytes of the stream.
    pub fn push(&mut self, bytes: &[u8]) {
        if self.start == self.buffer.len() {
            self.buffer.clear();
            self.start = 0;
        } else if self.start > SLACK {
            self.buffer.drain(..self.start);
            self.start = 0;
        }
        self.buffer.extend_from_slice(bytes);
    }

    /// How many bytes were taken that are not part of a frame given out: at the end of a stream,
    /// more than 0 means that its last frame was cut.
    pub fn pending(&self) -> usize {
        self.buffer.len() - self.start
    }

    /// The next whole frame; `None` where more bytes are needed.
    ///
    /// # Errors
    ///
    /// What is wrong with the frame; the same again at every later call.
    pub fn next_frame(&mut self) -> Result<Option<Frame<'_>>, FrameError> {
        if let Some(error) = self.failed {
            return Err(error);
        }
        match measure(&self.buffer[self.start..], self.limit) {
            Ok(None) => Ok(None),
            Ok(Some((headers, total))) => {
                let frame = &self.buffer[self.start..self.start + total];
                self.start += total;
                Ok(Some(Frame {
                    headers: &frame[PRELUDE..PRELUDE + headers],
                    payload: &frame[PRELUDE + headers..total - 4],
                }))
            }
            Err(error) => {
                self.failed = Some(error);
                Err(error)
            }
        }
    }
}

impl Default for FrameDecoder {
    fn default() -> Self {
        FrameDecoder::new()
    }
}

/// The length of the headers and of the whole of the frame at the start of `bytes`, checked; `None`
/// where it is not whole yet.
fn measure(bytes: &[u8], limit: usize) -> Result<Option<(usize, usize)>, FrameError> {
    let Some((prelude, _)) = bytes.split_first_chunk::<PRELUDE>() else {
        return Ok(None);
    };
    let [t0, t1, t2, t3, h0, h1, h2, h3, c0, c1, c2, c3] = *prelude;
    let length = u32::from_be_bytes([t0, t1, t2, t3]) as usize;
    let headers = u32::from_be_bytes([h0, h1, h2, h3]) as usize;
    let mut hasher = Hasher::new();
    hasher.update(&prelude[..8]);
    if hasher.clone().finalize() != u32::from_be_bytes([c0, c1, c2, c3]) {
        // Text where frames belong is better named by its impossible length.
        return Err(if length > limit {
            FrameError::TooLarge { length, limit }
        } else {
            FrameError::PreludeChecksum
        });
    }
    if length > limit {
        return Err(FrameError::TooLarge { length, limit });
    }
    if length < OVERHEAD || headers > length - OVERHEAD {
        return Err(FrameError::TooShort { length });
    }
    let Some(frame) = bytes.get(..length) else {
        return Ok(None);
    };
    let (covered, checksum) = frame.split_at(length - 4);
    hasher.update(&covered[8..]);
    if hasher.finalize().to_be_bytes() != checksum {
        return Err(FrameError::MessageChecksum);
    }
    let mut headers_left = &covered[PRELUDE..PRELUDE + headers];
    while !headers_left.is_empty() {
        let (_, rest) = split_header(headers_left).ok_or(FrameError::Headers)?;
        headers_left = rest;
    }
    Ok(Some((headers, length)))
}

/// One frame, its checksums verified.
#[derive(Debug, Clone, Copy)]
pub struct Frame<'a> {
    headers: &'a [u8],
    payload: &'a [u8],
}

impl<'a> Frame<'a> {
    /// The string header `name`, such as `:event-type`, `:message-type`, `:exception-type`.
    pub fn header(&self, name: &str) -> Option<&'a str> {
        let header = self.headers().find(|header| header.name == name.as_bytes())?;
        header.value()
    }

    /// Its headers, in order.
    pub(crate) fn headers(&self) -> impl Iterator<Item = Header<'a>> + use<'a> {
        let mut left = self.headers;
        std::iter::from_fn(move || {
            let (header, rest) = split_header(left)?;
            left = rest;
            Some(header)
        })
    }

    /// The payload.
    pub fn payload(&self) -> &'a [u8] {
        self.payload
    }
}

/// One header of a frame.
pub(crate) struct Header<'a> {
    pub(crate) name: &'a [u8],
    /// The value, where it is a string.
    text: Option<&'a [u8]>,
}

impl<'a> Header<'a> {
    /// The value, where it is a string.
    pub(crate) fn value(&self) -> Option<&'a str> {
        self.text.and_then(|text| std::str::from_utf8(text).ok())
    }
}

/// The first header, and the headers after it.
fn split_header(bytes: &[u8]) -> Option<(Header<'_>, &[u8])> {
    let (&name_length, rest) = bytes.split_first()?;
    let (name, rest) = rest.split_at_checked(name_length as usize)?;
    let (&kind, rest) = rest.split_first()?;
    let (value, rest) = match kind {
        0 | 1 => rest.split_at_checked(0)?,
        2 => rest.split_at_checked(1)?,
        3 => rest.split_at_checked(2)?,
        4 => rest.split_at_checked(4)?,
        5 | 8 => rest.split_at_checked(8)?,
        6 | 7 => {
            let (length, rest) = rest.split_first_chunk::<2>()?;
            rest.split_at_checked(u16::from_be_bytes(*length) as usize)?
        }
        9 => rest.split_at_checked(16)?,
        _ => return None,
    };
    let text = (kind == 7).then_some(value);
    Some((Header { name, text }, rest))
}

/// Appends one frame with string headers to `out`. A header name is cut at 255 bytes and a value at
/// 65,535, the encoding's limits.
pub fn encode(headers: &[(&str, &str)], payload: &[u8], out: &mut Vec<u8>) {
    let start = out.len();
    out.extend_from_slice(&[0; PRELUDE]);
    for (name, value) in headers {
        let name = &name[..name.floor_char_boundary(u8::MAX as usize)];
        let value = &value[..value.floor_char_boundary(u16::MAX as usize)];
        out.push(name.len() as u8);
        out.extend_from_slice(name.as_bytes());
        out.push(7);
        out.extend_from_slice(&(value.len() as u16).to_be_bytes());
        out.extend_from_slice(value.as_bytes());
    }
    let headers_length = (out.len() - start - PRELUDE) as u32;
    out.extend_from_slice(payload);
    let total = (out.len() - start + 4) as u32;
    let frame = &mut out[start..];
    frame[..4].copy_from_slice(&total.to_be_bytes());
    frame[4..8].copy_from_slice(&headers_length.to_be_bytes());
    let prelude_checksum = crc32fast::hash(&frame[..8]);
    frame[8..12].copy_from_slice(&prelude_checksum.to_be_bytes());
    let checksum = crc32fast::hash(frame);
    out.extend_from_slice(&checksum.to_be_bytes());
}
