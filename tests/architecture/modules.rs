//! The modules of a crate, what each names, and the file that a path leads to.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::fs;
use std::path::Path;

use crate::lexer::{Token, after_group, product_tokens};

/// A file's dependence on another one, both relative to the workspace.
pub(crate) type Arrow = (String, String);

/// One module: a file, or a block within one.
#[derive(Debug, Default)]
struct Module {
    file: String,
    parent: Option<usize>,
    children: HashMap<String, usize>,
    /// What `use` brings in: name → path as written.
    imports: HashMap<String, Vec<String>>,
    /// Paths of `use …::*`.
    globs: Vec<Vec<String>>,
    /// Names that the module itself defines.
    items: BTreeSet<String>,
    /// Paths that its code follows, those of re-exports left out.
    paths: Vec<Vec<String>>,
}

/// All crates that were read.
#[derive(Default)]
pub(crate) struct Workspace {
    modules: Vec<Module>,
    roots: BTreeMap<String, usize>,
    /// The crate of each module.
    crates: Vec<usize>,
}

const DEFINING: [&str; 8] = ["struct", "enum", "trait", "fn", "const", "static", "type", "union"];

impl Workspace {
    /// Reads the crate `name` whose root is the file `root` below `base`.
    pub(crate) fn read(&mut self, base: &Path, name: &str, root: &str) {
        let at = self.modules.len();
        self.modules.push(Module { file: root.to_owned(), ..Module::default() });
        self.crates.push(at);
        self.roots.insert(name.to_owned(), at);
        let folder = Path::new(root).parent().unwrap_or(Path::new("")).to_owned();
        self.read_file(base, at, root, &folder);
    }

    fn read_file(&mut self, base: &Path, module: usize, file: &str, folder: &Path) {
        let path = base.join(file);
        let source =
            fs::read_to_string(&path).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
        self.read_tokens(base, module, &product_tokens(&source), folder);
    }

    fn read_tokens(&mut self, base: &Path, module: usize, tokens: &[Token], folder: &Path) {
        let mut i = 0;
        while i < tokens.len() {
            let after_path = i > 1 && tokens[i - 1].is(":") && tokens[i - 2].is(":");
            match tokens[i].word() {
                Some("mod") if !after_path => {
                    let Some(name) = tokens.get(i + 1).and_then(Token::word) else {
                        i += 1;
                        continue;
                    };
                    let name = name.to_owned();
                    match tokens.get(i + 2) {
                        Some(Token::Mark(';')) => {
                            self.child_file(base, module, &name, folder);
                            i += 3;
                        }
                        Some(Token::Mark('{')) => {
                            let end = after_group(tokens, i + 2);
                            let file = self.modules[module].file.clone();
                            let child = self.child(module, &name, file);
                            self.read_tokens(
                                base,
                                child,
                                &tokens[i + 3..end - 1],
                                &folder.join(&name),
                            );
                            i = end;
                        }
                        _ => i += 1,
                    }
                }
                Some("use") if !after_path => {
                    let end =
                        (i..tokens.len()).find(|&j| tokens[j].is(";")).unwrap_or(tokens.len());
                    self.read_use(module, &tokens[i + 1..end], is_public(tokens, i));
                    i = end + 1;
                }
                Some("macro_rules") => {
                    if let Some(name) = tokens.get(i + 2).and_then(Token::word) {
                        self.modules[module].items.insert(name.to_owned());
                    }
                    i += 1;
                }
                Some(word) if DEFINING.contains(&word) => {
                    if let Some(name) = tokens.get(i + 1).and_then(Token::word) {
                        self.modules[module].items.insert(name.to_owned());
                    }
                    i += 1;
                }
                Some(_) if !after_path && is_path_mark(tokens, i + 1) => {
                    let mut path = Vec::new();
                    let mut j = i;
                    while let Some(word) = tokens.get(j).and_then(Token::word) {
                        path.push(word.to_owned());
                        if !is_path_mark(tokens, j + 1) {
                            break;
                        }
                        j += 3;
                    }
                    self.modules[module].paths.push(path);
                    i = j + 1;
                }
                _ => i += 1,
            }
        }
    }

    fn child(&mut self, parent: usize, name: &str, file: String) -> usize {
        let at = self.modules.len();
        self.modules.push(Module { file, parent: Some(parent), ..Module::default() });
        self.crates.push(self.crates[parent]);
        self.modules[parent].children.insert(name.to_owned(), at);
        at
    }

    fn child_file(&mut self, base: &Path, parent: usize, name: &str, folder: &Path) {
        let flat = folder.join(format!("{name}.rs"));
        let nested = folder.join(name).join("mod.rs");
        let file = if base.join(&flat).exists() { flat } else { nested };
        let text = text(&file);
        let child = self.child(parent, name, text.clone());
        self.read_file(base, child, &text, &folder.join(name));
    }

    fn read_use(&mut self, module: usize, tree: &[Token], public: bool) {
        let mut leaves = Vec::new();
        let mut at = 0;
        use_leaves(tree, &mut at, &[], &mut leaves);
        let module = &mut self.modules[module];
        for (path, name) in leaves {
            if !public {
                module.paths.push(path.clone());
            }
            match name {
                Some(name) => drop(module.imports.insert(name, path)),
                None => module.globs.push(path),
            }
        }
    }

    /// Every arrow from one file to another, sorted.
    pub(crate) fn arrows(&self) -> BTreeSet<Arrow> {
        let mut arrows = BTreeSet::new();
        for (at, module) in self.modules.iter().enumerate() {
            for path in &module.paths {
                if let Some(target) = self.lead(at, path) {
                    let target = &self.modules[target].file;
                    if *target != module.file {
                        arrows.insert((module.file.clone(), target.clone()));
                    }
                }
            }
        }
        arrows
    }

    /// The files that were read.
    pub(crate) fn files(&self) -> BTreeSet<String> {
        self.modules.iter().map(|module| module.file.clone()).collect()
    }

    /// The module that defines what `path` names, seen from `from`; `None` for other crates and local names.
    fn lead(&self, from: usize, path: &[String]) -> Option<usize> {
        let (first, rest) = path.split_first()?;
        match first.as_str() {
            "crate" => self.follow(self.crates[from], rest, 0),
            "self" => self.follow(from, rest, 0),
            "super" => self.lead_above(self.modules[from].parent?, rest),
            name => {
                let module = &self.modules[from];
                let known = module.children.contains_key(name) || module.imports.contains_key(name);
                match self.roots.get(name) {
                    _ if known => self.follow(from, path, 0),
                    Some(&root) if root != self.crates[from] => self.follow(root, rest, 0),
                    _ => None,
                }
            }
        }
    }

    fn lead_above(&self, from: usize, path: &[String]) -> Option<usize> {
        match path.split_first() {
            Some((first, rest)) if first == "super" => {
                self.lead_above(self.modules[from].parent?, rest)
            }
            _ => self.follow(from, path, 0),
        }
    }

    fn follow(&self, at: usize, path: &[String], depth: usize) -> Option<usize> {
        let Some((first, rest)) = path.split_first() else { return Some(at) };
        if depth > 20 {
            return None;
        }
        let module = &self.modules[at];
        if let Some(&child) = module.children.get(first) {
            return self.follow(child, rest, depth + 1);
        }
        if module.items.contains(first) {
            return Some(at);
        }
        if let Some(import) = module.imports.get(first) {
            if import == path && depth > 0 {
                return None;
            }
            let whole: Vec<String> = import.iter().chain(rest).cloned().collect();
            return self.lead_import(at, &whole, depth + 1);
        }
        for glob in &module.globs {
            if let Some(target) = self.lead_import(at, glob, depth + 1)
                && target != at
                && self.defines(target, first, depth + 1)
            {
                return self.follow(target, path, depth + 1);
            }
        }
        Some(at) // what a macro defines, or an item's own associated names
    }

    /// As [`Self::lead`], for the path of an import: what it begins with may have the same name as what it brings in.
    fn lead_import(&self, from: usize, path: &[String], depth: usize) -> Option<usize> {
        let (first, rest) = path.split_first()?;
        match first.as_str() {
            "crate" => self.follow(self.crates[from], rest, depth),
            "self" => self.follow(from, rest, depth),
            "super" => self.lead_above(self.modules[from].parent?, rest),
            name => match (self.modules[from].children.get(name), self.roots.get(name)) {
                (Some(&child), _) => self.follow(child, rest, depth),
                (None, Some(&root)) => self.follow(root, rest, depth),
                _ => None,
            },
        }
    }

    fn defines(&self, at: usize, name: &str, depth: usize) -> bool {
        let module = &self.modules[at];
        module.items.contains(name)
            || module.children.contains_key(name)
            || module.imports.contains_key(name)
            || depth < 20
                && module.globs.iter().any(|glob| {
                    let target = self.lead_import(at, glob, depth + 1);
                    target.is_some_and(|t| t != at && self.defines(t, name, depth + 1))
                })
    }
}

/// `a::b` and `a::<T>` begin alike: a path goes on where `::` is followed by a word.
fn is_path_mark(tokens: &[Token], at: usize) -> bool {
    let mark = |i: usize| tokens.get(i).is_some_and(|t| t.is(":"));
    mark(at) && mark(at + 1) && tokens.get(at + 2).is_some_and(|t| t.word().is_some())
}

/// Whether `pub` or `pub(…)` stands before the `use` at `at`.
fn is_public(tokens: &[Token], at: usize) -> bool {
    let Some(before) = at.checked_sub(1).map(|i| &tokens[i]) else { return false };
    if before.is(")") {
        let open = tokens[..at].iter().rposition(|t| t.is("("));
        return open.and_then(|o| o.checked_sub(1)).is_some_and(|o| tokens[o].is("pub"));
    }
    before.is("pub")
}

/// Adds every leaf of a `use` tree: its path, and the name that it gets (`None` for `*`).
fn use_leaves(
    tree: &[Token],
    at: &mut usize,
    prefix: &[String],
    leaves: &mut Vec<(Vec<String>, Option<String>)>,
) {
    let mut path = prefix.to_vec();
    while let Some(token) = tree.get(*at) {
        *at += 1;
        match token {
            Token::Word(word) if word == "as" => {
                let name = tree.get(*at).and_then(Token::word).map(str::to_owned);
                *at += 1;
                leaves.push((path.clone(), name));
                return;
            }
            Token::Word(word) => {
                if word != "self" || path.is_empty() {
                    path.push(word.clone());
                }
                let goes_on = tree.get(*at).is_some_and(|t| t.is(":") || t.is("as"));
                if !goes_on {
                    leaves.push((path.clone(), path.last().cloned()));
                    return;
                }
            }
            Token::Mark('*') => {
                leaves.push((path, None));
                return;
            }
            Token::Mark('{') => loop {
                match tree.get(*at) {
                    Some(Token::Mark('}')) => {
                        *at += 1;
                        return;
                    }
                    Some(Token::Mark(',')) => *at += 1,
                    Some(_) => use_leaves(tree, at, &path, leaves),
                    None => return,
                }
            },
            Token::Mark(_) => {}
        }
    }
}

fn text(path: &Path) -> String {
    path.to_string_lossy().replace('\\', "/")
}
