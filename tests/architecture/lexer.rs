//! Rust source as a list of words and marks, without comments, literals and what is compiled for tests alone.

/// A word (identifier, keyword, number) or one mark.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Token {
    Word(String),
    Mark(char),
}

impl Token {
    pub(crate) fn is(&self, text: &str) -> bool {
        match self {
            Self::Word(word) => word == text,
            Self::Mark(mark) => text.len() == 1 && text.starts_with(*mark),
        }
    }

    pub(crate) fn word(&self) -> Option<&str> {
        match self {
            Self::Word(word) => Some(word),
            Self::Mark(_) => None,
        }
    }
}

/// The tokens of `source` that are compiled into the product.
pub(crate) fn product_tokens(source: &str) -> Vec<Token> {
    without_test_items(&tokens(source))
}

/// The tokens of `source`.
pub(crate) fn tokens(source: &str) -> Vec<Token> {
    let text: Vec<char> = source.chars().collect();
    let at = |i: usize| text.get(i).copied().unwrap_or('\0');
    let (mut out, mut i) = (Vec::new(), 0);
    while i < text.len() {
        let c = text[i];
        if c == '/' && at(i + 1) == '/' {
            while i < text.len() && text[i] != '\n' {
                i += 1;
            }
        } else if c == '/' && at(i + 1) == '*' {
            i = after_block_comment(&text, i);
        } else if c == '"' {
            i = after_string(&text, i);
        } else if c == '\'' {
            i = after_quote(&text, i);
        } else if c.is_alphanumeric() || c == '_' {
            let start = i;
            while at(i).is_alphanumeric() || at(i) == '_' {
                i += 1;
            }
            let word: String = text[start..i].iter().collect();
            if matches!(word.as_str(), "r" | "br" | "cr") && matches!(at(i), '"' | '#') {
                match after_raw_string(&text, i) {
                    Some(end) => i = end,
                    None => i += 1, // a raw identifier: its word follows
                }
            } else if matches!(word.as_str(), "b" | "c") && at(i) == '"' {
                i = after_string(&text, i);
            } else {
                out.push(Token::Word(word));
            }
        } else {
            if !c.is_whitespace() {
                out.push(Token::Mark(c));
            }
            i += 1;
        }
    }
    out
}

fn after_block_comment(text: &[char], mut i: usize) -> usize {
    let mut depth = 0;
    while i < text.len() {
        match (text[i], text.get(i + 1)) {
            ('/', Some('*')) => (depth, i) = (depth + 1, i + 2),
            ('*', Some('/')) => (depth, i) = (depth - 1, i + 2),
            _ => i += 1,
        }
        if depth == 0 {
            break;
        }
    }
    i
}

fn after_string(text: &[char], start: usize) -> usize {
    let mut i = start + 1;
    while i < text.len() && text[i] != '"' {
        i += if text[i] == '\\' { 2 } else { 1 };
    }
    i + 1
}

/// The place after `#"…"#` with any number of `#`; `None` where no string begins.
fn after_raw_string(text: &[char], start: usize) -> Option<usize> {
    let hashes = text[start..].iter().take_while(|c| **c == '#').count();
    if text.get(start + hashes) != Some(&'"') {
        return None;
    }
    let mut i = start + hashes + 1;
    while i < text.len() {
        let closing = text[i] == '"' && text[i + 1..].iter().take(hashes).all(|c| *c == '#');
        if closing && text.len() > i + hashes {
            return Some(i + 1 + hashes);
        }
        i += 1;
    }
    Some(text.len())
}

/// The place after a character literal or the quote of a lifetime.
fn after_quote(text: &[char], start: usize) -> usize {
    match (text.get(start + 1), text.get(start + 2)) {
        (Some('\\'), _) => {
            let mut i = start + 3;
            while i < text.len() && text[i] != '\'' {
                i += 1;
            }
            i + 1
        }
        (Some(_), Some('\'')) => start + 3,
        _ => start + 1,
    }
}

/// Leaves out what an attribute `#[cfg(test)]` (or `all(test, …)`) stands before.
fn without_test_items(tokens: &[Token]) -> Vec<Token> {
    let (mut out, mut i) = (Vec::new(), 0);
    while i < tokens.len() {
        if tokens[i].is("#") && tokens.get(i + 1).is_some_and(|t| t.is("[")) {
            let end = after_group(tokens, i + 1);
            let inside = &tokens[i + 2..end - 1];
            let has = |word: &str| inside.iter().any(|t| t.is(word));
            if inside.first().is_some_and(|t| t.is("cfg")) && has("test") && !has("not") {
                i = after_item(tokens, end);
                continue;
            }
        }
        out.push(tokens[i].clone());
        i += 1;
    }
    out
}

/// The place after the bracketed group that begins at `start`.
pub(crate) fn after_group(tokens: &[Token], start: usize) -> usize {
    let mut depth = 0_i32;
    for (i, token) in tokens.iter().enumerate().skip(start) {
        if let Token::Mark(mark) = token {
            depth += i32::from("([{".contains(*mark)) - i32::from(")]}".contains(*mark));
        }
        if depth == 0 {
            return i + 1;
        }
    }
    tokens.len()
}

/// The place after the item that begins at `start`: its first `;` or the end of its first braces.
fn after_item(tokens: &[Token], start: usize) -> usize {
    let mut i = start;
    while i < tokens.len() {
        match &tokens[i] {
            Token::Mark(';') => return i + 1,
            Token::Mark('{') => return after_group(tokens, i),
            Token::Mark('(' | '[') => i = after_group(tokens, i),
            _ => i += 1,
        }
    }
    i
}
