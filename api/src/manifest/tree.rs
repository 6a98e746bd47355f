//! YAML as a tree that knows where each of its parts stands.

use std::fmt;

use serde::de::{Deserialize, Deserializer, Error, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Number, Value};
use serde_saphyr::{Location, Spanned};

/// Line and column, from 1.
pub(super) type Place = (usize, usize);

pub(super) fn place(location: Location) -> Place {
    (usize::try_from(location.line()).unwrap_or(1), usize::try_from(location.column()).unwrap_or(1))
}

/// A part of the file.
#[derive(Clone, Debug)]
pub(super) struct Node {
    pub(super) place: Place,
    pub(super) kind: Kind,
}

/// What a part is.
#[derive(Clone, Debug)]
pub(super) enum Kind {
    /// Text, a number, true or false, or nothing.
    Scalar(Value),
    /// A list.
    List(Vec<Node>),
    /// An object: each member's name, the name's place, and the member.
    Object(Vec<(String, Place, Node)>),
}

impl Node {
    /// A member of an object.
    pub(super) fn member(&self, name: &str) -> Option<&Node> {
        match &self.kind {
            Kind::Object(members) => members.iter().find(|(n, _, _)| n == name).map(|(_, _, node)| node),
            _ => None,
        }
    }

    /// The tree without its places.
    pub(super) fn to_json(&self) -> Value {
        match &self.kind {
            Kind::Scalar(value) => value.clone(),
            Kind::List(items) => items.iter().map(Self::to_json).collect(),
            Kind::Object(members) => {
                members.iter().map(|(name, _, node)| (name.clone(), node.to_json())).collect::<Map<_, _>>().into()
            }
        }
    }

    /// The place of a field such as `spec.parameters[2].float.min`, or of the nearest field above it that is there.
    pub(super) fn place(&self, field: &str) -> Place {
        let mut node = self;
        let mut place = self.place;
        for step in field.split(['.', '[']) {
            let next = match (&node.kind, step.strip_suffix(']').and_then(|n| n.parse::<usize>().ok())) {
                (Kind::List(items), Some(index)) => items.get(index).map(|item| (item.place, item)),
                (Kind::Object(members), None) => {
                    members.iter().find(|(n, _, _)| n == step).map(|(_, at, member)| (*at, member))
                }
                _ => None,
            };
            let Some((at, below)) = next else { break };
            (place, node) = (at, below);
        }
        place
    }
}

impl<'de> Deserialize<'de> for Node {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let spanned = Spanned::<Kind>::deserialize(deserializer)?;
        Ok(Self { place: place(spanned.referenced), kind: spanned.value })
    }
}

impl<'de> Deserialize<'de> for Kind {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(KindVisitor)
    }
}

struct KindVisitor;

impl<'de> Visitor<'de> for KindVisitor {
    type Value = Kind;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("YAML")
    }

    fn visit_bool<E>(self, value: bool) -> Result<Kind, E> {
        Ok(Kind::Scalar(value.into()))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Kind, E> {
        Ok(Kind::Scalar(value.into()))
    }

    fn visit_u64<E>(self, value: u64) -> Result<Kind, E> {
        Ok(Kind::Scalar(value.into()))
    }

    fn visit_f64<E: Error>(self, value: f64) -> Result<Kind, E> {
        Number::from_f64(value).map(|n| Kind::Scalar(n.into())).ok_or_else(|| E::custom("a number must be finite"))
    }

    fn visit_str<E>(self, value: &str) -> Result<Kind, E> {
        Ok(Kind::Scalar(value.into()))
    }

    fn visit_unit<E>(self) -> Result<Kind, E> {
        Ok(Kind::Scalar(Value::Null))
    }

    fn visit_none<E>(self) -> Result<Kind, E> {
        Ok(Kind::Scalar(Value::Null))
    }

    fn visit_some<D: Deserializer<'de>>(self, deserializer: D) -> Result<Kind, D::Error> {
        Kind::deserialize(deserializer)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Kind, A::Error> {
        let mut list = Vec::new();
        while let Some(item) = items.next_element()? {
            list.push(item);
        }
        Ok(Kind::List(list))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<Kind, A::Error> {
        let mut members = Vec::new();
        while let Some((name, member)) = entries.next_entry::<Spanned<String>, Node>()? {
            members.push((name.value, place(name.referenced), member));
        }
        Ok(Kind::Object(members))
    }
}
