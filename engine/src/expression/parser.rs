//! From text to steps, by recursive descent whose depth is counted.

use super::{Binary, ExpressionError, Function, MAX_BYTES, MAX_DEPTH, MAX_STEPS, Step};
use crate::space::{Domain, Space};

/// The kinds of values.
#[derive(Clone, Debug, PartialEq)]
enum Kind {
    Number,
    Truth,
    /// A text, of these choices if it is a parameter's.
    Text(Option<Vec<String>>),
    /// A text that was written down.
    Literal(String),
}

impl Kind {
    fn name(&self) -> &'static str {
        match self {
            Self::Number => "a number",
            Self::Truth => "a condition",
            Self::Text(_) | Self::Literal(_) => "a text",
        }
    }
}

pub(super) fn parse(space: &Space, text: &str) -> Result<Vec<Step>, ExpressionError> {
    if text.len() > MAX_BYTES {
        let message = format!("at most {MAX_BYTES} characters are allowed (given {})", text.len());
        return Err(ExpressionError { at: MAX_BYTES, message });
    }
    let mut parser = Parser { space, text, at: 0, depth: 0, steps: Vec::new() };
    let kind = parser.any()?;
    parser.space();
    if parser.at < text.len() {
        return Err(parser.error("expected an operator or the end"));
    }
    if kind != Kind::Truth {
        let message = format!("the whole must be a condition, such as `x <= 3`, and is {}", kind.name());
        return Err(ExpressionError { at: 0, message });
    }
    Ok(parser.steps)
}

struct Parser<'t> {
    space: &'t Space,
    text: &'t str,
    at: usize,
    depth: usize,
    steps: Vec<Step>,
}

type Parsed = Result<Kind, ExpressionError>;

impl<'t> Parser<'t> {
    fn error(&self, message: impl Into<String>) -> ExpressionError {
        ExpressionError { at: self.at, message: message.into() }
    }

    fn rest(&self) -> &'t str {
        self.text.get(self.at..).unwrap_or("")
    }

    fn space(&mut self) {
        self.at += self.rest().len() - self.rest().trim_start().len();
    }

    /// Takes a symbol that comes next; the longer of `<` and `<=` has to be asked for first.
    fn takes(&mut self, symbol: &str) -> bool {
        self.space();
        let is_next = self.rest().starts_with(symbol);
        self.at += if is_next { symbol.len() } else { 0 };
        is_next
    }

    fn word(&mut self) -> &'t str {
        self.space();
        let rest = self.rest();
        let length = rest.find(|c: char| !c.is_ascii_alphanumeric() && c != '_').unwrap_or(rest.len());
        self.at += length;
        rest.get(..length).unwrap_or("")
    }

    fn push(&mut self, step: Step) -> Result<(), ExpressionError> {
        if self.steps.len() == MAX_STEPS {
            return Err(self.error(format!("at most {MAX_STEPS} numbers, names and operators are allowed")));
        }
        self.steps.push(step);
        Ok(())
    }

    fn deeper(&mut self, inner: impl FnOnce(&mut Self) -> Parsed) -> Parsed {
        if self.depth == MAX_DEPTH {
            return Err(self.error(format!("at most {MAX_DEPTH} levels of brackets, functions and signs are allowed")));
        }
        self.depth += 1;
        let parsed = inner(self);
        self.depth -= 1;
        parsed
    }

    fn expect(&self, from: usize, kind: &Kind, wanted: &Kind) -> Result<(), ExpressionError> {
        if kind == wanted {
            return Ok(());
        }
        let message = format!("expected {}, found {}", wanted.name(), kind.name());
        Err(ExpressionError { at: from, message })
    }

    /// Operands of one kind, joined from the left.
    fn chain(&mut self, symbols: &[(&str, Binary)], kind: &Kind, operand: fn(&mut Self) -> Parsed) -> Parsed {
        self.space();
        let from = self.at;
        let first = operand(self)?;
        let mut is_chain = false;
        loop {
            let Some(&(_, binary)) = symbols.iter().find(|(symbol, _)| self.takes(symbol)) else {
                return Ok(if is_chain { kind.clone() } else { first });
            };
            if !is_chain {
                self.expect(from, &first, kind)?;
            }
            is_chain = true;
            self.space();
            let from = self.at;
            let next = operand(self)?;
            self.expect(from, &next, kind)?;
            self.push(Step::Both(binary))?;
        }
    }

    fn any(&mut self) -> Parsed {
        self.chain(&[("||", Binary::Or)], &Kind::Truth, Self::every)
    }

    fn every(&mut self) -> Parsed {
        self.chain(&[("&&", Binary::And)], &Kind::Truth, Self::not)
    }

    fn not(&mut self) -> Parsed {
        self.space();
        if self.rest().starts_with("!=") || !self.takes("!") {
            return self.comparison();
        }
        let from = self.at;
        let kind = self.deeper(Self::not)?;
        self.expect(from, &kind, &Kind::Truth)?;
        self.push(Step::Not)?;
        Ok(Kind::Truth)
    }

    fn comparison(&mut self) -> Parsed {
        const SYMBOLS: [(&str, Binary); 6] = [
            ("<=", Binary::AtMost),
            (">=", Binary::AtLeast),
            ("==", Binary::Same),
            ("!=", Binary::Different),
            ("<", Binary::Less),
            (">", Binary::More),
        ];
        self.space();
        let from = self.at;
        let left = self.sum()?;
        let Some((symbol, binary)) = SYMBOLS.into_iter().find(|(symbol, _)| self.takes(symbol)) else {
            return Ok(left);
        };
        self.space();
        let after = self.at;
        let right = self.sum()?;
        let is_equality = matches!(binary, Binary::Same | Binary::Different);
        match (&left, &right) {
            (Kind::Number, Kind::Number) => {}
            (Kind::Truth, Kind::Truth) if is_equality => {}
            (Kind::Text(choices), Kind::Literal(text)) | (Kind::Literal(text), Kind::Text(choices)) if is_equality => {
                if let Some(choices) = choices.as_ref().filter(|choices| !choices.contains(text)) {
                    let message = format!("`{text}` is none of the choices {}", choices.join(", "));
                    return Err(ExpressionError { at: from, message });
                }
            }
            (Kind::Text(_) | Kind::Literal(_), Kind::Text(_) | Kind::Literal(_)) if is_equality => {}
            _ => {
                let message = format!("`{symbol}` cannot compare {} with {}", left.name(), right.name());
                return Err(ExpressionError { at: after, message });
            }
        }
        self.push(Step::Both(binary))?;
        Ok(Kind::Truth)
    }

    fn sum(&mut self) -> Parsed {
        self.chain(&[("+", Binary::Plus), ("-", Binary::Minus)], &Kind::Number, Self::product)
    }

    fn product(&mut self) -> Parsed {
        let symbols = [("*", Binary::Times), ("/", Binary::Over), ("%", Binary::Rest)];
        self.chain(&symbols, &Kind::Number, Self::signed)
    }

    fn signed(&mut self) -> Parsed {
        if !self.takes("-") {
            return self.single();
        }
        let from = self.at;
        let kind = self.deeper(Self::signed)?;
        self.expect(from, &kind, &Kind::Number)?;
        self.push(Step::Negate)?;
        Ok(Kind::Number)
    }

    fn single(&mut self) -> Parsed {
        self.space();
        if self.takes("(") {
            let kind = self.deeper(Self::any)?;
            return if self.takes(")") { Ok(kind) } else { Err(self.error("expected `)`")) };
        }
        match self.rest().chars().next() {
            Some('\'') => self.text(),
            Some(c) if c.is_ascii_digit() || c == '.' => self.number(),
            Some(c) if c.is_ascii_alphabetic() => self.name(),
            _ => Err(self.error("expected a number, a name, a text in single quotes, or `(`")),
        }
    }

    fn text(&mut self) -> Parsed {
        let rest = self.rest().get(1..).unwrap_or("");
        let Some(length) = rest.find('\'') else { return Err(self.error("the text has no end")) };
        let text = rest.get(..length).unwrap_or("").to_owned();
        self.at += length + 2;
        self.push(Step::Text(text.clone()))?;
        Ok(Kind::Literal(text))
    }

    fn number(&mut self) -> Parsed {
        let rest = self.rest().as_bytes();
        let mut length = 0;
        let digits = |from: usize| rest.iter().skip(from).take_while(|b| b.is_ascii_digit()).count();
        length += digits(length);
        if rest.get(length) == Some(&b'.') {
            length += 1 + digits(length + 1);
        }
        if matches!(rest.get(length), Some(b'e' | b'E')) {
            let sign = usize::from(matches!(rest.get(length + 1), Some(b'+' | b'-')));
            let exponent = digits(length + 1 + sign);
            length += if exponent > 0 { 1 + sign + exponent } else { 0 };
        }
        let text = self.rest().get(..length).unwrap_or("");
        let Some(number) = text.parse::<f64>().ok().filter(|x| x.is_finite()) else {
            return Err(self.error(format!("`{text}` is no number")));
        };
        self.at += length;
        self.push(Step::Number(number))?;
        Ok(Kind::Number)
    }

    fn name(&mut self) -> Parsed {
        let from = self.at;
        let word = self.word();
        self.space();
        if self.rest().starts_with('(') {
            return self.call(from, word);
        }
        if word == "true" || word == "false" {
            self.push(Step::Truth(word == "true"))?;
            return Ok(Kind::Truth);
        }
        let Some(parameter) = self.space.parameter(word) else {
            let message = format!("`{word}` is no parameter of this study");
            return Err(ExpressionError { at: from, message });
        };
        self.push(Step::Parameter(word.to_owned()))?;
        Ok(match &parameter.domain {
            Domain::Categorical { choices } => Kind::Text(Some(choices.clone())),
            Domain::Float { .. } | Domain::Int { .. } | Domain::Ordinal { .. } => Kind::Number,
        })
    }

    fn call(&mut self, from: usize, name: &str) -> Parsed {
        let one = match name {
            "abs" => Some(Function::Abs),
            "sqrt" => Some(Function::Sqrt),
            "exp" => Some(Function::Exp),
            "log" => Some(Function::Log),
            "log2" => Some(Function::Log2),
            "log10" => Some(Function::Log10),
            "floor" => Some(Function::Floor),
            "ceil" => Some(Function::Ceil),
            "round" => Some(Function::Round),
            _ => None,
        };
        if one.is_none() && !["pow", "min", "max"].contains(&name) {
            let message = format!("`{name}` is no function");
            return Err(ExpressionError { at: from, message });
        }
        self.takes("(");
        let mut count = 0;
        loop {
            self.space();
            let at = self.at;
            let kind = self.deeper(Self::any)?;
            self.expect(at, &kind, &Kind::Number)?;
            count += 1;
            if !self.takes(",") {
                break;
            }
        }
        if !self.takes(")") {
            return Err(self.error("expected `,` or `)`"));
        }
        let step = match (one, name, count) {
            (Some(function), _, 1) => Step::One(function),
            (None, "pow", 2) => Step::Both(Binary::Power),
            (None, "min", 2..) => Step::Least(count),
            (None, "max", 2..) => Step::Most(count),
            _ => {
                let message = format!("`{name}` does not take {count} numbers");
                return Err(ExpressionError { at: from, message });
            }
        };
        self.push(step)?;
        Ok(Kind::Number)
    }
}
