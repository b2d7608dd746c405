//! Telling an agent what comes, in the four callbacks that agents use.

use crate::openai::Delta;

/// What a callback gives back; its error ends the stream and reaches the caller.
pub type CallbackResult = Result<(), Box<dyn std::error::Error + Send + Sync>>;

/// What an agent wants to hear while an answer comes. All have defaults that do nothing.
///
/// ```
/// use bedrock_chat::{CallbackResult, Callbacks};
///
/// struct Print;
///
/// impl Callbacks for Print {
///     fn on_text_delta(&mut self, text: &str) -> CallbackResult {
///         print!("{text}");
///         Ok(())
///     }
/// }
/// ```
pub trait Callbacks {
    /// More text, until the first tool call begins: what a model says around its calls is in the
    /// completion.
    ///
    /// # Errors
    ///
    /// Any error ends the stream.
    fn on_text_delta(&mut self, text: &str) -> CallbackResult {
        let _ = text;
        Ok(())
    }

    /// A tool call begins.
    ///
    /// # Errors
    ///
    /// Any error ends the stream.
    fn on_tool_start(&mut self, name: &str) -> CallbackResult {
        let _ = name;
        Ok(())
    }

    /// More reasoning.
    ///
    /// # Errors
    ///
    /// Any error ends the stream.
    fn on_reasoning_delta(&mut self, text: &str) -> CallbackResult {
        let _ = text;
        Ok(())
    }

    /// Whether to stop. Asked before each chunk, and while the stream is silent.
    fn on_interrupt_check(&mut self) -> bool {
        false
    }
}

impl Delta {
    /// Tells the callbacks what is new.
    pub(super) fn tell<C: Callbacks + ?Sized>(
        &self,
        callbacks: &mut C,
        calls_began: &mut bool,
    ) -> CallbackResult {
        if let Some(text) = &self.reasoning_content {
            callbacks.on_reasoning_delta(text)?;
        }
        let calls = self.tool_calls.iter().flatten().map(|call| call.function.as_ref());
        for function in calls.chain([self.function_call.as_ref()]).flatten() {
            if let Some(name) = &function.name {
                *calls_began = true;
                callbacks.on_tool_start(name)?;
            }
        }
        match &self.content {
            Some(text) if !text.is_empty() && !*calls_began => callbacks.on_text_delta(text),
            _ => Ok(()),
        }
    }
}
