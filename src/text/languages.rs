//! The languages the lexer knows: a row each. A new language is a new row.

/// What the lexer needs to know of a language.
#[derive(Debug)]
pub(super) struct Language {
    /// Names after a fence, lower case.
    pub names: &'static [&'static str],
    pub keywords: &'static [&'static str],
    /// What opens a comment that ends with its line.
    pub line_comments: &'static [&'static str],
    /// What opens and closes a comment that may cross lines.
    pub block_comment: Option<(&'static str, &'static str)>,
    /// Longer openers before shorter ones.
    pub strings: &'static [Quote],
    /// What follows the name of a key (`:` or `=`), in data formats.
    pub key: Option<char>,
    /// Keywords in any case.
    pub any_case: bool,
    /// A name before `(` is a function's.
    pub calls: bool,
    /// A diff: lines are judged by their first character.
    pub diff: bool,
}

/// A kind of string.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Quote {
    /// Opens and closes it.
    pub mark: &'static str,
    /// Whether a backslash escapes the next character.
    pub escapes: bool,
    /// Whether it may cross lines.
    pub multiline: bool,
}

const fn quote(mark: &'static str, escapes: bool, multiline: bool) -> Quote {
    Quote { mark, escapes, multiline }
}

const DOUBLE: Quote = quote("\"", true, false);
const SINGLE: Quote = quote("'", true, false);

const NONE: Language = Language {
    names: &[],
    keywords: &[],
    line_comments: &[],
    block_comment: None,
    strings: &[],
    key: None,
    any_case: false,
    calls: false,
    diff: false,
};

const C_LIKE: Language = Language {
    line_comments: &["//"],
    block_comment: Some(("/*", "*/")),
    calls: true,
    strings: &[DOUBLE, SINGLE],
    ..NONE
};

/// The language of a fence's label, or `None`: shown plain.
pub(super) fn find(label: &str) -> Option<&'static Language> {
    let label = label.to_ascii_lowercase();
    LANGUAGES.iter().find(|language| language.names.contains(&label.as_str()))
}

static LANGUAGES: &[Language] = &[
    Language {
        names: &["python", "py", "python3", "ipython"],
        keywords: &[
            "False", "None", "True", "and", "as", "assert", "async", "await", "break", "case", "class", "continue",
            "def", "del", "elif", "else", "except", "finally", "for", "from", "global", "if", "import", "in", "is",
            "lambda", "match", "nonlocal", "not", "or", "pass", "raise", "return", "self", "try", "while", "with",
            "yield",
        ],
        line_comments: &["#"],
        strings: &[quote("\"\"\"", true, true), quote("'''", true, true), DOUBLE, SINGLE],
        calls: true,
        ..NONE
    },
    Language {
        names: &["sh", "bash", "shell", "zsh", "console", "shellscript"],
        keywords: &[
            "case", "cd", "do", "done", "echo", "elif", "else", "esac", "eval", "exec", "exit", "export", "fi", "for",
            "function", "if", "in", "local", "readonly", "return", "select", "set", "shift", "source", "sudo", "then",
            "trap", "unset", "until", "while",
        ],
        line_comments: &["#"],
        strings: &[quote("\"", true, true), quote("'", false, true)],
        ..NONE
    },
    Language {
        names: &["javascript", "js", "jsx", "typescript", "ts", "tsx", "node", "mjs"],
        keywords: &[
            "abstract",
            "any",
            "as",
            "async",
            "await",
            "boolean",
            "break",
            "case",
            "catch",
            "class",
            "const",
            "continue",
            "declare",
            "default",
            "delete",
            "do",
            "else",
            "enum",
            "export",
            "extends",
            "false",
            "finally",
            "for",
            "from",
            "function",
            "if",
            "implements",
            "import",
            "in",
            "instanceof",
            "interface",
            "let",
            "new",
            "null",
            "number",
            "of",
            "private",
            "protected",
            "public",
            "readonly",
            "return",
            "static",
            "string",
            "super",
            "switch",
            "this",
            "throw",
            "true",
            "try",
            "type",
            "typeof",
            "undefined",
            "var",
            "void",
            "while",
            "yield",
        ],
        strings: &[quote("`", true, true), DOUBLE, SINGLE],
        ..C_LIKE
    },
    Language {
        names: &["rust", "rs"],
        keywords: &[
            "Self", "as", "async", "await", "break", "const", "continue", "crate", "dyn", "else", "enum", "extern",
            "false", "fn", "for", "if", "impl", "in", "let", "loop", "match", "mod", "move", "mut", "pub", "ref",
            "return", "self", "static", "struct", "super", "trait", "true", "type", "unsafe", "use", "where", "while",
        ],
        strings: &[quote("\"", true, true)],
        ..C_LIKE
    },
    Language {
        names: &["json", "jsonc", "json5", "jsonl"],
        keywords: &["false", "null", "true"],
        line_comments: &["//"],
        strings: &[DOUBLE],
        key: Some(':'),
        ..NONE
    },
    Language {
        names: &["toml", "ini"],
        keywords: &["false", "true"],
        line_comments: &["#"],
        strings: &[quote("\"\"\"", true, true), quote("'''", false, true), DOUBLE, quote("'", false, false)],
        key: Some('='),
        ..NONE
    },
    Language {
        names: &["yaml", "yml"],
        keywords: &["false", "no", "null", "true", "yes"],
        line_comments: &["#"],
        strings: &[DOUBLE, quote("'", false, false)],
        key: Some(':'),
        ..NONE
    },
    Language {
        names: &["sql", "sqlite", "postgresql", "mysql"],
        keywords: &[
            "add",
            "all",
            "alter",
            "and",
            "as",
            "asc",
            "begin",
            "between",
            "by",
            "case",
            "cast",
            "column",
            "commit",
            "constraint",
            "create",
            "cross",
            "default",
            "delete",
            "desc",
            "distinct",
            "drop",
            "else",
            "end",
            "exists",
            "from",
            "full",
            "group",
            "having",
            "if",
            "in",
            "index",
            "inner",
            "insert",
            "into",
            "is",
            "join",
            "key",
            "left",
            "like",
            "limit",
            "not",
            "null",
            "offset",
            "on",
            "or",
            "order",
            "outer",
            "primary",
            "references",
            "returning",
            "right",
            "rollback",
            "select",
            "set",
            "table",
            "then",
            "union",
            "unique",
            "update",
            "using",
            "values",
            "view",
            "when",
            "where",
            "with",
        ],
        line_comments: &["--"],
        block_comment: Some(("/*", "*/")),
        strings: &[quote("'", false, true), quote("\"", false, false)],
        any_case: true,
        calls: true,
        ..NONE
    },
    Language {
        names: &[
            "c", "h", "cpp", "c++", "cc", "hpp", "cxx", "csharp", "cs", "c#", "java", "kotlin", "kt", "go", "golang",
            "swift", "scala", "dart", "php",
        ],
        keywords: &[
            "abstract",
            "auto",
            "bool",
            "boolean",
            "break",
            "byte",
            "case",
            "catch",
            "chan",
            "char",
            "class",
            "const",
            "constexpr",
            "continue",
            "default",
            "defer",
            "delete",
            "do",
            "double",
            "else",
            "enum",
            "extends",
            "extern",
            "false",
            "final",
            "finally",
            "float",
            "for",
            "foreach",
            "func",
            "fun",
            "go",
            "goto",
            "if",
            "implements",
            "import",
            "in",
            "inline",
            "int",
            "interface",
            "let",
            "long",
            "map",
            "namespace",
            "new",
            "nil",
            "null",
            "nullptr",
            "override",
            "package",
            "private",
            "protected",
            "public",
            "range",
            "return",
            "short",
            "signed",
            "sizeof",
            "static",
            "string",
            "struct",
            "super",
            "switch",
            "template",
            "this",
            "throw",
            "true",
            "try",
            "type",
            "typedef",
            "typename",
            "union",
            "unsigned",
            "using",
            "val",
            "var",
            "virtual",
            "void",
            "volatile",
            "when",
            "while",
        ],
        strings: &[quote("`", false, true), DOUBLE, SINGLE],
        ..C_LIKE
    },
    Language { names: &["diff", "patch"], diff: true, ..NONE },
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn labels_find_their_language_in_any_case_and_unknown_ones_none() {
        for label in ["Python", "sh", "TS", "rust", "json", "toml", "yaml", "SQL", "c++", "diff"] {
            assert!(find(label).is_some(), "{label}");
        }
        assert!(find("brainfuck").is_none());
        assert!(find("").is_none());
    }

    #[test]
    fn no_name_stands_twice() {
        let mut names: Vec<_> = LANGUAGES.iter().flat_map(|language| language.names).collect();
        let all = names.len();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), all);
    }
}
