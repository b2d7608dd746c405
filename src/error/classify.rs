//! What a failure is, from its code, its HTTP status and its text.
//!
//! The service says very different things under the same code: `ValidationException` covers a full
//! context, a refused field and a wrong turn order, `AccessDeniedException` covers a model without
//! prompt caching, 429 covers a passing throttle and a spent daily quota. So one ordered table looks
//! at the texts first, each tied to what the service was seen to say, then at the code, then at the
//! status; the first row that fits decides. Errors of a response head, exceptions inside a stream
//! and the command `explain` all go through it.
//!
//! Order matters: daily quotas come before throttles, and both before a full context, since all
//! three say "too many tokens"; refused fields come before access, since a refused cache point is
//! reported as a denied access.

use std::sync::LazyLock;

use regex::Regex;

use super::ErrorKind;

/// What the classifier makes of a failure.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Classified {
    /// What it is.
    pub kind: ErrorKind,
    /// What to do about it, in one sentence.
    pub advice: &'static str,
    /// Tokens of the request, where the text says.
    pub tokens_used: Option<u64>,
    /// The limit that was passed, in tokens, where the text says.
    pub token_limit: Option<u64>,
    /// The largest `max_tokens` that would be taken, where the text says.
    pub max_tokens_limit: Option<u64>,
}

struct Row {
    on: On,
    kind: ErrorKind,
    advice: &'static str,
}

enum On {
    /// The text matches, whatever the code; named groups `used`, `limit` and `max` are numbers.
    Text(Regex),
    /// The code, without regard to case, is one of these, and no row on text came before.
    Code(&'static [&'static str]),
    /// The code is one of these and the text matches.
    CodeAndText(&'static [&'static str], Regex),
    /// The status lies in this range.
    Status(std::ops::RangeInclusive<u16>),
}

/// Classifies a failure.
///
/// `code` is the exception's name as the service spells it (`ThrottlingException`, in a stream
/// `throttlingException`), without regard to case; `status` the HTTP status, 200 for an exception
/// inside a stream; `text` the message, in full or as a part of a longer one.
///
/// ```
/// use bedrock_chat::{ErrorKind, classify};
///
/// let text = "The model returned the following errors: prompt is too long: 207848 tokens > 200000 maximum";
/// let found = classify(Some("ValidationException"), Some(400), text);
/// assert_eq!(found.kind, ErrorKind::ContextOverflow);
/// assert_eq!((found.tokens_used, found.token_limit), (Some(207_848), Some(200_000)));
///
/// let daily = classify(
///     Some("ThrottlingException"),
///     Some(429),
///     "Too many tokens per day, please wait before trying again.",
/// );
/// assert_eq!(daily.kind, ErrorKind::QuotaExceeded);
/// ```
pub fn classify(code: Option<&str>, status: Option<u16>, text: &str) -> Classified {
    // The service writes both apostrophes.
    let text = text.replace(['’', '‘'], "'");
    let code = code.map(bare_code).unwrap_or_default();
    let of = |codes: &[&str]| codes.iter().any(|name| name.eq_ignore_ascii_case(code));
    for row in TABLE.iter() {
        let numbers = match &row.on {
            On::Text(regex) => regex.captures(&text),
            On::CodeAndText(codes, regex) if of(codes) => regex.captures(&text),
            On::Code(codes) if of(codes) => return row.classified(None),
            On::Status(range) if status.is_some_and(|status| range.contains(&status)) => {
                return row.classified(None);
            }
            On::CodeAndText(..) | On::Code(_) | On::Status(_) => None,
        };
        if numbers.is_some() {
            return row.classified(numbers);
        }
    }
    Classified {
        kind: ErrorKind::Unknown,
        advice: "look the text up in AWS's documentation; it is not one that this version knows",
        tokens_used: None,
        token_limit: None,
        max_tokens_limit: None,
    }
}

/// The exception's name alone: `ThrottlingException:http://…` and `com.amazon#ThrottlingException`
/// are both written.
pub(crate) fn bare_code(code: &str) -> &str {
    let code = code.split(':').next().unwrap_or_default();
    code.rsplit('#').next().unwrap_or_default().trim()
}

impl Row {
    fn classified(&self, numbers: Option<regex::Captures<'_>>) -> Classified {
        let number = |name| {
            numbers
                .as_ref()
                .and_then(|captures| captures.name(name))
                .and_then(|digits| digits.as_str().replace(',', "").parse().ok())
        };
        let (mut used, extra) = (number("used"), number("extra"));
        if let (Some(tokens), Some(extra)) = (used, extra) {
            used = Some(u64::saturating_add(tokens, extra));
        }
        Classified {
            kind: self.kind,
            advice: self.advice,
            tokens_used: used,
            token_limit: number("limit"),
            max_tokens_limit: number("max"),
        }
    }
}

const SHORTEN: &str = "shorten the conversation, or use a model with a larger context";
const LOWER_MAX: &str = "lower max_tokens to what the model allows";
const WAIT: &str = "wait and try again, with growing pauses";
const QUOTA: &str = "do not retry: wait for the quota to renew, or ask AWS for a larger one (Service Quotas)";
const LEAVE_OUT: &str = "leave out what the text names, or use a model that has it";
const ENABLE: &str =
    "ask for access to the model in the Bedrock console, or for the permission that the text names";
const SIGN_IN: &str = "renew the credentials (such as aws sso login --profile …) or the API key";
const OTHER_MODEL: &str = "use the id of a model, or of an inference profile, that exists in this region";
const CORRECT: &str = "correct what the text names";
const AGAIN: &str = "try again; the model wrote something that cannot be used";

static TABLE: LazyLock<Vec<Row>> = LazyLock::new(|| {
    use ErrorKind::*;
    let text = |kind, advice, pattern: &str| Row { on: On::Text(regex(pattern)), kind, advice };
    let code = |kind, advice, codes| Row { on: On::Code(codes), kind, advice };
    let status = |kind, advice, range| Row { on: On::Status(range), kind, advice };
    vec![
        // Quotas and throttles, which speak of tokens too.
        text(
            QuotaExceeded,
            QUOTA,
            r"too many (tokens|requests) per (day|month)|\bdaily\b.*\b(limit|quota)\b|exceeds the service quota",
        ),
        code(QuotaExceeded, QUOTA, &["ServiceQuotaExceededException"]),
        text(InvalidRequest, LOWER_MAX, r"max_tokens: (?P<used>\d+) > (?P<max>\d+)"),
        text(
            InvalidRequest,
            LOWER_MAX,
            r"maximum tokens you requested exceeds the model limit of (?P<max>\d+)",
        ),
        code(
            Overloaded,
            "wait until the imported model is loaded and try again",
            &["ModelNotReadyException"],
        ),
        text(
            RateLimit,
            WAIT,
            r"too many (tokens|requests), please wait|\brate exceeded\b|request rate is too high",
        ),
        code(
            RateLimit,
            WAIT,
            &[
                "ThrottlingException",
                "ThrottledException",
                "TooManyRequestsException",
                "RequestThrottledException",
                "Throttling",
                "RequestLimitExceeded",
            ],
        ),
        text(Overloaded, WAIT, r"too many connections"),
        // A full context.
        text(
            ContextOverflow,
            SHORTEN,
            r"prompt is too long(: (?P<used>\d+) tokens > (?P<limit>\d+) maximum)?",
        ),
        text(
            ContextOverflow,
            "shorten the conversation or lower max_tokens",
            r"input length and `?max_tokens`? exceed context limit: (?P<used>\d+) \+ (?P<extra>\d+) > (?P<limit>\d+)",
        ),
        text(
            ContextOverflow,
            SHORTEN,
            r"maximum context length is (?P<limit>\d+) tokens(.{0,40}request has (?P<used>\d+) input tokens)?",
        ),
        text(
            ContextOverflow,
            SHORTEN,
            r"too many input tokens(.{0,10}max input tokens: (?P<limit>\d+), request input token count: (?P<used>\d+))?",
        ),
        text(
            ContextOverflow,
            SHORTEN,
            r"prompt tokens \((?P<used>\d+)\) exceed model maximum \((?P<limit>\d+)\)",
        ),
        text(
            ContextOverflow,
            SHORTEN,
            r"input is too long for requested model|input tokens exceeded|too many total text bytes|exceeds the context window|expected maxLength: \d+, actual: \d+",
        ),
        // What a model does not have, even where it is reported as a denied access.
        text(Unsupported, "leave the cache points out for this model", r"did not allow prompt caching"),
        text(
            ModelNotFound,
            "use the id of an inference profile for this model, such as us.… or eu.…",
            r"on-demand throughput isn't supported",
        ),
        text(
            Unsupported,
            LEAVE_OUT,
            r"\bmodel (doesn't|does not) support\b|extraneous key \[[^\]]*\] is not permitted|extra inputs are not permitted|is deprecated for this model|(is|are) not supported for this model|cannot both be specified for this model",
        ),
        text(Unsupported, LEAVE_OUT, r"requires the last turn in the conversation to be a user message"),
        // Models that are gone, or never were.
        text(
            ModelNotFound,
            "use a model that is still active",
            r"marked by provider as legacy|reached the end of its life",
        ),
        text(
            ModelNotFound,
            OTHER_MODEL,
            r"model identifier is invalid|could not resolve the foundation model|\bmodel not found\b|(model|inference profile)\b.{0,80}\b(does not exist|not found)",
        ),
        // Access, and who is asking.
        text(
            AccessDenied,
            "submit the use case form for this provider in the Bedrock console",
            r"use case details have not been submitted",
        ),
        text(
            Credentials,
            SIGN_IN,
            r"CallWithBearerToken|bearer token has expired|invalid api key|security token included in the request|request signature we calculated|signature (has )?expired|signature not yet current|missing authentication token|unable to locate credentials|credentials were refreshed|token .{0,20}expired",
        ),
        text(
            AccessDenied,
            "pay attention to the payment method and the Marketplace permissions, then wait some minutes",
            r"model access is denied|marketplace subscription",
        ),
        text(
            AccessDenied,
            ENABLE,
            r"don't have access to the model|is not authorized to perform|not allowed from unsupported countries|account is not authorized|data retention mode .{0,40}not available",
        ),
        code(
            Credentials,
            SIGN_IN,
            &[
                "ExpiredTokenException",
                "ExpiredToken",
                "UnrecognizedClientException",
                "InvalidSignatureException",
                "SignatureDoesNotMatch",
                "MissingAuthenticationTokenException",
                "MissingAuthenticationToken",
                "IncompleteSignatureException",
                "IncompleteSignature",
                "InvalidClientTokenId",
                "NotAuthorized",
                "RequestExpired",
            ],
        ),
        // What the model made of it.
        text(
            ModelOutput,
            "try again; where it repeats: simpler tool names (no hyphens for Nova), a larger max_tokens, temperature 0",
            r"model produced invalid",
        ),
        code(
            Timeout,
            "try again, with a shorter answer or another model where it repeats",
            &["ModelTimeoutException", "RequestTimeoutException", "RequestTimeout"],
        ),
        code(
            Overloaded,
            WAIT,
            &[
                "ServiceUnavailableException",
                "ServiceUnavailable",
                "InternalServerException",
                "InternalFailure",
                "InternalServerError",
                "ModelStreamErrorException",
            ],
        ),
        Row {
            on: On::CodeAndText(
                &["ModelErrorException"],
                regex(r"unexpected error|try (your request )?again|error while processing"),
            ),
            kind: Overloaded,
            advice: WAIT,
        },
        code(ModelOutput, AGAIN, &["ModelErrorException"]),
        code(
            AccessDenied,
            ENABLE,
            &["AccessDeniedException", "AccessDenied", "OptInRequired", "OptInRequiredException"],
        ),
        code(ModelNotFound, OTHER_MODEL, &["ResourceNotFoundException"]),
        code(
            InvalidRequest,
            CORRECT,
            &[
                "ValidationException",
                "validation_error",
                "SerializationException",
                "BadRequestException",
                "ConflictException",
            ],
        ),
        status(Credentials, SIGN_IN, 401..=401),
        status(AccessDenied, ENABLE, 403..=403),
        status(ModelNotFound, OTHER_MODEL, 404..=404),
        status(Timeout, WAIT, 408..=408),
        status(ModelOutput, AGAIN, 424..=424),
        status(RateLimit, WAIT, 429..=429),
        status(InvalidRequest, CORRECT, 400..=499),
        status(Overloaded, WAIT, 500..=599),
    ]
});

fn regex(pattern: &str) -> Regex {
    // Every pattern is a literal of the table above, and each is compiled by the tests.
    Regex::new(&format!("(?is){pattern}")).unwrap_or_else(|_| unreachable!("{pattern}"))
}
