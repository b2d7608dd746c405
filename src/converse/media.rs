//! Images, documents, audio and video.

use super::CitationsConfig;
use crate::json::{Raw, Str};
use crate::writing::{record_sent, union_sent};

union_sent! {
    /// Where the bytes of an image, audio or video are.
    pub enum Media<'a> {
        /// The bytes, base64 with padding.
        Bytes(Str<'a>) = "bytes",
        /// In S3.
        S3Location(S3Location<'a>) = "s3Location",
    }
}

record_sent! {
    /// An object in S3.
    pub struct S3Location<'a> {
        /// `s3://bucket/key`.
        uri: Str<'a> = "uri",
        /// The account that owns the bucket: 12 digits.
        bucket_owner: Option<Str<'a>> = "bucketOwner",
    }
}

record_sent! {
    /// An image.
    pub struct Image<'a> {
        /// png, jpeg, gif or webp.
        format: Str<'a> = "format",
        /// Where it is.
        source: Media<'a> = "source",
        /// Why the model could not make it, in replies.
        error: Option<Raw<'a>> = "error",
    }
}

record_sent! {
    /// A document.
    pub struct Document<'a> {
        /// pdf, csv, doc, docx, xls, xlsx, html, txt or md.
        format: Option<Str<'a>> = "format",
        /// 1 to 200 letters, digits, single spaces, hyphens, parentheses and square brackets; unique
        /// in the conversation.
        name: Str<'a> = "name",
        /// Where it is.
        source: DocumentSource<'a> = "source",
        /// What it is about, for citations.
        context: Option<Str<'a>> = "context",
        /// Whether the answer cites it.
        citations: Option<CitationsConfig> = "citations",
    }
}

union_sent! {
    /// Where a document is.
    pub enum DocumentSource<'a> {
        /// The bytes, base64 with padding.
        Bytes(Str<'a>) = "bytes",
        /// In S3.
        S3Location(S3Location<'a>) = "s3Location",
        /// Plain text.
        Text(Str<'a>) = "text",
        /// Text in pieces that citations can name.
        Content(Raw<'a>) = "content",
    }
}

record_sent! {
    /// A video.
    pub struct Video<'a> {
        /// mkv, mov, mp4, webm, flv, mpeg, mpg, wmv or three_gp.
        format: Str<'a> = "format",
        /// Where it is.
        source: Media<'a> = "source",
    }
}

record_sent! {
    /// Audio.
    pub struct Audio<'a> {
        /// mp3, opus, wav, aac, flac, mp4, ogg, mkv, mka, x-aac, m4a, mpeg, mpga, pcm or webm.
        format: Str<'a> = "format",
        /// Where it is.
        source: Media<'a> = "source",
        /// Why the model could not make it, in replies.
        error: Option<Raw<'a>> = "error",
    }
}
