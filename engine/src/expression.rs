//! Constraints on configurations: a small language of arithmetic and comparisons over the parameters.
//!
//! `hidden_units * layers <= 1024 && (optimizer == 'adam' || momentum > 0.5)`. There are no loops, no definitions and no state:
//! an expression is compiled once into a list of steps for a stack, and evaluating it walks that list once. Length, number
//! of steps and nesting are bounded, so that nothing that a user writes can hold up or break a decision.
//!
//! | binds | operators |
//! | --- | --- |
//! | loosest | `||` |
//! | | `&&` |
//! | | `!` |
//! | | `<` `<=` `>` `>=` `==` `!=` (once) |
//! | | `+` `-` |
//! | | `*` `/` `%` |
//! | tightest | `-x`, `f(x)`, `(x)` |
//!
//! Values are numbers (floats, ints, ordinals, `1e-3`), texts (choices, `'adam'`, compared by `==` and `!=`) and truth
//! (`true`, `false`). Functions: `abs`, `sqrt`, `exp`, `log` (natural), `log2`, `log10`, `floor`, `ceil`, `round` of one
//! number, `pow` of two, `min` and `max` of two or more.
//!
//! What is said of a parameter that does not exist in a configuration is unknown; `&&` and `||` decide without it where they
//! can, and a constraint that stays unknown holds. A comparison with what is no number, such as 0/0, is false.

mod parser;

use crate::plan::PlanError;
use crate::space::{Assignment, Space, Value};

/// The longest expression, in bytes.
pub const MAX_BYTES: usize = 1_000;

/// The most steps of an expression.
pub const MAX_STEPS: usize = 256;

/// The deepest nesting of brackets, functions and signs.
pub const MAX_DEPTH: usize = 32;

/// The most constraints of a study.
pub const MAX_CONSTRAINTS: usize = 32;

/// Why a text is no constraint on a space.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ExpressionError {
    /// Where, in bytes from the start.
    pub at: usize,
    /// What is wrong, as a sentence part.
    pub message: String,
}

impl std::fmt::Display for ExpressionError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "cannot be read at character {}: {}", self.at + 1, self.message)
    }
}

impl std::error::Error for ExpressionError {}

/// A step of an evaluation.
#[derive(Clone, Debug, PartialEq)]
enum Step {
    Number(f64),
    Text(String),
    Truth(bool),
    /// The value of a parameter.
    Parameter(String),
    Negate,
    Not,
    Both(Binary),
    One(Function),
    /// So many numbers become one.
    Least(usize),
    Most(usize),
}

/// An operation on two values.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Binary {
    Or,
    And,
    Less,
    AtMost,
    More,
    AtLeast,
    Same,
    Different,
    Plus,
    Minus,
    Times,
    Over,
    Rest,
    Power,
}

/// A function of one number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Function {
    Abs,
    Sqrt,
    Exp,
    Log,
    Log2,
    Log10,
    Floor,
    Ceil,
    Round,
}

/// A value on the stack.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Held<'v> {
    Number(f64),
    Text(&'v str),
    Truth(bool),
    Unknown,
}

/// An expression that was read, over the parameters of a space.
#[derive(Clone, Debug, PartialEq)]
pub struct Constraint {
    steps: Vec<Step>,
}

impl Constraint {
    /// Reads an expression over the parameters of a space.
    ///
    /// # Errors
    /// Where it cannot be read, names what is no parameter or choice, or mixes kinds of values.
    pub fn parse(space: &Space, text: &str) -> Result<Self, ExpressionError> {
        parser::parse(space, text).map(|steps| Self { steps })
    }

    /// Reads the constraints of a study, and says of each mistake where it is.
    pub(crate) fn parse_all(space: &Space, texts: &[String], errors: &mut Vec<PlanError>) -> Vec<Self> {
        if texts.len() > MAX_CONSTRAINTS {
            let message = format!("must have at most {MAX_CONSTRAINTS} (given {})", texts.len());
            errors.push(PlanError { field: "constraints".to_owned(), message });
        }
        let mut constraints = Vec::new();
        for (i, text) in texts.iter().enumerate() {
            match Self::parse(space, text) {
                Ok(constraint) => constraints.push(constraint),
                Err(error) => {
                    let field = format!("constraints[{i}].expression");
                    errors.push(PlanError { field, message: error.to_string() });
                }
            }
        }
        constraints
    }

    /// Whether a configuration meets the constraint.
    #[must_use]
    pub fn holds(&self, assignment: &Assignment) -> bool {
        let mut stack: Vec<Held<'_>> = Vec::new();
        for step in &self.steps {
            let value = match step {
                Step::Number(x) => Held::Number(*x),
                Step::Text(text) => Held::Text(text),
                Step::Truth(truth) => Held::Truth(*truth),
                Step::Parameter(name) => look_up(assignment, name),
                Step::Negate => number(pop(&mut stack), |x| -x),
                Step::Not => match pop(&mut stack) {
                    Held::Truth(truth) => Held::Truth(!truth),
                    _ => Held::Unknown,
                },
                Step::One(function) => number(pop(&mut stack), |x| function.of(x)),
                Step::Both(binary) => {
                    let right = pop(&mut stack);
                    binary.of(pop(&mut stack), right)
                }
                Step::Least(count) => fold(&mut stack, *count, f64::min),
                Step::Most(count) => fold(&mut stack, *count, f64::max),
            };
            stack.push(value);
        }
        pop(&mut stack) != Held::Truth(false)
    }
}

fn pop<'v>(stack: &mut Vec<Held<'v>>) -> Held<'v> {
    // The parser never leaves a step without its operands.
    stack.pop().unwrap_or(Held::Unknown)
}

fn look_up<'v>(assignment: &'v Assignment, name: &str) -> Held<'v> {
    match assignment.get(name) {
        Some(Value::Float(x)) => Held::Number(*x),
        #[expect(clippy::cast_precision_loss, reason = "a comparison of numbers beyond 2^53 is as exact as a double")]
        Some(Value::Int(x)) => Held::Number(*x as f64),
        Some(Value::Choice(choice)) => Held::Text(choice),
        None => Held::Unknown,
    }
}

fn number<'v>(held: Held<'v>, change: impl Fn(f64) -> f64) -> Held<'v> {
    match held {
        Held::Number(x) => Held::Number(change(x)),
        _ => Held::Unknown,
    }
}

fn fold<'v>(stack: &mut Vec<Held<'v>>, count: usize, pick: impl Fn(f64, f64) -> f64) -> Held<'v> {
    let mut result = pop(stack);
    for _ in 1..count {
        result = match (result, pop(stack)) {
            // What is no number stays none: the standard functions would pass over it.
            (Held::Number(a), Held::Number(b)) if a.is_nan() || b.is_nan() => Held::Number(f64::NAN),
            (Held::Number(a), Held::Number(b)) => Held::Number(pick(a, b)),
            _ => Held::Unknown,
        };
    }
    result
}

impl Function {
    fn of(self, x: f64) -> f64 {
        match self {
            Self::Abs => x.abs(),
            Self::Sqrt => x.sqrt(),
            Self::Exp => libm::exp(x),
            Self::Log => libm::log(x),
            Self::Log2 => libm::log2(x),
            Self::Log10 => libm::log10(x),
            Self::Floor => x.floor(),
            Self::Ceil => x.ceil(),
            Self::Round => x.round(),
        }
    }
}

impl Binary {
    fn of<'v>(self, left: Held<'v>, right: Held<'v>) -> Held<'v> {
        use Held::{Number, Text, Truth, Unknown};
        match (self, left, right) {
            (Self::And, Truth(false), _) | (Self::And, _, Truth(false)) => Truth(false),
            (Self::Or, Truth(true), _) | (Self::Or, _, Truth(true)) => Truth(true),
            (Self::And, Truth(true), Truth(true)) => Truth(true),
            (Self::Or, Truth(false), Truth(false)) => Truth(false),
            (Self::Same, Text(a), Text(b)) => Truth(a == b),
            (Self::Different, Text(a), Text(b)) => Truth(a != b),
            (Self::Same, Truth(a), Truth(b)) => Truth(a == b),
            (Self::Different, Truth(a), Truth(b)) => Truth(a != b),
            (_, Number(a), Number(b)) => match self {
                Self::Or | Self::And => Unknown,
                Self::Less => Truth(a < b),
                Self::AtMost => Truth(a <= b),
                Self::More => Truth(a > b),
                Self::AtLeast => Truth(a >= b),
                Self::Same => Truth(a == b),
                Self::Different => Truth(a != b && !a.is_nan() && !b.is_nan()),
                Self::Plus => Number(a + b),
                Self::Minus => Number(a - b),
                Self::Times => Number(a * b),
                Self::Over => Number(a / b),
                Self::Rest => Number(a % b),
                Self::Power => Number(libm::pow(a, b)),
            },
            _ => Unknown,
        }
    }
}

#[cfg(test)]
mod tests;
