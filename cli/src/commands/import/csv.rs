//! Tables by RFC 4180, as `export` writes them and as spreadsheets do.

use crate::error::Error;

/// A table: its headings, and its rows with their lines, from 1.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Csv {
    pub(super) headings: Vec<String>,
    pub(super) rows: Vec<(usize, Vec<String>)>,
}

/// Reads a table. Every row has as many fields as there are headings.
pub(super) fn parse(file: &str, text: &str) -> Result<Csv, Error> {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let wrong = |line: usize, message: String| Error::Table { file: file.to_owned(), line, message };
    let mut rows = Vec::new();
    let (mut line, mut began) = (1, 1);
    let (mut row, mut field) = (Vec::new(), String::new());
    // Within quotes, and whether the field had any: an empty one in quotes is a field all the same.
    let (mut is_quoted, mut was_quoted) = (false, false);
    let mut characters = text.chars().peekable();
    while let Some(character) = characters.next() {
        line += usize::from(character == '\n');
        match character {
            '"' if is_quoted && characters.peek() == Some(&'"') => {
                characters.next();
                field.push('"');
            }
            '"' if is_quoted => is_quoted = false,
            '"' if field.is_empty() && !was_quoted => (is_quoted, was_quoted) = (true, true),
            ',' if !is_quoted => {
                row.push(std::mem::take(&mut field));
                was_quoted = false;
            }
            '\r' if !is_quoted && characters.peek() == Some(&'\n') => {}
            '\n' if !is_quoted => {
                if !row.is_empty() || !field.is_empty() || was_quoted {
                    row.push(std::mem::take(&mut field));
                    rows.push((began, std::mem::take(&mut row)));
                }
                (was_quoted, began) = (false, line);
            }
            _ if was_quoted && !is_quoted => {
                return Err(wrong(
                    line,
                    "has text behind a closing quote: double the quotes within a field".to_owned(),
                ));
            }
            other => field.push(other),
        }
    }
    if is_quoted {
        return Err(wrong(began, "has a quote that is never closed".to_owned()));
    }
    if !row.is_empty() || !field.is_empty() || was_quoted {
        row.push(field);
        rows.push((began, row));
    }
    if rows.is_empty() {
        return Err(wrong(1, "has no headings: the first line names the columns".to_owned()));
    }
    let (_, headings) = rows.remove(0);
    if let Some((line, row)) = rows.iter().find(|(_, row)| row.len() != headings.len()) {
        let words = format!("must have {} fields, as there are headings (given {})", headings.len(), row.len());
        return Err(wrong(*line, words));
    }
    Ok(Csv { headings, rows })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rows(text: &str) -> Vec<(usize, Vec<String>)> {
        parse("t.csv", text).unwrap().rows
    }

    fn row(fields: &[&str]) -> Vec<String> {
        fields.iter().map(|field| (*field).to_owned()).collect()
    }

    #[test]
    fn quotes_hold_commas_newlines_and_quotes() {
        assert_eq!(
            rows("a,b\r\n1,\"x,\"\"y\"\"\nz\"\r\n2,\"\"\r\n"),
            [(2, row(&["1", "x,\"y\"\nz"])), (4, row(&["2", ""]))]
        );
        assert_eq!(rows("a\n\n7"), [(3, row(&["7"]))]);
        assert_eq!(parse("t.csv", "\u{feff}a,b").unwrap().headings, ["a", "b"]);
    }

    #[test]
    fn mistakes_have_their_lines() {
        for (text, words) in [
            ("", "t.csv:1: has no headings"),
            ("a,b\n1\n", "t.csv:2: must have 2 fields, as there are headings (given 1)"),
            ("a\n\"x\n", "t.csv:2: has a quote that is never closed"),
            ("a\n\"x\"y\n", "t.csv:2: has text behind a closing quote"),
        ] {
            let error = parse("t.csv", text).unwrap_err().to_string();
            assert!(error.starts_with(words), "{error}");
        }
    }
}
