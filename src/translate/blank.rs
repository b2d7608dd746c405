//! Blank text, which the service takes nowhere.

/// Whether text is what the service calls blank, and refuses: "text content blocks must contain
/// non-whitespace text".
pub(super) fn is_blank(text: &str) -> bool {
    text.trim().is_empty()
}
