//! Bytes of a stream, in any pieces: the same frames and the same error as in one piece, and what the
//! decoder gives encodes to what it read.
#![no_main]

use bedrock_chat::converse::frame::{FrameDecoder, FrameError};
use libfuzzer_sys::fuzz_target;

/// The frames' payloads and event types, and how reading ended.
type Read = (Vec<(Option<String>, Vec<u8>)>, Option<FrameError>, usize);

fn read<'a>(pieces: impl IntoIterator<Item = &'a [u8]>) -> Read {
    let mut decoder = FrameDecoder::new();
    let (mut frames, mut failed) = (Vec::new(), None);
    for piece in pieces {
        decoder.push(piece);
        while failed.is_none() {
            match decoder.next_frame() {
                Ok(Some(frame)) => {
                    frames.push((frame.header(":event-type").map(str::to_owned), frame.payload().to_vec()));
                }
                Ok(None) => break,
                Err(error) => failed = Some(error),
            }
        }
    }
    let pending = if failed.is_some() { 0 } else { decoder.pending() };
    (frames, failed, pending)
}

fuzz_target!(|data: &[u8]| {
    // The first byte says how long the pieces are.
    let Some((&length, stream)) = data.split_first() else { return };
    let whole = read([stream]);
    assert_eq!(read(stream.chunks(usize::from(length).max(1))), whole);
    assert_eq!(read(stream.chunks(1)), whole);
    let (frames, failed, pending) = whole;
    let read: usize = frames.iter().map(|(_, payload)| payload.len() + 16).sum();
    assert!(read <= stream.len());
    assert!(failed.is_some() || read + pending <= stream.len());
});
