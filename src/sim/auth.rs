//! Who may call: nobody is asked, or a signature or an API key is checked.

use std::time::SystemTime;

use aws_sdk_bedrockruntime::config::Credentials;
use aws_sigv4::http_request::{SignableBody, SignableRequest, SigningSettings, sign};
use aws_sigv4::sign::v4;
use aws_smithy_types::DateTime;
use aws_smithy_types::date_time::Format;

use super::check::Refusal;

/// Which callers the simulator serves.
#[derive(Clone, Default)]
#[non_exhaustive]
pub enum Auth {
    /// Everyone.
    #[default]
    Anyone,
    /// Requests that are signed (SigV4) with this key pair.
    Signed {
        /// The access key id.
        access_key_id: String,
        /// The secret access key.
        secret_access_key: String,
    },
    /// Requests with this Bedrock API key.
    ApiKey(String),
}

impl std::fmt::Debug for Auth {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Auth::Anyone => "Anyone",
            Auth::Signed { .. } => "Signed",
            Auth::ApiKey(_) => "ApiKey",
        })
    }
}

/// What of a request is signed.
pub(super) struct Signed<'a> {
    pub(super) method: &'a str,
    /// `http://host/path`, as it was received.
    pub(super) uri: &'a str,
    pub(super) headers: &'a [(String, String)],
    pub(super) body: &'a [u8],
}

impl Signed<'_> {
    fn header(&self, name: &str) -> Option<&str> {
        self.headers
            .iter()
            .find(|(header, _)| header.eq_ignore_ascii_case(name))
            .map(|(_, value)| value.as_str())
    }
}

fn refuse(status: u16, code: &'static str, message: &str) -> Refusal {
    Refusal { status, code, message: message.to_owned() }
}

impl Auth {
    pub(super) fn check(&self, request: &Signed<'_>) -> Result<(), Refusal> {
        let authorization = request.header("authorization").unwrap_or_default();
        match self {
            Auth::Anyone => Ok(()),
            Auth::ApiKey(_) if authorization.is_empty() => Err(missing()),
            Auth::ApiKey(key) => match authorization.strip_prefix("Bearer ") {
                Some(given) if given == key => Ok(()),
                _ => Err(refuse(
                    403,
                    "AccessDeniedException",
                    "Invalid API Key format: Must start with pre-defined prefix",
                )),
            },
            Auth::Signed { access_key_id, secret_access_key } => {
                check_signature(request, authorization, access_key_id, secret_access_key)
            }
        }
    }
}

/// Whom the simulator serves at the moment.
#[derive(Debug, Default)]
pub(super) struct Admission {
    pub(super) auth: Auth,
    /// The ids of key pairs that were served before.
    pub(super) expired: Vec<String>,
}

impl Admission {
    pub(super) fn check(&self, request: &Signed<'_>) -> Result<(), Refusal> {
        let scope = scope_of(request.headers);
        let key = scope.and_then(|scope| scope.split('/').next()).unwrap_or_default();
        if self.expired.iter().any(|expired| expired == key) {
            return Err(refuse(
                403,
                "ExpiredTokenException",
                "The security token included in the request is expired",
            ));
        }
        self.auth.check(request)
    }
}

/// The scope of a signature: key id, day, region, service.
fn scope_of(headers: &[(String, String)]) -> Option<&str> {
    let (_, authorization) = headers.iter().find(|(name, _)| name.eq_ignore_ascii_case("authorization"))?;
    authorization.split_once("Credential=")?.1.split(',').next()
}

/// The region that a request is signed for; us-east-1 where it is not signed.
pub(super) fn region_of(headers: &[(String, String)]) -> &str {
    scope_of(headers).and_then(|scope| scope.split('/').nth(2)).unwrap_or("us-east-1")
}

fn missing() -> Refusal {
    refuse(403, "MissingAuthenticationTokenException", "Missing Authentication Token")
}

fn check_signature(
    request: &Signed<'_>,
    authorization: &str,
    access_key_id: &str,
    secret_access_key: &str,
) -> Result<(), Refusal> {
    let incomplete = || {
        refuse(
            403,
            "IncompleteSignatureException",
            "Authorization header requires 'Credential', 'SignedHeaders' and 'Signature' parameters.",
        )
    };
    let rest = authorization.strip_prefix("AWS4-HMAC-SHA256 ").ok_or_else(missing)?;
    let parameter = |name: &str| {
        rest.split(',')
            .filter_map(|parameter| parameter.trim().split_once('='))
            .find_map(|(key, value)| (key == name).then_some(value))
    };
    let scope = parameter("Credential").ok_or_else(incomplete)?;
    let signed_headers = parameter("SignedHeaders").ok_or_else(incomplete)?;
    let signature = parameter("Signature").ok_or_else(incomplete)?;
    let date = request.header("x-amz-date").ok_or_else(incomplete)?;
    let [key, _day, region, service, _] = scope.split('/').collect::<Vec<_>>()[..] else {
        return Err(incomplete());
    };
    if key != access_key_id {
        return Err(refuse(
            403,
            "UnrecognizedClientException",
            "The security token included in the request is invalid.",
        ));
    }
    let time = time_of(date).ok_or_else(incomplete)?;
    let names: Vec<&str> = signed_headers.split(';').collect();
    // The date is added by the signer itself.
    let headers = request.headers.iter().filter_map(|(name, value)| {
        let name = name.to_ascii_lowercase();
        (name != "x-amz-date" && names.contains(&name.as_str())).then_some((name, value.as_str()))
    });
    let headers: Vec<(String, &str)> = headers.collect();
    let mut settings = SigningSettings::default();
    // Only the headers that the client says it signed.
    settings.excluded_headers = Some(Vec::new());
    let identity = Credentials::new(access_key_id, secret_access_key, None, None, "simulator").into();
    let expected = v4::SigningParams::builder()
        .identity(&identity)
        .region(region)
        .name(service)
        .time(time)
        .settings(settings)
        .build()
        .ok()
        .and_then(|parameters| {
            let signable = SignableRequest::new(
                request.method,
                request.uri,
                headers.iter().map(|(name, value)| (name.as_str(), *value)),
                SignableBody::Bytes(request.body),
            )
            .ok()?;
            sign(signable, &parameters.into()).ok()
        });
    match expected {
        Some(expected) if expected.signature() == signature => Ok(()),
        _ => Err(refuse(
            403,
            "InvalidSignatureException",
            "The request signature we calculated does not match the signature you provided. Check your AWS Secret Access Key and signing method. Consult the service documentation for details.",
        )),
    }
}

/// `20261121T084800Z` as a time.
fn time_of(date: &str) -> Option<SystemTime> {
    let part = |range: std::ops::Range<usize>| date.get(range);
    let (year, month, day) = (part(0..4)?, part(4..6)?, part(6..8)?);
    let (hour, minute, second) = (part(9..11)?, part(11..13)?, part(13..15)?);
    let date = format!("{year}-{month}-{day}T{hour}:{minute}:{second}Z");
    DateTime::from_str(&date, Format::DateTime).ok()?.try_into().ok()
}
