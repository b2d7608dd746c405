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

    /// Whether to stop. Asked before each chunk, and four times a second while the stream is silent.
    fn on_interrupt_check(&mut self) -> bool {
        false
    }

    /// Whether text is told after the first tool call began, too.
    fn wants_text_beside_calls(&self) -> bool {
        false
    }
}

/// [`Callbacks`] that may wait, such as for a socket to take what they write. The stream waits with
/// them, and so does the service.
///
/// ```
/// use bedrock_chat::{AsyncCallbacks, CallbackResult};
///
/// struct Send(tokio::sync::mpsc::Sender<String>);
///
/// impl AsyncCallbacks for Send {
///     async fn on_text_delta(&mut self, text: &str) -> CallbackResult {
///         Ok(self.0.send(text.to_owned()).await?)
///     }
/// }
/// ```
#[allow(async_fn_in_trait, reason = "whether the future is Send follows from the callbacks")]
pub trait AsyncCallbacks {
    /// See [`Callbacks::on_text_delta`].
    ///
    /// # Errors
    ///
    /// Any error ends the stream.
    async fn on_text_delta(&mut self, text: &str) -> CallbackResult {
        let _ = text;
        Ok(())
    }

    /// See [`Callbacks::on_tool_start`].
    ///
    /// # Errors
    ///
    /// Any error ends the stream.
    async fn on_tool_start(&mut self, name: &str) -> CallbackResult {
        let _ = name;
        Ok(())
    }

    /// See [`Callbacks::on_reasoning_delta`].
    ///
    /// # Errors
    ///
    /// Any error ends the stream.
    async fn on_reasoning_delta(&mut self, text: &str) -> CallbackResult {
        let _ = text;
        Ok(())
    }

    /// See [`Callbacks::on_interrupt_check`].
    fn on_interrupt_check(&mut self) -> bool {
        false
    }

    /// See [`Callbacks::wants_text_beside_calls`].
    fn wants_text_beside_calls(&self) -> bool {
        false
    }
}

/// Callbacks that do not wait, as ones that may.
pub(super) struct Blocking<'c, C: ?Sized>(pub(super) &'c mut C);

impl<C: Callbacks + ?Sized> AsyncCallbacks for Blocking<'_, C> {
    async fn on_text_delta(&mut self, text: &str) -> CallbackResult {
        self.0.on_text_delta(text)
    }

    async fn on_tool_start(&mut self, name: &str) -> CallbackResult {
        self.0.on_tool_start(name)
    }

    async fn on_reasoning_delta(&mut self, text: &str) -> CallbackResult {
        self.0.on_reasoning_delta(text)
    }

    fn on_interrupt_check(&mut self) -> bool {
        self.0.on_interrupt_check()
    }

    fn wants_text_beside_calls(&self) -> bool {
        self.0.wants_text_beside_calls()
    }
}

/// Tells the callbacks what is new.
pub(super) async fn tell<C: AsyncCallbacks + ?Sized>(
    delta: &Delta,
    callbacks: &mut C,
    calls_began: &mut bool,
) -> CallbackResult {
    if let Some(text) = &delta.reasoning_content {
        callbacks.on_reasoning_delta(text).await?;
    }
    // No iterator with closures lives across an await: the future could not be spawned.
    let mut names: Vec<&str> = Vec::new();
    for call in delta.tool_calls.iter().flatten() {
        names.extend(call.function.as_ref().and_then(|function| function.name.as_deref()));
    }
    names.extend(delta.function_call.as_ref().and_then(|function| function.name.as_deref()));
    for name in names {
        *calls_began = true;
        callbacks.on_tool_start(name).await?;
    }
    match &delta.content {
        Some(text) if !text.is_empty() && (!*calls_began || callbacks.wants_text_beside_calls()) => {
            callbacks.on_text_delta(text).await
        }
        _ => Ok(()),
    }
}
