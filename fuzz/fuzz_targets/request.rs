//! Requests: translated into JSON that the service would take, the same bytes each time, or refused with
//! the name of a member.
#![no_main]

use bedrock_chat::openai::ChatRequest;
use bedrock_chat::sim;
use bedrock_chat::translate::{self, Options};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    let options = Options::default();
    let translated = ChatRequest::from_slice(data).and_then(|request| {
        let translated = translate::request(&request, &options)?;
        let bytes = translated.to_bytes();
        let again = ChatRequest::from_slice(data).expect("it was read before");
        assert_eq!(translate::request(&again, &options).expect("it was translated before").to_bytes(), bytes);
        Ok((translated.model_id.to_owned(), bytes))
    });
    match translated {
        Ok((model, bytes)) => {
            // Numbers beyond a double's range go out as they came in.
            if let Ok(body) = serde_json::from_slice(&bytes) {
                assert_eq!(sim::refusal(&model, &body), None, "{body}");
            } else {
                serde_json::from_slice::<Box<serde_json::value::RawValue>>(&bytes).expect("the body is JSON");
            }
        }
        Err(error) => {
            assert!(error.field().is_some(), "{error}");
            assert!(!error.to_string().contains('\n'), "{error}");
        }
    }
});
