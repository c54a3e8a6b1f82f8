//! The configuration file as a layer.

use super::{
    layer::{Layer, Written},
    problem::{Problem, Wrong},
    source::Source,
    value::Raw,
};
use std::{fs, path::Path};
use toml::{
    Spanned,
    de::{DeInteger, DeTable, DeValue},
};

/// Reads a file. What is wrong with it as TOML is in the layer's problems, and then nothing else
/// is taken from it: what a parser recovers from a broken file is not what its author meant.
pub(super) fn read(path: &Path) -> Layer {
    match fs::read_to_string(path) {
        Ok(text) => parse(path, &text),
        Err(error) => Layer {
            problems: vec![Problem {
                source: Source::File(path.to_owned()),
                key: String::new(),
                what: Wrong::Unreadable(error.to_string()),
            }],
            ..Layer::default()
        },
    }
}

fn parse(path: &Path, text: &str) -> Layer {
    let (table, errors) = DeTable::parse_recoverable(text);
    let mut reading = Reading {
        path,
        text,
        layer: Layer::default(),
    };
    if errors.is_empty() {
        reading.table("", table.get_ref());
    }
    for error in errors {
        let at = error.span().map_or(0, |span| span.start);
        reading.layer.problems.push(Problem {
            source: reading.line(at),
            key: String::new(),
            what: Wrong::Syntax(error.message().to_owned()),
        });
    }
    reading.layer
}

struct Reading<'a> {
    path: &'a Path,
    text: &'a str,
    layer: Layer,
}

impl Reading<'_> {
    fn line(&self, at: usize) -> Source {
        let before = self.text.as_bytes().iter().take(at);
        let line = before.filter(|byte| **byte == b'\n').count() + 1;
        Source::Line(self.path.to_owned(), line)
    }

    /// Takes the settings of a table. The depth is bounded by the parser.
    fn table(&mut self, section: &str, table: &DeTable<'_>) {
        for (name, value) in table {
            let key = match section {
                "" => name.get_ref().to_string(),
                section => format!("{section}.{}", name.get_ref()),
            };
            let source = self.line(name.span().start);
            if let DeValue::Table(inner) = value.get_ref() {
                self.layer.sections.push((key.clone(), source));
                self.table(&key, inner);
            } else {
                let raw = raw(value);
                self.layer.settings.insert(key, Written { raw, source });
            }
        }
    }
}

fn raw(value: &Spanned<DeValue<'_>>) -> Raw {
    match value.get_ref() {
        DeValue::String(text) => Raw::Text(text.to_string()),
        DeValue::Integer(number) => integer(number),
        DeValue::Boolean(value) => Raw::Boolean(*value),
        DeValue::Array(items) => Raw::List(items.iter().map(raw).collect()),
        DeValue::Float(number) => Raw::Fraction(number.as_str().to_owned()),
        DeValue::Datetime(_) => Raw::Other("a date"),
        DeValue::Table(_) => Raw::Other("a table"),
    }
}

fn integer(number: &DeInteger<'_>) -> Raw {
    i64::from_str_radix(number.as_str(), number.radix())
        .map_or(Raw::Other("a number beyond 64 bits"), Raw::Integer)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn layer(text: &str) -> Layer {
        parse(Path::new("f.toml"), text)
    }

    fn line(number: usize) -> Source {
        Source::Line("f.toml".into(), number)
    }

    #[test]
    fn settings_are_found_by_dotted_name_with_their_lines() {
        let layer = layer("listen = 'a'\n\n[token]\nlifetime = \"20s\"\nlog.level = 'x'\n");
        let lifetime = &layer.settings["token.lifetime"];
        assert_eq!(lifetime.raw, Raw::Text("20s".to_owned()));
        assert_eq!(lifetime.source, line(4));
        assert_eq!(layer.settings["token.log.level"].source, line(5));
        assert_eq!(layer.sections[0], ("token".to_owned(), line(3)));
    }

    #[test]
    fn every_syntax_error_is_told_with_its_line_and_nothing_else_is_taken() {
        let layer = layer("listen = \ndata = 'x'\ndemo_page = maybe\n");
        let lines: Vec<_> = layer.problems.iter().map(|it| it.source.clone()).collect();
        assert_eq!(lines, [line(1), line(3)]);
        assert!(layer.settings.is_empty());
    }

    #[test]
    fn a_key_that_stands_twice_is_an_error() {
        let layer = layer("data = 'x'\ndata = 'y'\n");
        assert_eq!(layer.problems.len(), 1, "{:?}", layer.problems);
    }

    #[test]
    fn numbers_are_read_in_every_notation_of_toml() {
        let layer = layer("a = 1_000\nb = 0x10\nc = 99999999999999999999\n");
        assert_eq!(layer.settings["a"].raw, Raw::Integer(1_000));
        assert_eq!(layer.settings["b"].raw, Raw::Integer(16));
        assert!(matches!(layer.settings["c"].raw, Raw::Other(_)));
    }
}
