//! Hyperband (Li et al., JMLR 18(185)): bracket `b` has `s = s_max - (b mod (s_max + 1))` promotions.
//!
//! The plan lists one pass from the longest bracket to the shortest, so that this is the remainder itself.

use super::ladder::Rule;

pub(super) const RULE: Rule = Rule { shape: |bracket, shapes| bracket as usize % shapes.max(1) };
