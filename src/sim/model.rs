//! The shapes of a request, off AWS's service model of Bedrock Runtime (2023-09-30).

use super::shape::{Member, Shape, optional, required};

const ANY: usize = usize::MAX;

const fn text(min: usize, max: usize, pattern: Option<&'static str>) -> Shape {
    Shape::Text { min, max, pattern }
}

static STRING: Shape = text(0, ANY, None);
static NON_EMPTY: Shape = text(1, ANY, None);
static DOCUMENT: Shape = Shape::Document;
static BLOB: Shape = Shape::Blob;
static BOOLEAN: Shape = Shape::Boolean;

static TOOL_USE_ID: Shape = text(1, 64, Some("[a-zA-Z0-9_.:-]+"));
static TOOL_NAME: Shape = text(1, 64, Some("[a-zA-Z0-9_-]+"));

static S3: Shape = Shape::Structure(&[
    required("uri", &text(1, 1024, Some(r"s3://[a-z0-9][\.\-a-z0-9]{1,61}[a-z0-9](/.*)?"))),
    optional("bucketOwner", &text(0, ANY, Some("[0-9]{12}"))),
]);
static MEDIA: Shape = Shape::Union(&[optional("bytes", &BLOB), optional("s3Location", &S3)]);
static ERROR_BLOCK: Shape = Shape::Structure(&[optional("message", &STRING)]);
static IMAGE: Shape = Shape::Structure(&[
    required("format", &Shape::Enum(&["png", "jpeg", "gif", "webp"])),
    required("source", &MEDIA),
    optional("error", &ERROR_BLOCK),
]);
static CITATIONS: Shape = Shape::Structure(&[required("enabled", &BOOLEAN)]);
static DOCUMENT_BLOCK: Shape = Shape::Structure(&[
    optional("format", &Shape::Enum(&["pdf", "csv", "doc", "docx", "xls", "xlsx", "html", "txt", "md"])),
    required("name", &text(1, 200, None)),
    required(
        "source",
        &Shape::Union(&[
            optional("bytes", &BLOB),
            optional("s3Location", &S3),
            optional("text", &STRING),
            optional("content", &Shape::List(&TEXT_UNION, 0, ANY)),
        ]),
    ),
    optional("context", &STRING),
    optional("citations", &CITATIONS),
]);
static TEXT_UNION: Shape = Shape::Union(&[optional("text", &STRING)]);
static VIDEO: Shape = Shape::Structure(&[
    required("format", &Shape::Enum(&["mkv", "mov", "mp4", "webm", "flv", "mpeg", "mpg", "wmv", "three_gp"])),
    required("source", &MEDIA),
]);
static AUDIO: Shape = Shape::Structure(&[
    required(
        "format",
        &Shape::Enum(&[
            "mp3", "opus", "wav", "aac", "flac", "mp4", "ogg", "mkv", "mka", "x-aac", "m4a", "mpeg", "mpga",
            "pcm", "webm",
        ]),
    ),
    required("source", &MEDIA),
    optional("error", &ERROR_BLOCK),
]);
static TOOL_USE: Shape = Shape::Structure(&[
    required("toolUseId", &TOOL_USE_ID),
    required("name", &TOOL_NAME),
    required("input", &DOCUMENT),
    optional("type", &Shape::Enum(&["server_tool_use"])),
]);
static SEARCH_RESULT: Shape = Shape::Structure(&[
    required("source", &STRING),
    required("title", &STRING),
    required("content", &Shape::List(&Shape::Structure(&[required("text", &STRING)]), 0, ANY)),
    optional("citations", &CITATIONS),
]);
static TOOL_RESULT: Shape = Shape::Structure(&[
    required("toolUseId", &TOOL_USE_ID),
    required(
        "content",
        &Shape::List(
            &Shape::Union(&[
                optional("json", &DOCUMENT),
                optional("text", &STRING),
                optional("image", &IMAGE),
                optional("document", &DOCUMENT_BLOCK),
                optional("video", &VIDEO),
                optional("searchResult", &SEARCH_RESULT),
            ]),
            0,
            ANY,
        ),
    ),
    optional("status", &Shape::Enum(&["success", "error"])),
    optional("type", &STRING),
]);
static GUARD_CONTENT: Shape = Shape::Union(&[
    optional(
        "text",
        &Shape::Structure(&[
            required("text", &STRING),
            optional(
                "qualifiers",
                &Shape::List(&Shape::Enum(&["grounding_source", "query", "guard_content"]), 0, ANY),
            ),
        ]),
    ),
    optional(
        "image",
        &Shape::Structure(&[
            required("format", &Shape::Enum(&["png", "jpeg"])),
            required("source", &Shape::Union(&[optional("bytes", &BLOB)])),
        ]),
    ),
]);
static CACHE_POINT: Shape = Shape::Structure(&[
    required("type", &Shape::Enum(&["default"])),
    optional("ttl", &Shape::Enum(&["5m", "1h"])),
]);
static REASONING: Shape = Shape::Union(&[
    optional(
        "reasoningText",
        &Shape::Structure(&[required("text", &STRING), optional("signature", &STRING)]),
    ),
    optional("redactedContent", &BLOB),
]);
static CITATIONS_CONTENT: Shape = Shape::Structure(&[
    optional("content", &Shape::List(&TEXT_UNION, 0, ANY)),
    optional("citations", &Shape::List(&DOCUMENT, 0, ANY)),
]);
static TOOL_REFERENCE: Shape = Shape::Structure(&[required(
    "tool",
    &Shape::Structure(&[
        optional("type", &text(1, 64, None)),
        optional("name", &text(1, 128, None)),
        optional("serverName", &text(1, 128, None)),
    ]),
)]);
static CONTENT_BLOCK: Shape = Shape::Union(&[
    optional("text", &STRING),
    optional("image", &IMAGE),
    optional("document", &DOCUMENT_BLOCK),
    optional("video", &VIDEO),
    optional("audio", &AUDIO),
    optional("toolUse", &TOOL_USE),
    optional("toolResult", &TOOL_RESULT),
    optional("guardContent", &GUARD_CONTENT),
    optional("cachePoint", &CACHE_POINT),
    optional("reasoningContent", &REASONING),
    optional("citationsContent", &CITATIONS_CONTENT),
    optional("searchResult", &SEARCH_RESULT),
    optional("toolAddition", &TOOL_REFERENCE),
    optional("toolRemoval", &TOOL_REFERENCE),
]);
static MESSAGE: Shape = Shape::Structure(&[
    required("role", &Shape::Enum(&["user", "assistant"])),
    required("content", &Shape::List(&CONTENT_BLOCK, 0, ANY)),
]);
static SYSTEM: Shape = Shape::Union(&[
    optional("text", &NON_EMPTY),
    optional("guardContent", &GUARD_CONTENT),
    optional("cachePoint", &CACHE_POINT),
]);
static INFERENCE: Shape = Shape::Structure(&[
    optional("maxTokens", &Shape::Integer(1)),
    optional("temperature", &Shape::Float(0.0, 1.0)),
    optional("topP", &Shape::Float(0.0, 1.0)),
    optional("stopSequences", &Shape::List(&NON_EMPTY, 0, 2500)),
]);
static NAMED: Shape = Shape::Structure(&[required("name", &TOOL_NAME)]);
static EMPTY: Shape = Shape::Structure(&[]);
static TOOL: Shape = Shape::Union(&[
    optional(
        "toolSpec",
        &Shape::Structure(&[
            required("name", &TOOL_NAME),
            optional("description", &NON_EMPTY),
            required("inputSchema", &Shape::Union(&[optional("json", &DOCUMENT)])),
            optional("strict", &BOOLEAN),
        ]),
    ),
    optional("systemTool", &NAMED),
    optional("cachePoint", &CACHE_POINT),
]);
static TOOL_CONFIG: Shape = Shape::Structure(&[
    required("tools", &Shape::List(&TOOL, 1, ANY)),
    optional(
        "toolChoice",
        &Shape::Union(&[optional("auto", &EMPTY), optional("any", &EMPTY), optional("tool", &NAMED)]),
    ),
]);
static OUTPUT: Shape = Shape::Structure(&[
    optional(
        "textFormat",
        &Shape::Structure(&[
            required("type", &Shape::Enum(&["json_schema"])),
            required(
                "structure",
                &Shape::Union(&[optional(
                    "jsonSchema",
                    &Shape::Structure(&[
                        required("schema", &STRING),
                        optional("name", &STRING),
                        optional("description", &STRING),
                    ]),
                )]),
            ),
        ]),
    ),
    optional("effort", &text(0, 16, None)),
]);
static GUARDRAIL_MEMBERS: [Member; 4] = [
    optional("guardrailIdentifier", &text(0, 2048, Some(GUARDRAIL_ID))),
    optional("guardrailVersion", &text(0, ANY, Some("(|([1-9][0-9]{0,7})|(DRAFT))"))),
    optional("trace", &Shape::Enum(&["enabled", "disabled", "enabled_full"])),
    optional("streamProcessingMode", &Shape::Enum(&["sync", "async"])),
];
const GUARDRAIL_ID: &str =
    "(|([a-z0-9]+)|(arn:aws(-[^:]+)?:bedrock:[a-z0-9-]{1,20}:[0-9]{12}:guardrail/[a-z0-9]+))";

/// The body of Converse and ConverseStream.
pub(super) static REQUEST: Shape = Shape::Structure(&[
    optional("messages", &Shape::List(&MESSAGE, 0, ANY)),
    optional("system", &Shape::List(&SYSTEM, 0, ANY)),
    optional("inferenceConfig", &INFERENCE),
    optional("toolConfig", &TOOL_CONFIG),
    optional("guardrailConfig", &Shape::Structure(&GUARDRAIL_MEMBERS)),
    optional("additionalModelRequestFields", &DOCUMENT),
    optional("promptVariables", &Shape::Map(&STRING, &TEXT_UNION, 0, ANY)),
    optional("additionalModelResponseFieldPaths", &Shape::List(&text(1, 256, None), 0, 10)),
    optional(
        "requestMetadata",
        &Shape::Map(
            &text(1, 256, Some(r"[a-zA-Z0-9\s:_@$#=/+,.-]{1,256}")),
            &text(0, 256, Some(r"[a-zA-Z0-9\s:_@$#=/+,.-]{0,256}")),
            1,
            16,
        ),
    ),
    optional(
        "performanceConfig",
        &Shape::Structure(&[optional("latency", &Shape::Enum(&["standard", "optimized"]))]),
    ),
    optional(
        "serviceTier",
        &Shape::Structure(&[required("type", &Shape::Enum(&["priority", "default", "flex", "reserved"]))]),
    ),
    optional("outputConfig", &OUTPUT),
]);

/// The model id in the path: foundation models, profiles, ARNs and prompts, by their characters.
pub(super) static MODEL_ID: Shape = text(1, 2048, Some(r"[a-zA-Z0-9:._/-]+"));
