//! Token counts.

use crate::converse::{CacheDetail, TokenUsage};
use crate::openai::{CacheCreationTokenDetails, PromptTokensDetails, Usage};

/// OpenAI's counts. Its `prompt_tokens` are all tokens of the request, those of the cache included;
/// Converse counts them apart, and adds them up in `totalTokens`. Where the total says that the
/// input has them already, they are not added again.
pub(super) fn usage(tokens: &TokenUsage) -> Usage {
    let TokenUsage {
        input_tokens,
        output_tokens,
        total_tokens,
        cache_read_input_tokens,
        cache_write_input_tokens,
        cache_details,
        other: _,
    } = tokens;
    let read = cache_read_input_tokens.unwrap_or_default();
    let written = cache_write_input_tokens.unwrap_or_default();
    let apart = input_tokens.saturating_add(read).saturating_add(written);
    let prompt_tokens = if apart.saturating_add(*output_tokens) <= *total_tokens || *total_tokens == 0 {
        apart
    } else {
        *input_tokens
    };
    let cached = cache_read_input_tokens.is_some() || cache_write_input_tokens.is_some();

    Usage {
        prompt_tokens,
        completion_tokens: *output_tokens,
        total_tokens: prompt_tokens.saturating_add(*output_tokens),
        prompt_tokens_details: cached.then_some(PromptTokensDetails {
            cached_tokens: read,
            cache_creation_tokens: *cache_write_input_tokens,
            cache_creation_token_details: cache_details.as_deref().and_then(by_ttl),
        }),
        ..Usage::default()
    }
}

/// The tokens written, by how long they are kept; none where nothing was written.
fn by_ttl(details: &[CacheDetail]) -> Option<CacheCreationTokenDetails> {
    let of = |ttl: &str| {
        let details = details.iter().filter(|detail| detail.ttl == ttl);
        details.fold(0, |sum: u64, detail| sum.saturating_add(detail.input_tokens))
    };
    (!details.is_empty()).then(|| CacheCreationTokenDetails {
        ephemeral_5m_input_tokens: of("5m"),
        ephemeral_1h_input_tokens: of("1h"),
    })
}
