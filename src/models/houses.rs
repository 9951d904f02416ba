//! Who can be asked: one row a house, which is a dialect with an address and the name under which its users keep a key.
//!
//! To add one that speaks a known dialect: a row, and its line in [`super::PROVIDERS`]. Prices are found under the row's
//! name, or under the maker that a model's name begins with.

use super::Provider;
use super::anthropic::Messages;
use super::gemini::Contents;
use super::http::options::*;
use super::ollama::Chat;
use super::openai::{AZURE_VERSION, Azure, Completions};
use crate::catalog::{Entry, Field, FieldKind, OptionError, Options};

/// The fields of every house, and its own before them.
macro_rules! fields {
    ($base:expr $(, $own:expr)*) => {
        &[
            $base, $($own,)* API_KEY_ENV, HEADERS, BODY, TIMEOUT, CONNECT, FIRST_BYTE, IDLE, PROGRESS, TOTAL,
            MAX_CONCURRENT, RPM, TPM,
        ]
    };
}

/// A row whose house needs no fields of its own.
macro_rules! house {
    ($(#[$doc:meta])* $row:ident, $name:literal, $about:literal, $example:literal, $house:expr) => {
        $(#[$doc])*
        pub const $row: Entry<dyn Provider> = Entry {
            name: $name,
            about: $about,
            example: $example,
            fields: fields![BASE_URL],
            build: |options| open(options, $house),
        };
    };
}

fn open(options: &Options, house: House) -> Result<Box<dyn Provider>, OptionError> {
    Ok(Box::new(HttpProvider::new(options, house)?))
}

house!(
    /// OpenAI itself.
    OPENAI, "openai", "OpenAI, by chat completions",
    r#"smart = { provider = "openai", model = "gpt-4o", api_key_env = "OPENAI_API_KEY" }"#,
    House::at(&Completions, "https://api.openai.com/v1").key("OPENAI_API_KEY")
);
house!(
    /// Anthropic.
    ANTHROPIC, "anthropic", "Anthropic, by its Messages API",
    r#"smart = { provider = "anthropic", model = "claude-sonnet-4-5" }"#,
    House::at(&Messages, "https://api.anthropic.com/v1").key("ANTHROPIC_API_KEY")
);
house!(
    /// Google.
    GEMINI, "gemini", "Google Gemini, by generateContent",
    r#"smart = { provider = "gemini", model = "gemini-2.5-pro" }"#,
    House::at(&Contents, "https://generativelanguage.googleapis.com/v1beta").key("GEMINI_API_KEY")
);

/// OpenAI's models as Microsoft serves them.
pub const AZURE: Entry<dyn Provider> = Entry {
    name: "azure",
    about: "Azure OpenAI: base_url is the resource, deployment the deployment (else the model's name)",
    example: r#"smart = { provider = "azure", model = "gpt-4o", base_url = "https://NAME.openai.azure.com", deployment = "gpt-4o" }"#,
    fields: fields![
        Field { required: true, ..BASE_URL },
        Field {
            name: "deployment",
            kind: FieldKind::Text,
            required: false,
            about: "name of the deployment (the model's)"
        },
        Field {
            name: "api_version",
            kind: FieldKind::Text,
            required: false,
            about: "version of the interface (2024-10-21)"
        }
    ],
    build: |options| open(options, House::of(&Azure).key("AZURE_OPENAI_API_KEY").version(AZURE_VERSION)),
};

house!(
    /// Ollama on this machine; no key.
    OLLAMA, "ollama", "Ollama on this machine (or at base_url), by its own API, no key needed",
    r#"local = { provider = "ollama", model = "llama3.3" }"#,
    House::at(&Chat, "http://localhost:11434")
);
house!(
    /// Many houses behind one.
    OPENROUTER, "openrouter", "OpenRouter",
    r#"other = { provider = "openrouter", model = "anthropic/claude-sonnet-4.5" }"#,
    House::at(&Completions, "https://openrouter.ai/api/v1").key("OPENROUTER_API_KEY")
);
house!(
    /// Groq.
    GROQ, "groq", "Groq",
    r#"fast = { provider = "groq", model = "llama-3.3-70b-versatile" }"#,
    House::at(&Completions, "https://api.groq.com/openai/v1").key("GROQ_API_KEY")
);
house!(
    /// DeepSeek.
    DEEPSEEK, "deepseek", "DeepSeek",
    r#"other = { provider = "deepseek", model = "deepseek-chat" }"#,
    House::at(&Completions, "https://api.deepseek.com/v1").key("DEEPSEEK_API_KEY")
);
house!(
    /// Mistral.
    MISTRAL, "mistral", "Mistral",
    r#"other = { provider = "mistral", model = "mistral-large-latest" }"#,
    House::at(&Completions, "https://api.mistral.ai/v1").key("MISTRAL_API_KEY")
);
house!(
    /// xAI.
    XAI, "xai", "xAI",
    r#"other = { provider = "xai", model = "grok-4" }"#,
    House::at(&Completions, "https://api.x.ai/v1").key("XAI_API_KEY")
);
house!(
    /// Together.
    TOGETHER, "together", "Together AI",
    r#"other = { provider = "together", model = "meta-llama/Llama-3.3-70B-Instruct-Turbo" }"#,
    House::at(&Completions, "https://api.together.xyz/v1").key("TOGETHER_API_KEY")
);
house!(
    /// vLLM, where it stands by default.
    VLLM, "vllm", "vLLM on this machine (or at base_url)",
    r#"local = { provider = "vllm", model = "qwen3" }"#,
    House::at(&Completions, "http://localhost:8000/v1")
);
house!(
    /// LM Studio, where it stands by default.
    LMSTUDIO, "lmstudio", "LM Studio on this machine (or at base_url)",
    r#"local = { provider = "lmstudio", model = "qwen3" }"#,
    House::at(&Completions, "http://localhost:1234/v1")
);
house!(
    /// A LiteLLM proxy, where it stands by default.
    LITELLM, "litellm", "a LiteLLM proxy on this machine (or at base_url)",
    r#"other = { provider = "litellm", model = "gpt-4o", api_key_env = "LITELLM_API_KEY" }"#,
    House::at(&Completions, "http://localhost:4000")
);

/// Anything else that speaks chat completions.
pub const COMPATIBLE: Entry<dyn Provider> = Entry {
    name: "compatible",
    about: "any other server that speaks OpenAI's chat completions: llama.cpp, SGLang, a gateway",
    example: r#"other = { provider = "compatible", model = "qwen3", base_url = "http://localhost:8000/v1" }"#,
    fields: fields![Field { required: true, ..BASE_URL }],
    build: |options| open(options, House::of(&Completions)),
};
